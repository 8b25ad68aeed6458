/**
 * `name=value` arguments: those of ARG, ENV and LABEL.
 *
 * @module
 */
import { type Code, finding } from "../codes.ts";
import type { Diagnostic, Span } from "../diagnostic.ts";
import type { ArgDefinition, Keyword, Pair } from "./instruction.ts";
import { lexWord } from "./lexer.ts";
import { quoteText } from "./print_text.ts";
import { quote, shorten } from "../quote.ts";
import type { SourceText } from "./source_text.ts";
import { usage } from "./usage.ts";
import {
  endOfQuotedWord,
  type Escape,
  isBlank,
  literal,
  literalText,
  type Range,
  skipBlanks,
  splitQuoted,
  type Word,
} from "./words.ts";

/** Some arguments of an instruction and where they stand. */
export interface ArgumentText {
  readonly keyword: Keyword;
  readonly source: SourceText;
  /** The arguments, without blanks around them. */
  readonly range: Range;
  readonly escape: Escape;
}

/** @returns the definitions of ARG: a name each, with or without a default */
export function readDefinitions(text: ArgumentText, diagnostics: Diagnostic[]): ArgDefinition[] {
  const { source, range, escape } = text;
  return splitQuoted(source, range, escape).map((one) => splitPair({ ...text, range: one }, diagnostics));
}

/**
 * Reads the pairs of ENV or LABEL. Without a `=` in the first word it is the old form: a name, and all the rest is
 * its value.
 *
 * @param diagnostics receives what is wrong
 */
export function readPairs(text: ArgumentText, diagnostics: Diagnostic[]): Pair[] {
  const { source, range, escape } = text;
  const ranges = splitQuoted(source, range, escape);
  const [first] = ranges;
  if (first !== undefined && !slice(source, first).includes("=")) return readOldPair(text, diagnostics);
  return ranges.map((one) => {
    const { key, value } = splitPair({ ...text, range: one }, diagnostics);
    if (value !== undefined) return { key, value };
    const message = `Cannot read ${quote(slice(source, one))}: expected name=value, found no =`;
    const hint = "put quotes around a value with blanks, or = between name and value";
    report(diagnostics, "BIMA014", message, key.span, hint);
    return { key, value: literal("", key.span) };
  });
}

/** `LABEL key some value`: the value is all that follows the first blanks. */
function readOldPair(text: ArgumentText, diagnostics: Diagnostic[]): Pair[] {
  const { keyword, source, range, escape } = text;
  let end = range.start;
  while (end < range.end && !isBlank(source.text[end])) end++;
  const keyRange = { start: range.start, end };
  const valueRange = { start: skipBlanks(source.text, end, range.end), end: range.end };
  const key = readKey(text, keyRange, diagnostics);
  const value = lexWord(source, valueRange, { escape }, diagnostics);
  const name = shorten(slice(source, keyRange));
  if (valueRange.start >= valueRange.end) {
    const message = `Cannot use ${keyword} "${name}": its value is missing`;
    report(diagnostics, "BIMA009", message, key.span, `write ${keyword} ${name}=value`);
  } else {
    const text = literalText(value);
    const example = text === undefined || text.length > 40 ? '"…"' : quoteText(text, escape);
    const message = `${keyword} without = gives all of the rest to one name`;
    report(diagnostics, "BIMA061", message, key.span, `write ${keyword} ${name}=${example}`);
  }
  return [{ key, value }];
}

/** Splits at the first `=` that no quotes enclose. */
function splitPair(text: ArgumentText, diagnostics: Diagnostic[]): { key: Word; value?: Word } {
  const { source, range, escape } = text;
  const at = endOfQuotedWord(source.text, range.start, range.end, escape, "=");
  const key = readKey(text, { start: range.start, end: at }, diagnostics);
  if (at >= range.end) return { key };
  return { key, value: lexWord(source, { start: at + 1, end: range.end }, { escape }, diagnostics) };
}

function readKey({ keyword, source, escape }: ArgumentText, range: Range, diagnostics: Diagnostic[]): Word {
  const before = diagnostics.length;
  const key = lexWord(source, range, { escape }, diagnostics);
  if (key.parts.length === 0 && diagnostics.length === before) {
    const message = `Cannot use ${keyword}: expected a name, found nothing`;
    const span = source.span(range.start, Math.max(range.end, range.start + 1));
    report(diagnostics, "BIMA014", message, span, `write ${usage[keyword]}`);
  }
  return key;
}

function slice(source: SourceText, { start, end }: Range): string {
  return source.text.slice(start, end);
}

function report(diagnostics: Diagnostic[], code: Code, message: string, span: Span, hint: string): void {
  diagnostics.push(finding(code, message, span, hint));
}
