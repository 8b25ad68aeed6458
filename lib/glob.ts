/**
 * Wildcards of COPY: Go's `filepath.Match`, element by element.
 *
 * @module
 */
import type { FileTree } from "./tree.ts";

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
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i] ?? "";
    if (character === "*") source += "[^/]*";
    else if (character === "?") source += "[^/]";
    else if (character === "\\") {
      const next = characters[++i];
      if (next === undefined) return undefined;
      source += escape(next);
    } else if (character === "[") {
      const end = compileClass(characters, i + 1);
      if (end === undefined) return undefined;
      source += end.source;
      i = end.index;
    } else source += escape(character);
  }
  return new RegExp(`^${source}$`, "su");
}

/** @returns the class as an expression and the index of its `]`; at least one range, no empty or reversed one */
function compileClass(
  characters: readonly string[],
  start: number,
): { source: string; index: number } | undefined {
  let i = start;
  const negated = characters[i] === "^";
  if (negated) i++;
  const ranges: string[] = [];
  for (;;) {
    if (characters[i] === "]" && ranges.length > 0) break;
    const low = classCharacter(characters, i);
    if (low === undefined) return undefined;
    i = low.next;
    let high = low.character;
    if (characters[i] === "-") {
      const end = classCharacter(characters, i + 1);
      if (end === undefined) return undefined;
      high = end.character;
      i = end.next;
    }
    if ((high.codePointAt(0) ?? 0) < (low.character.codePointAt(0) ?? 0)) return undefined;
    ranges.push(`${escape(low.character)}-${escape(high)}`);
  }
  return { source: `${negated ? "[^/" : "["}${ranges.join("")}]`, index: i };
}

function classCharacter(
  characters: readonly string[],
  at: number,
): { character: string; next: number } | undefined {
  const character = characters[at];
  if (character === undefined || character === "-" || character === "]") return undefined;
  if (character !== "\\") return { character, next: at + 1 };
  const escaped = characters[at + 1];
  return escaped === undefined ? undefined : { character: escaped, next: at + 2 };
}

function escape(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/-]/, "\\$&");
}

/**
 * Finds what a pattern means in a tree.
 *
 * @param tree where to look
 * @param pattern a clean relative path with wildcards
 * @returns the paths that match, sorted; `undefined` when the pattern is malformed
 */
export function expandGlob(tree: FileTree, pattern: string): string[] | undefined {
  let found = [""];
  for (const element of pattern.split("/")) {
    const expression = compileElement(element);
    if (expression === undefined) return undefined;
    found = found.flatMap((directory) =>
      tree.names(directory)
        .filter((name) => expression.test(name))
        .map((name) => directory === "" ? name : `${directory}/${name}`)
    );
  }
  return found.sort();
}
