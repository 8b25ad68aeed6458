/**
 * Wildcards of COPY: Go's `filepath.Match`, element by element.
 *
 * @module
 */
import { childPath, type FileTree, follow } from "../tree.ts";

/** @returns whether the path has a wildcard, or a backslash that takes one's meaning away */
export function isGlob(path: string): boolean {
  return /[*?[\\]/.test(path);
}

/**
 * Compiles one path element of a pattern.
 *
 * `*` is any run of characters, `?` is one, `[a-z]` and `[^a-z]` are classes, `\` takes the next one literally.
 *
 * @param pattern one element, without a slash
 * @returns an expression for whole names, or `undefined` when the pattern is malformed
 */
export function compileElement(pattern: string): RegExp | undefined {
  const characters = [...pattern];
  let source = "";
  for (let at = 0; at < characters.length;) {
    const piece = characters[at] === "*" ? { source: "[^/]*", next: at + 1 } : compileOne(characters, at);
    if (piece === undefined) return undefined;
    source += piece.source;
    at = piece.next;
  }
  return new RegExp(`^${source}$`, "su");
}

/** A piece of an expression, and where in the pattern the next one begins. */
export interface Piece {
  readonly source: string;
  readonly next: number;
}

/**
 * Compiles what stands for exactly one character: `?`, a class, an escaped character or any other one.
 *
 * @param characters the pattern's characters
 * @param at where it begins
 * @returns the expression, for use with the flag `u`; `undefined` when it is malformed
 */
export function compileOne(characters: readonly string[], at: number): Piece | undefined {
  const character = characters[at] ?? "";
  if (character === "?") return { source: "[^/]", next: at + 1 };
  if (character === "[") return compileClass(characters, at + 1);
  if (character !== "\\") return { source: escapeLiteral(character), next: at + 1 };
  const escaped = characters[at + 1];
  return escaped === undefined ? undefined : { source: escapeLiteral(escaped), next: at + 2 };
}

/** A class has at least one range. One that runs backwards holds nothing, as in Go. */
function compileClass(characters: readonly string[], start: number): Piece | undefined {
  const negated = characters[start] === "^";
  let at = negated ? start + 1 : start;
  const first = at;
  let ranges = "";
  while (characters[at] !== "]" || at === first) {
    const low = classCharacter(characters, at);
    if (low === undefined) return undefined;
    const high = characters[low.next] === "-" ? classCharacter(characters, low.next + 1) : low;
    if (high === undefined) return undefined;
    if (low.code <= high.code) ranges += `\\u{${low.code.toString(16)}}-\\u{${high.code.toString(16)}}`;
    at = high.next;
  }
  return { source: negated ? `[^/${ranges}]` : `[${ranges}]`, next: at + 1 };
}

function classCharacter(
  characters: readonly string[],
  at: number,
): { readonly code: number; readonly next: number } | undefined {
  const isEscape = characters[at] === "\\";
  const code = characters[isEscape ? at + 1 : at]?.codePointAt(0);
  if (code === undefined || (!isEscape && /^[\]-]$/.test(characters[at] ?? ""))) return undefined;
  return { code, next: at + (isEscape ? 2 : 1) };
}

function escapeLiteral(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/]/, "\\$&");
}

/**
 * Finds what a pattern means in a tree. Links are followed in front of the first wildcard only, as BuildKit does it.
 *
 * @param tree where to look
 * @param pattern a clean relative path with wildcards
 * @returns the paths that match, sorted; `undefined` when the pattern is malformed
 * @throws {LinkError} when a link in front of the first wildcard leads out of the tree
 */
export function expandGlob(tree: FileTree, pattern: string): string[] | undefined {
  const elements = pattern.split("/");
  const expressions = elements.map(compileElement);
  const first = elements.findIndex(isGlob);
  const root = follow(tree, elements.slice(0, first).join("/"));
  let found = root === undefined ? [] : [root.path];
  for (const expression of expressions.slice(first)) {
    if (expression === undefined) return undefined;
    found = found.flatMap((directory) =>
      tree.names(directory)
        .filter((name) => expression.test(name))
        .map((name) => childPath(directory, name))
    );
  }
  return found.sort();
}
