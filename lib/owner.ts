/**
 * `--chown`: numbers, or names that the image's own `/etc/passwd` and `/etc/group` know.
 *
 * @module
 */
import type { Rootfs } from "./rootfs.ts";
import { follow } from "./tree.ts";

/** Who a file belongs to. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The owner of everything without `--chown`. */
export const root: Owner = { uid: 0, gid: 0 };

/** Linux has 32-bit ids; the highest one means "none". */
const maxId = 0xFFFFFFFE;

/**
 * @param text `user[:group]`; a user alone gives the group with the same number
 * @param rootfs the image so far, for names
 * @returns the owner, or the name that was not found, and in which file
 */
export function parseOwner(
  text: string,
  rootfs: Rootfs,
): Owner | { readonly missing: string; readonly file: string } {
  const [user = "", group] = text.split(":", 2);
  const uid = lookUp(user || "0", "etc/passwd", rootfs);
  if (uid === undefined) return { missing: user, file: "/etc/passwd" };
  if (group === undefined || group === "") return { uid, gid: uid };
  const gid = lookUp(group, "etc/group", rootfs);
  return gid === undefined ? { missing: group, file: "/etc/group" } : { uid, gid };
}

/** Both files have the name in their first field and the number in their third (passwd(5), group(5)). */
function lookUp(name: string, file: string, rootfs: Rootfs): number | undefined {
  if (/^\d+$/.test(name)) return Number(name) <= maxId ? Number(name) : undefined;
  for (const line of readText(file, rootfs).split("\n")) {
    const fields = line.split(":");
    if (fields[0] === name && /^\d+$/.test(fields[2] ?? "")) return Number(fields[2]);
  }
  return undefined;
}

function readText(path: string, rootfs: Rootfs): string {
  const node = follow(rootfs, path)?.node;
  if (node?.kind !== "file") return "";
  const { content } = node;
  return content.kind === "bytes"
    ? new TextDecoder().decode(content.bytes)
    : Deno.readTextFileSync(content.path);
}
