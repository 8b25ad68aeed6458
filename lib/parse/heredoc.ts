/**
 * The marks of heredocs: `<<EOF`, `<<-EOF`, `<<"EOF"`.
 *
 * @module
 */
import type { Span } from "../diagnostic.ts";
import { keywordLike } from "./instruction.ts";
import type { SourceText } from "./source_text.ts";
import { type Escape, type Range, skipBlanks, skipFlags, splitBlanks, splitQuoted } from "./words.ts";

/** Where a heredoc is announced. */
export interface HeredocMark {
  /** The word that ends it, without quotes. */
  readonly name: string;
  /** Whether variables in the text are replaced: the word has no quotes. */
  readonly expand: boolean;
  /** `<<-`: tabs at the front of each line are taken away. */
  readonly strip: boolean;
  /** Where the mark stands. */
  readonly span: Span;
}

/**
 * Finds the heredocs of an instruction. Only COPY, ADD and RUN (also after ONBUILD) in shell form have any.
 *
 * @param source the instruction
 * @param isAhead whether a line with only this word follows; asked where a mark may be none: `<< word`,
 * which may be a shift, and an instruction whose name is only nearly right
 * @returns the marks in order
 */
export function heredocMarks(
  source: SourceText,
  escape: Escape,
  isAhead: (word: string) => boolean,
): HeredocMark[] {
  const { text } = source;
  if (!text.includes("<<")) return [];
  const [head = "", written = ""] = /^\s*(?:onbuild\s+)?([A-Za-z]+)/i.exec(text) ?? [];
  const keyword = keywordLike(written);
  // A misspelled name is reported on its own; its heredocs are skipped, if it has any.
  const isExact = keyword === written.toUpperCase();
  const isRun = keyword === "RUN";
  if (!isRun && keyword !== "COPY" && keyword !== "ADD") return [];
  const range = skipFlags(
    text,
    { start: skipBlanks(text, head.length, text.length), end: text.length },
    escape,
  );
  if (isJson(text.slice(range.start))) return [];
  const ranges = isRun ? splitQuoted(source, range, escape) : splitBlanks(source, range);
  const word = (range: Range | undefined) => range === undefined ? "" : text.slice(range.start, range.end);
  return ranges.flatMap((range, index) => {
    const span = source.span(range.start, range.end);
    const mark = heredocMark(word(range), span);
    if (mark !== undefined) return isExact || isAhead(mark.name) ? [mark] : [];
    if (!/^\d*<<-?$/.test(word(range))) return [];
    const apart = heredocMark(word(range) + word(ranges[index + 1]), span);
    return apart !== undefined && isAhead(apart.name) ? [apart] : [];
  });
}

/** @returns what a word announces, or `undefined` when it is no mark of a heredoc */
export function heredocMark(word: string, span: Span): HeredocMark | undefined {
  const [, dash, quoted = ""] = /^\d*<<(-?)([^<]+)$/.exec(word) ?? [];
  if (dash === undefined) return undefined;
  const name = quoted.replace(/"([^"]*)"|'([^']*)'|\\(.)/g, "$1$2$3");
  const isQuoted = /["']/.test(quoted.replace(/\\./g, ""));
  // A quote that is left over has no partner: such a word ends nowhere.
  const isBroken = /["']/.test(quoted.replace(/"[^"]*"|'[^']*'|\\./g, ""));
  if (name === "" || isBroken) return undefined;
  return { name, expand: !isQuoted, strip: dash === "-", span };
}

/** @returns the mark of a heredoc that ends with `name`, its word quoted or not */
export function printHeredocMark(name: string, isQuoted: boolean): string {
  if (isQuoted) return `<<${name.split('"').map((piece) => `"${piece}"`).join('\\"')}`;
  return `<<${name.replace(/["'\\]/g, "\\$&")}`;
}

/** Whether arguments are a JSON array; such an instruction has no heredocs. */
function isJson(text: string): boolean {
  if (!text.startsWith("[")) return false;
  try {
    return Array.isArray(JSON.parse(text));
  } catch {
    return false;
  }
}
