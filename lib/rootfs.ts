/**
 * The root file system of an image while it is planned: what the layers so far add up to.
 *
 * @module
 */
import { cleanPath, type FileTree, type ImageNode } from "./tree.ts";

/** What one layer adds or replaces, by clean relative path. */
export type LayerTree = ReadonlyMap<string, ImageNode>;

const rootNode: ImageNode = { kind: "directory", mode: 0o755, uid: 0, gid: 0, mtime: 0 };

/** The sum of layers. Paths are relative to `/` and clean. */
export class Rootfs implements FileTree {
  readonly title: string;
  readonly rooted = true;
  readonly #nodes = new Map<string, ImageNode>();
  readonly #names = new Map<string, Set<string>>();

  /** @param title what messages call it; @param layers what it starts with, the lowest first */
  constructor(title: string, layers: Iterable<LayerTree> = []) {
    this.title = title;
    for (const layer of layers) this.apply(layer);
  }

  /** Puts a layer on top. */
  apply(layer: LayerTree): void {
    for (const [path, node] of layer) this.set(path, node);
  }

  /** Puts one node into the tree; its directory must be there or come later in the same layer. */
  set(path: string, node: ImageNode): void {
    this.#nodes.set(path, node);
    const slash = path.lastIndexOf("/");
    const directory = path.slice(0, Math.max(slash, 0));
    const names = this.#names.get(directory);
    if (names === undefined) this.#names.set(directory, new Set([path.slice(slash + 1)]));
    else names.add(path.slice(slash + 1));
  }

  /** @inheritdoc */
  node(path: string): ImageNode | undefined {
    return path === "" ? rootNode : this.#nodes.get(path);
  }

  /** @inheritdoc */
  names(path: string): readonly string[] {
    return [...this.#names.get(path) ?? []].sort();
  }

  /** @inheritdoc */
  inside(target: string): string {
    return cleanPath(target);
  }
}
