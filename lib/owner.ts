/**
 * `--chown`: numbers, or names that the image's own `/etc/passwd` and `/etc/group` know.
 *
 * @module
 */
import { readAt } from "./file_stream.ts";
import type { Rootfs } from "./rootfs.ts";
import { follow } from "./tree.ts";

/** Who a file belongs to. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The owner of everything without `--chown`. */
export const root: Owner = { uid: 0, gid: 0 };

/** A name that was looked for in vain. */
export interface MissingName {
  readonly missing: string;
  /** Where it was looked for: an absolute path in the image. */
  readonly file: string;
}

/** Linux has 32-bit ids; the highest one means "none". */
const maxId = 0xFFFFFFFE;

/**
 * @param text `user[:group]`; a user alone gives the group with the same number, and `root` is always 0
 * @param rootfs the image so far, for names
 * @returns the owner, or the name that was not found
 */
export function parseOwner(text: string, rootfs: Rootfs): Owner | MissingName {
  const [user = "", group] = text.split(":", 2);
  const uid = lookUp(user, "etc/passwd", rootfs);
  if (uid === undefined) return { missing: user, file: "/etc/passwd" };
  if (group === undefined) return { uid, gid: uid };
  const gid = lookUp(group, "etc/group", rootfs);
  return gid === undefined ? { missing: group, file: "/etc/group" } : { uid, gid };
}

/** Both files have the name in their first field and the number in their third (passwd(5), group(5)). */
function lookUp(name: string, file: string, rootfs: Rootfs): number | undefined {
  if (name === "root") return 0;
  if (/^\d+$/.test(name)) return Number(name) <= maxId ? Number(name) : undefined;
  for (const line of readLines(file, rootfs)) {
    const fields = line.split(":");
    if (fields[0] === name && /^\d+$/.test(fields[2] ?? "")) return Number(fields[2]);
  }
  return undefined;
}

function readLines(path: string, rootfs: Rootfs): string[] {
  const node = follow(rootfs, path)?.node;
  return node?.kind === "file" ? new TextDecoder().decode(readAt(node, 0, node.size)).split("\n") : [];
}
