/**
 * Puts values into words: the `${…}` forms of BuildKit's shell lexer.
 *
 * @module
 */
import { parsePattern, replaceMatches, trimEnd, trimStart } from "./shell_pattern.ts";
import type { Part, VariablePart, Word } from "../parse/words.ts";

/** Where values come from, and who is told of trouble with them. */
export interface Scope {
  /** @returns the value, or `undefined` when the variable is not set */
  get(name: string): string | undefined;
  /** Told of each variable that is not set and has no default; an empty text stands in for it. */
  undefined(variable: VariablePart): void;
  /** Told that a value that must be there is not. */
  required(variable: VariablePart, message: string): void;
  /** Told that a pattern is malformed. */
  badPattern(variable: VariablePart): void;
  /** @returns whether a variable may produce so many characters, or cause so many comparisons */
  spend(variable: VariablePart, amount: number): boolean;
}

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
  let current = "";
  for (const part of word.parts) {
    const text = expandPart(part, scope);
    const [first = "", ...more] = part.kind === "text" || part.quoted ? [text] : text.split(/\s+/);
    current += first;
    for (const next of more) {
      if (current !== "") words.push(current);
      current = next;
    }
  }
  if (current !== "") words.push(current);
  return words;
}

function join(parts: readonly Part[], scope: Scope): string {
  return parts.map((part) => expandPart(part, scope)).join("");
}

function expandPart(part: Part, scope: Scope): string {
  if (part.kind === "text") return part.text;
  const text = expandVariable(part, scope);
  return scope.spend(part, text.length) ? text : "";
}

function expandVariable(part: VariablePart, scope: Scope): string {
  const { name, operator, operand = [] } = part;
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
    case "?":
      if (value !== undefined && (operator === "?" || value !== "")) return value;
      scope.required(part, join(operand, scope) || (value === undefined ? "it is not set" : "it is empty"));
      return "";
    default:
      if (value !== undefined) return applyPattern(part, value, scope);
      scope.undefined(part);
      return "";
  }
}

function applyPattern(part: VariablePart, value: string, scope: Scope): string {
  const { operator, operand = [], replacement = [] } = part;
  const pattern = parsePattern(join(operand, scope));
  if (pattern === undefined) {
    scope.badPattern(part);
    return value;
  }
  const text = join(replacement, scope);
  const most = value.length * Math.max(pattern.length, operator === "//" ? text.length : 1);
  if (!scope.spend(part, most)) return "";
  switch (operator) {
    case "#":
    case "##":
      return trimStart(value, pattern, operator === "##");
    case "%":
    case "%%":
      return trimEnd(value, pattern, operator === "%%");
    default:
      return replaceMatches(value, pattern, text, operator === "//");
  }
}
