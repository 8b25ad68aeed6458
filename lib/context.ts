/**
 * The build context: the only reader of the user's directory while the image is planned. Everything in it is named
 * by a path relative to its root, and nothing outside of it can be named.
 *
 * @module
 */
import { resolve } from "@std/path/posix";
import { PathError } from "./errors.ts";
import { isPartial } from "./partial_file.ts";
import { childPath, cleanPath, type FileNode, type FileTree, type Node } from "./tree.ts";

/** Options of {@linkcode openContext}. */
export interface ContextOptions {
  /** Absolute paths of files that are not part of the context, such as the image that is being written. Default: none. */
  readonly hidden?: readonly string[];
}

/**
 * Opens a directory as a build context.
 *
 * An absolute link in it means a path below its root, as BuildKit has it, else a path on this machine that lies
 * inside of the directory.
 *
 * @param path the directory
 * @returns a tree whose files belong to 0:0 and keep their modes and times
 * @throws {PathError} when it is not there, is no directory, or cannot be read
 */
export function openContext(path: string, options: ContextOptions = {}): FileTree {
  const { hidden = [] } = options;
  const root = realDirectory(path);
  const left = new Set(hidden);
  const absolute = (inner: string): string => inner === "" ? root : `${root === "/" ? "" : root}/${inner}`;
  const node = (inner: string): Node | undefined =>
    left.has(absolute(inner)) || isPartial(inner) ? undefined : nodeOf(absolute(inner), inner);
  return {
    title: "the build context",
    rooted: false,
    node,
    names: (inner) => {
      if (node(inner)?.kind !== "directory") return [];
      // What another build writes here, or left when it was killed, is no part of the context.
      return readNames(absolute(inner), inner)
        .filter((name) => !left.has(absolute(childPath(inner, name))) && !isPartial(name));
    },
    inside: (target) => {
      const below = cleanPath(target);
      if (root === "/" || node(below) !== undefined) return below;
      const clean = resolve(target);
      return clean === root ? "" : clean.startsWith(`${root}/`) ? clean.slice(root.length + 1) : undefined;
    },
  };
}

function realDirectory(path: string): string {
  try {
    const root = Deno.realPathSync(path);
    if (Deno.statSync(root).isDirectory) return root;
  } catch (error) {
    const why = error instanceof Deno.errors.NotFound ? "no such directory" : reason(error);
    throw new PathError(path, `Cannot use build context "${path}": ${why}`, { cause: error });
  }
  throw new PathError(path, `Cannot use build context "${path}": it is a file, expected a directory`, {
    hint: `name the directory that holds the files to copy; the Containerfile is named with -f`,
  });
}

function nodeOf(path: string, title: string): Node | undefined {
  let info: Deno.FileInfo;
  try {
    info = Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw new PathError(title, `Cannot read "${title}": ${reason(error)}`, { cause: error });
  }
  const attributes = {
    mode: (info.mode ?? 0) & 0o7777,
    uid: 0,
    gid: 0,
    mtime: Math.floor((info.mtime?.getTime() ?? 0) / 1000),
  };
  if (info.isDirectory) return { kind: "directory", ...attributes };
  if (info.isSymlink) return { kind: "symlink", ...attributes, mode: 0o777, target: linkText(path, title) };
  if (info.isFile) return fileNode(path, title, info, attributes);
  return { kind: "special", ...attributes, what: specialKind(info) };
}

function fileNode(
  path: string,
  title: string,
  info: Deno.FileInfo,
  attributes: Pick<FileNode, "mode" | "uid" | "gid" | "mtime">,
): FileNode {
  const identity = {
    device: info.dev,
    inode: info.ino ?? 0,
    mtime: info.mtime?.getTime() ?? 0,
    ctime: info.ctime?.getTime() ?? 0,
  };
  return {
    kind: "file",
    ...attributes,
    size: info.size,
    content: { kind: "disk", path, title, identity },
  };
}

function linkText(path: string, title: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.InvalidData)) throw error;
    throw new PathError(title, `Cannot use "${title}": the target of this link is not UTF-8`, {
      hint: rename,
    });
  }
}

const rename = "rename it, or leave it out of the build context";

function specialKind(info: Deno.FileInfo): string {
  if (info.isFifo) return "a fifo";
  if (info.isSocket) return "a socket";
  return info.isBlockDevice ? "a block device" : "a character device";
}

function readNames(path: string, title: string): string[] {
  let names: string[];
  try {
    names = Array.from(Deno.readDirSync(path), (entry) => entry.name);
  } catch (error) {
    if (error instanceof Deno.errors.NotADirectory || error instanceof Deno.errors.NotFound) return [];
    throw new PathError(title, `Cannot read directory "${title || "."}": ${reason(error)}`, { cause: error });
  }
  const odd = names.find((name) => name.includes("\uFFFD") && !exists(`${path}/${name}`));
  if (odd !== undefined) {
    const shown = childPath(title, odd);
    throw new PathError(shown, `Cannot use "${shown}": its name is not UTF-8`, { hint: rename });
  }
  return names.sort();
}

/** The runtime replaces bytes that are no UTF-8, and then does not find the file under the name it gave. */
function exists(path: string): boolean {
  try {
    return Deno.lstatSync(path) !== undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The runtime's messages repeat the path and the system call; people need the state only. */
function reason(error: unknown): string {
  if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
    return "permission denied";
  }
  return error instanceof Error
    ? error.message.replace(/:? *(?:stat|lstat|readdir|realpath|open)? '.*'$/, "")
    : String(error);
}
