/**
 * The marks of heredocs: `<<EOF`, `<<-EOF`, `<<"EOF"`.
 *
 * @module
 */
import type { Span } from "./diagnostic.ts";
import { keywordLike } from "./instruction.ts";
import type { SourceText } from "./source_text.ts";
import { type Escape, type Range, splitBlanks, splitQuoted } from "./words.ts";

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
  const [, written = ""] = /^\s*(?:onbuild\s+)?([A-Za-z]+)/i.exec(text) ?? [];
  const keyword = keywordLike(written);
  // A misspelled name is reported on its own; its heredocs are skipped, if it has any.
  const isExact = keyword === written.toUpperCase();
  const isRun = keyword === "RUN";
  if (!isRun && keyword !== "COPY" && keyword !== "ADD") return [];
  const whole: Range = { start: 0, end: text.length };
  const ranges = isRun ? splitQuoted(source, whole, escape) : splitBlanks(source, whole);
  const words = ranges.map(({ start, end }) => text.slice(start, end));
  if (isJson(text, ranges, words)) return [];
  return ranges.flatMap(({ start, end }, index) => {
    const span = source.span(start, end);
    const mark = heredocMark(words[index] ?? "", span);
    if (mark !== undefined) return isExact || isAhead(mark.name) ? [mark] : [];
    const apart = /^\d*<<-?$/.exec(words[index] ?? "");
    const following = heredocMark(`${words[index]}${words[index + 1] ?? ""}`, span);
    return apart !== null && following !== undefined && isAhead(following.name) ? [following] : [];
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

/** Whether the arguments after the flags are a JSON array; such an instruction has no heredocs. */
function isJson(text: string, ranges: readonly Range[], words: readonly string[]): boolean {
  const first = words.findIndex((word, index) => index > 0 && !word.startsWith("--"));
  if (!words[first]?.startsWith("[")) return false;
  try {
    return Array.isArray(JSON.parse(text.slice(ranges[first]?.start)));
  } catch {
    return false;
  }
}
