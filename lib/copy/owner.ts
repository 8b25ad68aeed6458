/**
 * `--chown`: numbers, or names that the image's own `/etc/passwd` and `/etc/group` know.
 *
 * @module
 */
import { readAt } from "../file_stream.ts";
import type { Rootfs } from "../rootfs.ts";
import { follow } from "../tree.ts";

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
 * @param text `user[:group]`. Without a group, a number gives the group with the same number, as a name does not: it
 * gives the user's group in `/etc/passwd`, as BuildKit has it. `root` is always 0
 * @param rootfs the image so far, for names
 * @returns the owner, or the name that was not found
 */
export function parseOwner(text: string, rootfs: Rootfs): Owner | MissingName {
  const [user = "", group] = text.split(":", 2);
  const found = lookUp(user, "etc/passwd", rootfs);
  if (found === undefined) return { missing: user, file: "/etc/passwd" };
  if (group === undefined) return { uid: found.id, gid: found.group };
  const gid = lookUp(group, "etc/group", rootfs)?.id;
  return gid === undefined ? { missing: group, file: "/etc/group" } : { uid: found.id, gid };
}

/** Both files have the name in the first field and the number in the third; passwd has a group in the fourth. */
function lookUp(
  name: string,
  file: string,
  rootfs: Rootfs,
): { readonly id: number; readonly group: number } | undefined {
  if (name === "root") return { id: 0, group: 0 };
  const number = parseId(name);
  if (number !== undefined) return { id: number, group: number };
  for (const line of readLines(file, rootfs)) {
    const [first, , id, group] = line.split(":");
    const known = parseId(id);
    if (first === name && known !== undefined) return { id: known, group: parseId(group) ?? known };
  }
  return undefined;
}

function parseId(text = ""): number | undefined {
  return /^\d+$/.test(text) && Number(text) <= maxId ? Number(text) : undefined;
}

function readLines(path: string, rootfs: Rootfs): string[] {
  const node = follow(rootfs, path)?.node;
  return node?.kind === "file" ? new TextDecoder().decode(readAt(node, 0, node.size)).split("\n") : [];
}
