/**
 * A layer while an instruction is carried out: what it adds, seen on top of the image so far.
 *
 * @module
 */
import { type Owner, root } from "./owner.ts";
import type { LayerTree, Rootfs } from "../rootfs.ts";
import { childPath, type ImageNode, parentPath } from "../tree.ts";

/** Two things that cannot stand at the same path. */
export class ConflictError extends Error {
  override readonly name = "ConflictError";
}

/** A path that means something else in a layer. */
export class NameError extends ConflictError {}

/** What one layer is going to add. */
export class Draft {
  readonly #rootfs: Rootfs;
  readonly #added = new Map<string, ImageNode>();

  /** @param rootfs the image below */
  constructor(rootfs: Rootfs) {
    this.#rootfs = rootfs;
  }

  /** @returns what stands at a path in the image with this layer on top */
  node(path: string): ImageNode | undefined {
    return this.#added.get(path) ?? this.#rootfs.node(path);
  }

  /**
   * Where a path really is: links to directories are followed, as the kernel would inside of the image.
   *
   * @param path clean and relative; it need not exist
   * @returns the path behind all links
   * @throws {ConflictError} when a link leads in a circle
   */
  locate(path: string): string {
    const rest = path.split("/");
    let done = "";
    let links = 0;
    for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
      if (name === "" || name === ".") continue;
      if (name === "..") {
        done = parentPath(done);
        continue;
      }
      const next = childPath(done, name);
      const node = this.node(next);
      if (node?.kind !== "symlink") {
        done = next;
        continue;
      }
      if (++links > 40) throw new ConflictError(`"/${path}" leads in a circle of symbolic links`);
      rest.unshift(...node.target.split("/"));
      if (node.target.startsWith("/")) done = "";
    }
    return done;
  }

  /**
   * Makes a directory and those above it; what is there already stays as it is.
   *
   * @param path clean, relative, without links
   * @throws {ConflictError} when something else stands there, or a name cannot stand in a layer
   */
  makeDirectory(path: string, owner: Owner = root): void {
    const above: string[] = [];
    for (let at = path; at !== ""; at = parentPath(at)) {
      const node = this.node(at);
      if (node?.kind === "directory") break;
      if (node !== undefined) {
        throw new ConflictError(`"/${at}" is a ${kindName(node)}, expected a directory`);
      }
      above.push(at);
    }
    for (const at of above.reverse()) {
      checkName(at);
      this.#added.set(at, { kind: "directory", mode: 0o755, ...owner, mtime: 0 });
    }
  }

  /**
   * Puts a file or a link at a path.
   *
   * @param path clean, relative; its directory is there
   * @throws {ConflictError} when a directory stands there, or the name cannot stand in a layer
   */
  put(path: string, node: ImageNode): void {
    checkName(path);
    const there = this.node(path);
    if (
      node.kind === "directory"
        ? there !== undefined && there.kind !== "directory"
        : there?.kind === "directory"
    ) {
      throw new ConflictError(
        `"/${path}" is a ${kindName(there)} in the image, and a ${kindName(node)} in the source`,
      );
    }
    this.#added.set(path, node);
  }

  /** @returns what was added, in the order of the paths */
  finish(): LayerTree {
    return new Map([...this.#added].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

/** In a layer such an entry removes another one (OCI image specification, layer.md, "Whiteouts"). */
function checkName(path: string): void {
  if (!path.slice(path.lastIndexOf("/") + 1).startsWith(".wh.")) return;
  throw new NameError(
    `"/${path}" cannot stand in a layer: a name with .wh. in front removes the file without it`,
  );
}

function kindName(node: ImageNode | undefined): string {
  return node?.kind === "symlink" ? "symbolic link" : node?.kind ?? "nothing";
}
