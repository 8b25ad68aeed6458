/**
 * Puts values into words: the `${…}` forms of BuildKit's shell lexer.
 *
 * @module
 */
import { operandPattern, replaceFirst, trimEnd, trimStart } from "./shell_pattern.ts";
import type { Part, VariablePart, Word } from "./words.ts";

/** Where values come from. */
export interface Scope {
  /** @returns the value, or `undefined` when the variable is not set */
  get(name: string): string | undefined;
  /** Told of each variable without an operator that is not set; an empty text stands in for it. */
  undefined(variable: VariablePart): void;
  /** Told that a value that must be there is not, or that a pattern is malformed. */
  fail(variable: VariablePart, problem: ExpandProblem): void;
}

/** What can go wrong while values are put in. */
export type ExpandProblem =
  | { readonly kind: "required"; readonly message: string }
  | { readonly kind: "pattern"; readonly message: string };

/** @returns the text of a word, its variables replaced */
export function expand(word: Word, scope: Scope): string {
  return join(word.parts, scope);
}

/**
 * Expands a word that may become several: blanks in the value of a variable outside of quotes split it.
 *
 * @returns the words; none when the text is empty
 */
export function expandToWords(word: Word, scope: Scope): string[] {
  const words: string[] = [];
  let current: string | undefined;
  for (const part of word.parts) {
    const text = expandPart(part, scope);
    if (part.kind === "text" || part.quoted) {
      current = (current ?? "") + text;
      continue;
    }
    const [first = "", ...more] = text.split(/\s+/);
    if (first !== "") current = (current ?? "") + first;
    for (const next of more) {
      if (current !== undefined) words.push(current);
      current = next === "" ? undefined : next;
    }
  }
  if (current !== undefined && current !== "") words.push(current);
  return words;
}

function join(parts: readonly Part[], scope: Scope): string {
  return parts.map((part) => expandPart(part, scope)).join("");
}

function expandPart(part: Part, scope: Scope): string {
  if (part.kind === "text") return part.text;
  const { name, operator, operand = [], replacement = [] } = part;
  const value = scope.get(name);
  const empty = value === undefined || value === "";
  switch (operator) {
    case undefined:
      if (value === undefined) scope.undefined(part);
      return value ?? "";
    case ":-":
      return empty ? join(operand, scope) : value;
    case "-":
      return value ?? join(operand, scope);
    case ":+":
      return empty ? "" : join(operand, scope);
    case "+":
      return value === undefined ? "" : join(operand, scope);
    case ":?":
    case "?": {
      if (value !== undefined && (operator === "?" || value !== "")) return value;
      const message = join(operand, scope) || (value === undefined ? "it is not set" : "it is empty");
      scope.fail(part, { kind: "required", message });
      return "";
    }
    default: {
      if (value === undefined) {
        scope.undefined(part);
        return "";
      }
      const pattern = operandPattern(join(operand, scope));
      if (pattern === undefined) {
        const message = "a \\ in a pattern may only stand before * ? or another \\";
        scope.fail(part, { kind: "pattern", message });
        return value;
      }
      switch (operator) {
        case "#":
        case "##":
          return trimStart(value, pattern, operator === "##");
        case "%":
        case "%%":
          return trimEnd(value, pattern, operator === "%%");
        case "/":
        case "//":
          return replaceFirst(value, pattern, join(replacement, scope), operator === "//");
      }
    }
  }
}
