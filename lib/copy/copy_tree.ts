/**
 * Copies what is in a directory, as BuildKit does it (github.com/tonistiigi/fsutil, copy): directories are merged and
 * take the source's mode and owner, files replace files and links, and nothing else is replaced.
 *
 * @module
 */
import type { Draft } from "./draft.ts";
import type { Pattern, PatternList } from "../pattern.ts";
import { childPath, type DirectoryNode, type FileTree, type ImageNode, type Node } from "../tree.ts";

/** What {@linkcode copyTree} needs. */
export interface TreeCopy {
  /** Where the directory is. */
  readonly from: FileTree;
  /** Takes the copies. */
  readonly draft: Draft;
  /** Says how a node stands in the image; `undefined` when it cannot, which is reported then. */
  readonly adopt: (node: Node, path: string) => ImageNode | undefined;
  /** What to leave out, by paths relative to the directory. */
  readonly exclude: PatternList;
  /** What to take, by paths relative to the directory; directories around it come along. Default: everything. */
  readonly include?: Include;
}

/** The pattern of `--parents`. */
export interface Include {
  readonly pattern: Pattern;
  readonly list: PatternList;
}

/**
 * Copies the contents of a directory.
 *
 * @param source the directory's path; no link
 * @param target where its contents go: a directory that is there, without links
 * @returns whether anything in the directory was meant by `include`, copied or excluded
 * @throws {ConflictError} when something of another kind stands at a path
 */
export function copyTree(copy: TreeCopy, source: string, target: string): boolean {
  const copier = new TreeCopier(copy);
  copier.copy({ source, target, relative: "" });
  return copier.found;
}

/** A directory on the way. */
interface Level {
  readonly source: string;
  readonly target: string;
  /** From the directory that is copied. */
  readonly relative: string;
}

/** A directory that is made when something in it is taken. */
interface Pending {
  readonly node: DirectoryNode;
  readonly path: string;
  readonly target: string;
}

class TreeCopier {
  found = false;
  readonly #copy: TreeCopy;
  readonly #prefix: string;
  #pending: Pending[] = [];

  constructor(copy: TreeCopy) {
    this.#copy = copy;
    this.#prefix = copy.include === undefined ? "" : literalPrefix(copy.include.pattern.text);
  }

  copy({ source, target, relative }: Level): void {
    const { from, draft, adopt } = this.#copy;
    for (const name of from.names(source)) {
      const path = childPath(source, name);
      const node = from.node(path);
      // Gone since the names were read.
      if (node === undefined) continue;
      const level = { source: path, target: childPath(target, name), relative: childPath(relative, name) };
      const taken = this.#isTaken(level.relative);
      if (taken) {
        this.#makePending();
        const adopted = adopt(node, path);
        if (adopted !== undefined) draft.put(level.target, adopted);
      }
      if (node.kind !== "directory" || !(taken || this.#mayHold(level.relative))) continue;
      const outer = this.#pending;
      if (!taken) this.#pending = [...outer, { node, path, target: level.target }];
      this.copy(level);
      // What was made on the way need not be made again.
      this.#pending = this.#pending.length === 0 ? [] : outer;
    }
  }

  #isTaken(relative: string): boolean {
    const { include, exclude } = this.#copy;
    if (include !== undefined && !include.list.match(relative).matched) return false;
    this.found = true;
    return !exclude.match(relative).matched;
  }

  /** Whether something below a directory that is not taken may be taken. */
  #mayHold(relative: string): boolean {
    const { exclude } = this.#copy;
    if (!exclude.hasExceptions && exclude.match(relative).matched) return false;
    const prefix = this.#prefix;
    return prefix === "" || `${prefix}/`.startsWith(`${relative}/`) || relative.startsWith(`${prefix}/`);
  }

  /** Makes the directories around something that is taken. Those that are there take the source's mode only. */
  #makePending(): void {
    const { draft, adopt } = this.#copy;
    for (const { node, path, target } of this.#pending) {
      const there = draft.node(target);
      const made = there?.kind === "directory" ? { ...there, mode: node.mode } : adopt(node, path);
      if (made !== undefined) draft.put(target, made);
    }
    this.#pending = [];
  }
}

/** The elements of a pattern in front of the first wildcard. */
function literalPrefix(pattern: string): string {
  const elements = pattern.split("/");
  const first = elements.findIndex((element) => /[*?[\\]/.test(element));
  return elements.slice(0, first < 0 ? elements.length : first).join("/");
}
