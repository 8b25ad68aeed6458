/**
 * The words of a Containerfile: their parts, and where one ends and the next begins. A word is taken apart once,
 * when the file is parsed (`lexer.ts`); values are put in later (`expand.ts`).
 *
 * @module
 */
import type { Span } from "../diagnostic.ts";
import type { SourceText } from "./source_text.ts";

/** What may follow the name in `${name…}`. */
export const operators = [":-", ":+", ":?", "-", "+", "?", "##", "#", "%%", "%", "//", "/"] as const;

/** One of {@linkcode operators}. */
export type Operator = typeof operators[number];

/** Characters that stand for themselves; quotes and escapes are gone. */
export interface TextPart {
  readonly kind: "text";
  /** Never empty. In the operand of `#`, `%` and `/` escapes are kept, because they belong to the pattern. */
  readonly text: string;
}

/** `$name` or `${name…}`. */
export interface VariablePart {
  readonly kind: "variable";
  readonly name: string;
  /** Absent: the plain value. */
  readonly operator?: Operator;
  /** What follows the operator. */
  readonly operand?: readonly Part[];
  /** The second operand of `/` and `//`. */
  readonly replacement?: readonly Part[];
  /** In double quotes, so that blanks in the value do not split the word. Always false inside an operand. */
  readonly quoted: boolean;
  readonly span: Span;
}

/** A part of a word. */
export type Part = TextPart | VariablePart;

/** A word. */
export interface Word {
  /** Its parts in order, no two texts in a row; none for the empty word `""`. */
  readonly parts: readonly Part[];
  /** Where it stands, quotes included. */
  readonly span: Span;
}

/** The character that escapes others and continues lines. */
export type Escape = "\\" | "`";

/** A stretch of a {@linkcode SourceText}. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Blanks outside of ASCII (Unicode White_Space); a byte order mark is none. */
const wideBlank = /[\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

/** @returns whether a character separates words, as Go's `unicode.IsSpace` has it */
export function isBlank(character: string | undefined): boolean {
  if (character === undefined) return false;
  const code = character.charCodeAt(0);
  if (code < 0x80) return code === 0x20 || (code >= 0x09 && code <= 0x0d);
  return wideBlank.test(character);
}

/** @returns the range of a text without the blanks around it; empty when there is nothing else */
export function withoutBlanks(text: string): Range {
  const start = skipBlanks(text, 0, text.length);
  let end = text.length;
  while (end > start && isBlank(text[end - 1])) end--;
  return { start, end };
}

/** @returns the offset of the first character from `at` on that is no blank, at most `end` */
export function skipBlanks(text: string, at: number, end: number): number {
  while (at < end && isBlank(text[at])) at++;
  return at;
}

/** @returns the range without the words at its front that begin with `--`; a lone `--` is the last of them */
export function skipFlags(text: string, { start, end }: Range, escape: Escape): Range {
  let at = start;
  while (at < end && text.startsWith("--", at)) {
    const stop = endOfQuotedWord(text, at, end, escape);
    const isLast = stop === at + 2;
    at = skipBlanks(text, stop, end);
    if (isLast) break;
  }
  return { start: at, end };
}

/** @returns a word of fixed text */
export function literal(text: string, span: Span): Word {
  return { parts: text === "" ? [] : [{ kind: "text", text }], span };
}

/** @returns the text of a word, or `undefined` when there are variables in it */
export function literalText(word: Word): string | undefined {
  if (word.parts.length === 0) return "";
  const [part] = word.parts;
  return word.parts.length === 1 && part?.kind === "text" ? part.text : undefined;
}

/** @returns the stretches between blanks; quotes do not matter */
export function splitBlanks(source: SourceText, { start, end }: Range): Range[] {
  const found: Range[] = [];
  const pattern = /[^\t\v\f\r ]+/g;
  pattern.lastIndex = start;
  for (let match = pattern.exec(source.text); match !== null; match = pattern.exec(source.text)) {
    if (match.index >= end) break;
    found.push({ start: match.index, end: Math.min(end, match.index + match[0].length) });
  }
  return found;
}

/** @returns the stretches between blanks that are neither quoted nor escaped */
export function splitQuoted(source: SourceText, { start, end }: Range, escape: Escape): Range[] {
  const { text } = source;
  const found: Range[] = [];
  let at = start;
  while (at < end) {
    if (isBlank(text[at])) {
      at++;
      continue;
    }
    const next = endOfQuotedWord(text, at, end, escape);
    found.push({ start: at, end: next });
    at = next;
  }
  return found;
}

/**
 * Finds the end of a word that may have quotes in it.
 *
 * @param stop ends the word too when it stands outside of quotes; default: only a blank does
 * @returns the offset after the word, at most `end`
 */
export function endOfQuotedWord(text: string, start: number, end: number, escape: Escape, stop = ""): number {
  let quote = "";
  for (let at = start; at < end; at++) {
    const character = text[at] ?? "";
    if (character === escape && quote !== "'") at++;
    else if (quote !== "") quote = character === quote ? "" : quote;
    else if (character === '"' || character === "'") quote = character;
    else if (isBlank(character) || (character === stop && stop !== "")) return at;
  }
  return end;
}
