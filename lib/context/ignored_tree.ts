/**
 * A file tree without the files that an ignore file leaves out.
 *
 * @module
 */
import type { PatternList } from "../pattern.ts";
import { childPath, type Exclusion, type FileTree, type Node } from "../tree.ts";

/**
 * Hides what matches. A directory that matches stays visible, with its own mode, when something below it is taken
 * back in.
 */
export class IgnoredTree implements FileTree {
  readonly title: string;
  readonly rooted: boolean;
  readonly unfiltered: FileTree;
  readonly #patterns: PatternList;
  readonly #file: string;
  /** Whether directories that match hold something visible. */
  readonly #holding = new Map<string, boolean>();

  /** @param tree all files; @param patterns what to leave out; @param file what messages call the ignore file */
  constructor(tree: FileTree, patterns: PatternList, file: string) {
    this.title = tree.title;
    this.rooted = tree.rooted;
    this.unfiltered = tree;
    this.#patterns = patterns;
    this.#file = file;
  }

  /** @inheritdoc */
  node(path: string): Node | undefined {
    return this.#isVisible(path) ? this.unfiltered.node(path) : undefined;
  }

  /** @inheritdoc */
  names(path: string): readonly string[] {
    return this.unfiltered.names(path).filter((name) => this.#isVisible(childPath(path, name)));
  }

  /** @inheritdoc */
  inside(target: string): string | undefined {
    return this.unfiltered.inside(target);
  }

  /** @inheritdoc */
  excluded(path: string): Exclusion | undefined {
    const { matched, by } = this.#patterns.match(path);
    if (!matched || by === undefined || this.unfiltered.node(path) === undefined) return undefined;
    return this.#isVisible(path) ? undefined : { file: this.#file, line: by.line };
  }

  #isVisible(path: string): boolean {
    if (path === "" || !this.#patterns.match(path).matched) return true;
    if (!this.#patterns.hasExceptions) return false;
    const known = this.#holding.get(path);
    if (known !== undefined) return known;
    const holds = this.unfiltered.names(path).some((name) => this.#isVisible(childPath(path, name)));
    this.#holding.set(path, holds);
    return holds;
  }
}
