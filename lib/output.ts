/**
 * `--output`: the words of users become a destination.
 *
 * @module
 */
import { UsageError } from "./errors.ts";

/** What `--output` can mean. */
export type Output =
  | { readonly kind: "containerd" }
  /** `dest` is a path or `-`; absent: a file named after the tag. */
  | { readonly kind: "tar"; readonly dest?: string };

/** docker's names for a tar; ours is both of them at once. */
const tarTypes = ["tar", "oci", "docker"];
const containerdTypes = ["ctr", "containerd"];

const hint = "expected ctr, tar, or type=tar,dest=PATH (PATH - is stdout)";

/**
 * @param text `ctr`, `tar`, or docker's form `type=tar,dest=PATH` (CSV)
 * @returns what it means
 * @throws {UsageError} when it has another form
 */
export function parseOutput(text: string): Output {
  const fields = new Map<string, string>();
  for (const part of splitFields(text)) {
    const equals = part.indexOf("=");
    const [key, value] = equals < 0
      ? ["type", part]
      : [part.slice(0, equals).trim().toLowerCase(), part.slice(equals + 1)];
    if (key !== "type" && key !== "dest") {
      throw new UsageError(`Cannot use --output "${text}": unknown field "${key}"`, { hint });
    }
    if (fields.has(key)) {
      throw new UsageError(`Cannot use --output "${text}": ${key} is given twice`, { hint });
    }
    fields.set(key, value);
  }
  const type = fields.get("type") ?? "";
  const dest = fields.get("dest");
  if (dest === "") throw new UsageError(`Cannot use --output "${text}": dest is empty`, { hint });
  if (containerdTypes.includes(type)) {
    if (dest === undefined) return { kind: "containerd" };
    throw new UsageError(`Cannot use --output "${text}": an image in containerd has no dest`, { hint });
  }
  if (!tarTypes.includes(type)) {
    throw new UsageError(`Cannot use --output "${text}": unknown type "${type}"`, { hint });
  }
  return dest === undefined ? { kind: "tar" } : { kind: "tar", dest };
}

/** One line of CSV (RFC 4180), as docker reads its outputs: a field with a comma stands in double quotes. */
function splitFields(text: string): string[] {
  const fields: string[] = [];
  const pattern = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/gy;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    if (match[3] === "") return fields;
  }
  throw new UsageError(`Cannot use --output "${text}": a double quote is in the wrong place`, {
    hint: `a field with a comma is written whole in double quotes: 'type=tar,"dest=a,b.tar"'`,
  });
}
