/**
 * `bima build`: the values of the command line become the options of a build.
 *
 * @module
 */
import type { BuildOptions } from "./build.ts";
import { commandInputs, type StandardInput } from "./command_inputs.ts";
import type { CommandLine, OptionName } from "./command_line.ts";
import type { ContainerdDestination, Destination } from "./destination.ts";
import { UsageError } from "./errors.ts";
import { parseOutput } from "./output.ts";
import { fileNameOf, parseReference } from "./reference.ts";
import { unpackers } from "./unpackers.ts";

/** What the options of a build depend on besides the command line. */
export interface Surroundings extends StandardInput {
  /** Reads an environment variable. */
  readonly environment: (name: string) => string | undefined;
  /** Where `dest=-` goes. */
  readonly stdout: WritableStream<Uint8Array<ArrayBuffer>>;
  /** Whether a person would get the bytes of `dest=-` to see. */
  readonly stdoutIsTerminal: boolean;
}

/**
 * @param line the command line
 * @param surroundings what else there is
 * @returns the options of the build
 * @throws {UsageError} when something is missing or wrong
 */
export function toBuildOptions(
  line: CommandLine,
  surroundings: Surroundings,
): BuildOptions & { readonly output: Destination } {
  const [context, extra] = line.positional;
  if (context === undefined) {
    throw new UsageError("Cannot build: the build context is missing", {
      hint: "name the directory with the files to copy, for example: bima build -t NAME .",
    });
  }
  if (extra !== undefined) {
    throw new UsageError(
      `Cannot build "${extra}" as well: bima build takes one context, and that is "${context}"`,
      {
        hint: "options with a blank in their value need quotes",
      },
    );
  }
  const tags = line.values("tag");
  if (tags.length === 0) {
    throw new UsageError("Cannot build: the name of the image is missing", { hint: "give it with -t NAME" });
  }
  // Before a file is named after it.
  tags.forEach(parseReference);
  const { environment } = surroundings;
  const level = wholeNumber(line, "compression-level", 1, 9);
  const epoch = dateEpoch(environment("SOURCE_DATE_EPOCH"));
  return {
    tag: tags,
    output: toDestination(line, tags[0] ?? "", surroundings),
    ...commandInputs(context, line.value("file"), surroundings),
    ...text(line, "platform", "platform"),
    ...text(line, "target", "target"),
    strict: line.has("strict"),
    buildArgs: pairs(line, "build-arg", environment),
    labels: pairs(line, "label"),
    annotations: pairs(line, "annotation"),
    ...(level === undefined ? {} : { compressionLevel: level }),
    ...(epoch === undefined ? {} : { sourceDateEpoch: epoch }),
  };
}

/** As a file it would get the digest as well, behind the tar. */
const stdoutNames = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

function toDestination(
  line: CommandLine,
  tag: string,
  { stdout, stdoutIsTerminal }: Surroundings,
): Destination {
  const given = line.value("output");
  const output = parseOutput(given ?? (line.has("tar") ? "tar" : "ctr"));
  if (line.has("tar") && output.kind !== "tar") {
    throw new UsageError(`Cannot use --tar and --output "${given}" together`, {
      hint: "leave one of them out",
    });
  }
  if (output.kind === "containerd") {
    const seconds = wholeNumber(line, "timeout", 1, 86_400);
    return {
      kind: "containerd",
      ...text(line, "namespace", "namespace"),
      ...text(line, "address", "address"),
      ...text(line, "snapshotter", "snapshotter"),
      ...unpacking(line),
      ...(seconds === undefined ? {} : { timeout: seconds * 1000 }),
    };
  }
  if (output.dest === undefined || !stdoutNames.includes(output.dest)) {
    return { kind: "tar", dest: output.dest ?? fileNameOf(tag) };
  }
  if (stdoutIsTerminal) {
    throw new UsageError("Cannot write a tar to a terminal", {
      hint: "name a file with dest=PATH, or add > image.tar",
    });
  }
  return { kind: "tar", dest: stdout };
}

/** @returns the option under the name that the library has for it, or nothing, so that the library's default holds */
function text<Key extends string>(
  line: CommandLine,
  option: OptionName,
  key: Key,
): { readonly [K in Key]?: string } {
  const value = line.value(option);
  return (value === undefined ? {} : { [key]: value }) as { readonly [K in Key]?: string };
}

function wholeNumber(line: CommandLine, option: OptionName, least: number, most: number): number | undefined {
  const value = line.value(option);
  if (value === undefined) return undefined;
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= least && number <= most) return number;
  throw new UsageError(`Cannot use --${option} "${value}": expected a whole number from ${least} to ${most}`);
}

/** https://reproducible-builds.org/specs/source-date-epoch/ */
function dateEpoch(value: string | undefined): number | undefined {
  if (value === undefined || value === "") return undefined;
  // The last second of the year 9999: RFC 3339 has no later ones.
  if (/^\d+$/.test(value) && Number(value) <= 253_402_300_799) return Number(value);
  throw new UsageError(`Cannot use SOURCE_DATE_EPOCH "${value}": expected whole seconds since 1970`);
}

/**
 * @param line the command line
 * @param option an option whose values are `KEY=VALUE`
 * @param fallback gives the value of a key alone; without one there is none. Default: a value is required
 * @returns the values by key, the last one of a key
 * @throws {UsageError} when one has another form
 */
export function pairs<Name extends string>(
  line: CommandLine<Name>,
  option: Name,
  fallback?: (name: string) => string | undefined,
): Record<string, string> {
  const result = new Map<string, string>();
  for (const pair of line.values(option)) {
    const equals = pair.indexOf("=");
    const key = equals < 0 ? pair : pair.slice(0, equals);
    const value = equals < 0 ? fallback?.(key) : pair.slice(equals + 1);
    if (key === "" || (value === undefined && fallback === undefined)) {
      throw new UsageError(`Cannot use --${option} "${pair}": expected KEY=VALUE`);
    }
    if (value !== undefined) result.set(key, value);
  }
  // Not by assignment: `__proto__` is a key like any other.
  return Object.fromEntries(result);
}

function unpacking(line: CommandLine): Pick<ContainerdDestination, "unpack" | "unpackBy"> {
  const unpack = !line.has("no-unpack");
  const text = line.value("unpack-by");
  if (text === undefined) return { unpack };
  const unpackBy = unpackers.find((name) => name === text);
  if (unpackBy === undefined) {
    throw new UsageError(`Cannot use --unpack-by "${text}": expected ${unpackers.join(" or ")}`);
  }
  if (!unpack) throw new UsageError("Cannot use --no-unpack and --unpack-by together");
  return { unpack, unpackBy };
}
