/**
 * File trees: what COPY reads from (a build context, an earlier stage) and what an image is made of. A node says
 * what stands at a path and where its bytes come from; nothing is read before a layer is written.
 *
 * @module
 */
import { normalize } from "@std/path/posix";
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

/** What hides something that is there. */
export interface Exclusion {
  /** The ignore file, as messages show it. */
  readonly file: string;
  /** Its line, from 1. */
  readonly line: number;
}

/** A tree that COPY can read. Paths are relative to its root, clean, without a leading slash; the root is `""`. */
export interface FileTree {
  /** What messages call it: `the build context`. */
  readonly title: string;
  /** Whether `..` at the root stays there, as it does inside of an image; else it leads out of the tree. */
  readonly rooted: boolean;
  /** @returns what stands at the path, links not followed; `undefined` when there is nothing */
  node(path: string): Node | undefined;
  /** @returns the names in a directory, sorted; none when it is no directory, nor behind a link */
  names(path: string): readonly string[];
  /** @returns the path inside the tree that an absolute link target means; `undefined` when it lies outside */
  inside(target: string): string | undefined;
  /** The same tree with nothing hidden; absent where nothing is. */
  readonly unfiltered?: FileTree;
  /** @returns what hides a path that is there; absent where nothing is hidden */
  excluded?(path: string): Exclusion | undefined;
}

/** A path and what stands there, after links. */
export interface Found {
  readonly path: string;
  readonly node: Node;
}

/** A symbolic link that leads out of its tree, or in a circle. */
export class LinkError extends PathError {}

/** As many links as Linux follows before it says ELOOP. */
const maxLinks = 40;

/** @returns a path cleaned as Go's `path.Clean` does, relative to the root, with `..` that would leave it removed */
export function cleanPath(path: string): string {
  return normalize(`/${path}`).replace(/^\/+|\/+$/g, "");
}

/** @returns the path of an entry of a directory */
export function childPath(directory: string, name: string): string {
  return directory === "" ? name : `${directory}/${name}`;
}

/** @returns the directory that a path is in; `""` for the entries of the root */
export function parentPath(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0));
}

/**
 * Follows symbolic links, those in the middle of the path and the last one, without ever leaving the tree.
 *
 * @param tree where to look
 * @param path a clean relative path
 * @returns what stands there; `undefined` when there is nothing
 * @throws {LinkError} when a link leads out of the tree, or in a circle
 */
export function follow(tree: FileTree, path: string): Found | undefined {
  let links = 0;
  let done = "";
  let node = tree.node("");
  let escape = (): LinkError => new LinkError(path, `Cannot follow "${path}": it leads out of ${tree.title}`);
  const rest = path.split("/");
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      if (done === "" && !tree.rooted) throw escape();
      done = parentPath(done);
      node = tree.node(done);
      continue;
    }
    const next = childPath(done, name);
    node = tree.node(next);
    if (node === undefined) return undefined;
    if (node.kind !== "symlink") {
      done = next;
      continue;
    }
    if (++links > maxLinks) throw new LinkError(path, `Cannot follow "${path}": too many symbolic links`);
    const { target } = node;
    escape = () =>
      new LinkError(
        path,
        `Cannot follow "${next}": it is a symbolic link to "${target}", outside of ${tree.title}`,
        { hint: `copy the file itself into ${tree.title}` },
      );
    if (target.startsWith("/")) {
      const inside = tree.inside(target);
      if (inside === undefined) throw escape();
      rest.unshift(...inside.split("/"));
      done = "";
    } else rest.unshift(...target.split("/"));
    node = tree.node(done);
  }
  return node === undefined ? undefined : { path: done, node };
}
