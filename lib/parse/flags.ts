/**
 * The flags of an instruction: `--name=value` words between its name and its arguments.
 *
 * @module
 */
import { finding } from "../codes.ts";
import type { Diagnostic, Span } from "../diagnostic.ts";
import type { Flag } from "./instruction.ts";
import { lexWord } from "./lexer.ts";
import { nearest } from "../nearest.ts";
import type { ArgumentText } from "./pairs.ts";
import { quote, shorten } from "../quote.ts";
import { endOfQuotedWord, literalText, type Range, skipBlanks, type Word } from "./words.ts";

/** What a flag takes: a text, a text each time it is given, or `true`, `false` or nothing. */
export type FlagKind = "text" | "list" | "switch";

/** The flags that an instruction knows. */
export type FlagTable = Readonly<Record<string, FlagKind>>;

/** The flags of one instruction and the place of what follows. */
export interface Flags {
  readonly texts: ReadonlyMap<string, Flag<Word>>;
  readonly lists: ReadonlyMap<string, readonly Flag<Word>[]>;
  readonly switches: ReadonlyMap<string, Flag<boolean>>;
  /** The arguments, without blanks around them. */
  readonly rest: Range;
}

/**
 * Reads the flags at the front of the arguments. A lone `--` ends them.
 *
 * @param text the arguments, flags first
 * @param table the flags that it knows
 * @param diagnostics receives unknown, repeated and malformed flags
 */
export function readFlags(
  { keyword, source, range, escape }: ArgumentText,
  table: FlagTable,
  diagnostics: Diagnostic[],
): Flags {
  const { text } = source;
  const texts = new Map<string, Flag<Word>>();
  const lists = new Map<string, Flag<Word>[]>();
  const switches = new Map<string, Flag<boolean>>();
  let at = range.start;
  while (text.startsWith("--", at) && at < range.end) {
    const end = endOfQuotedWord(text, at, range.end, escape);
    const written = text.slice(at, end);
    const next = skipBlanks(text, end, range.end);
    if (written === "--") {
      at = next;
      break;
    }
    const [, name = "", equals] = /^--([^=]*)(=?)/.exec(written) ?? [];
    const span = source.span(at, end);
    const valueRange = { start: at + 2 + name.length + 1, end };
    const given = equals === "=";
    const kind = Object.hasOwn(table, name) ? table[name] : undefined;
    const word = given ? lexWord(source, valueRange, { escape }, diagnostics) : undefined;
    const seen = texts.has(name) || switches.has(name);
    if (kind === undefined) diagnostics.push(unknownFlag(keyword, name, table, span));
    else if (seen) {
      diagnostics.push(
        finding("BIMA012", `Cannot use flag "--${name}": it is given twice`, span, "keep one of them"),
      );
    } else if (kind === "switch") {
      const value = word === undefined ? "true" : literalText(word)?.toLowerCase();
      if (value === "true" || value === "false") switches.set(name, { value: value === "true", span });
      else diagnostics.push(wrongValue(name, quote(written.slice(name.length + 3)), "true or false", span));
    } else if (word === undefined || valueRange.start >= end) {
      diagnostics.push(wrongValue(name, "nothing", "a value", span));
    } else if (kind === "text") texts.set(name, { value: word, span });
    else {
      const list = lists.get(name) ?? [];
      list.push({ value: word, span });
      lists.set(name, list);
    }
    at = next;
  }
  return { texts, lists, switches, rest: { start: at, end: range.end } };
}

function unknownFlag(keyword: string, name: string, table: FlagTable, span: Span): Diagnostic {
  const known = Object.keys(table);
  const near = nearest(name, known);
  const list = known.map((flag) => `--${flag}`).join(" ");
  const hint = near !== undefined
    ? `did you mean --${near}?`
    : known.length > 0
    ? `${keyword} knows ${list}`
    : `${keyword} has no flags; put -- before arguments that begin with --`;
  return finding("BIMA011", `Unknown flag "--${shorten(name)}" of ${keyword}`, span, hint);
}

function wrongValue(name: string, found: string, expected: string, span: Span): Diagnostic {
  return finding(
    "BIMA013",
    `Cannot use flag "--${name}": found ${found}, expected ${expected}`,
    span,
    `write --${name}=${expected === "a value" ? "VALUE" : "true"}`,
  );
}
