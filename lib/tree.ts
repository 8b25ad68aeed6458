/**
 * File trees: what COPY reads from (a build context, an earlier stage) and what an image is made of. A node says
 * what stands at a path and where its bytes come from; nothing is read before a layer is written.
 *
 * @module
 */
import { dirname, join, normalize } from "@std/path/posix";
import { PathError } from "./errors.ts";

/** Which version of a file on disk was planned for; it must still be that one when it is read. */
export interface FileIdentity {
  readonly device: number;
  readonly inode: number;
  /** Last change of the content, in milliseconds since 1970. */
  readonly mtime: number;
  /** Last change of the inode, in milliseconds since 1970. */
  readonly ctime: number;
}

/** Where the bytes of a file come from. */
export type Content =
  | {
    readonly kind: "disk";
    /** The absolute path on the host. */
    readonly path: string;
    /** The path as messages show it. */
    readonly title: string;
    readonly identity: FileIdentity;
  }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array<ArrayBuffer> };

/** What every node has. */
interface Attributes {
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds since 1970. */
  readonly mtime: number;
}

/** A directory. */
export interface DirectoryNode extends Attributes {
  readonly kind: "directory";
}

/** A regular file. */
export interface FileNode extends Attributes {
  readonly kind: "file";
  /** In bytes. */
  readonly size: number;
  readonly content: Content;
}

/** A symbolic link. */
export interface SymlinkNode extends Attributes {
  readonly kind: "symlink";
  /** The text of the link. */
  readonly target: string;
}

/** Something that an image cannot hold: it exists only to be refused. */
export interface SpecialNode extends Attributes {
  readonly kind: "special";
  /** What it is, for messages: `a fifo`. */
  readonly what: string;
}

/** What a layer can hold. */
export type ImageNode = DirectoryNode | FileNode | SymlinkNode;

/** What can stand at a path. */
export type Node = ImageNode | SpecialNode;

/** A tree that COPY can read. Paths are relative to its root, clean, without a leading slash; the root is `""`. */
export interface FileTree {
  /** What messages call it: `the build context`. */
  readonly title: string;
  /** @returns what stands at the path, links not followed; `undefined` when there is nothing */
  node(path: string): Node | undefined;
  /** @returns the names in a directory, sorted; none when it is no directory */
  names(path: string): readonly string[];
  /** @returns the path inside the tree that an absolute link target means; `undefined` when it lies outside */
  inside(target: string): string | undefined;
}

/** A path and what stands there, after links. */
export interface Found {
  readonly path: string;
  readonly node: Node;
}

/** As many links as Linux follows before it says ELOOP. */
const maxLinks = 40;

/** @returns a path cleaned as Go's `path.Clean` does, relative to the root, with `..` that would leave it removed */
export function cleanPath(path: string): string {
  return normalize(`/${path}`).replace(/^\/+|\/+$/g, "");
}

/**
 * Follows symbolic links, those in the middle of the path and the last one, without ever leaving the tree.
 *
 * @param tree where to look
 * @param path a clean relative path
 * @returns what stands there; `undefined` when there is nothing
 * @throws {PathError} when a link leads out of the tree, or in a circle
 */
export function follow(tree: FileTree, path: string): Found | undefined {
  let links = 0;
  let done = "";
  const rest = path === "" ? [] : path.split("/");
  let node = tree.node("");
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    const next = done === "" ? name : `${done}/${name}`;
    node = tree.node(next);
    if (node === undefined) return undefined;
    if (node.kind !== "symlink") {
      done = next;
      continue;
    }
    if (++links > maxLinks) throw new PathError(path, `Cannot follow "${path}": too many symbolic links`);
    const target = linkTarget(tree, next, node.target);
    if (target === undefined) {
      throw new PathError(
        path,
        `Cannot follow "${next}": it is a symbolic link to "${node.target}", outside of ${tree.title}`,
        { hint: `copy the file itself into ${tree.title}` },
      );
    }
    rest.unshift(...(target === "" ? [] : target.split("/")));
    done = "";
    node = tree.node("");
  }
  return node === undefined ? undefined : { path: done, node };
}

/** @returns the path inside the tree that a link means, or `undefined` when it leads out */
function linkTarget(tree: FileTree, link: string, target: string): string | undefined {
  if (target.startsWith("/")) return tree.inside(target);
  const joined = join(dirname(link), target);
  if (joined === ".." || joined.startsWith("../")) return undefined;
  return cleanPath(joined);
}
