/**
 * The arguments of COPY and ADD: sources, heredocs among them, and the destination.
 *
 * @module
 */
import { type Code, finding } from "./codes.ts";
import type { Diagnostic, Span } from "./diagnostic.ts";
import type { Flags } from "./flags.ts";
import { heredocMark } from "./heredoc.ts";
import type { CopyInstruction, HeredocSource, PathSource } from "./instruction.ts";
import { readJsonArray } from "./json_array.ts";
import type { LogicalLine } from "./scan.ts";
import { type Escape, lexWord, literal, type Range, splitBlanks, type Word } from "./words.ts";

/** COPY or ADD after its flags. */
export interface SourcesText {
  readonly keyword: "COPY" | "ADD";
  readonly line: LogicalLine;
  readonly rest: Range;
  readonly flags: Flags;
  readonly escape: Escape;
}

/** What a copy has beside its name. */
export type CopyParts = Omit<CopyInstruction, "kind" | "span" | "keywordSpan">;

type Source = PathSource | HeredocSource;

/**
 * Reads sources, destination and flags.
 *
 * @param diagnostics receives what is wrong
 * @returns `undefined` when there is no destination or no source
 */
export function readSources(copy: SourcesText, diagnostics: Diagnostic[]): CopyParts | undefined {
  const { keyword, line, rest, flags, escape } = copy;
  const array = readJsonArray(keyword, line.source, rest, diagnostics);
  if (array.kind === "broken") return undefined;
  const words: Source[] = array.kind === "array"
    ? array.elements.map(({ source, span }) => {
      const { parts } = lexWord(source, { start: 0, end: source.text.length }, { escape }, diagnostics);
      return { kind: "path", path: { parts, span } };
    })
    : plainSources(copy, diagnostics);
  const report = (code: Code, message: string, span: Span, hint: string): undefined => {
    diagnostics.push(finding(code, message, span, hint));
  };
  const last = words.at(-1);
  const whole = line.source.span(rest.start, rest.end);
  if (last === undefined || words.length < 2) {
    const found = last === undefined ? "nothing" : "one argument";
    const message = `Cannot use ${keyword}: expected a source and a destination, found ${found}`;
    return report("BIMA009", message, whole, "write COPY source destination");
  }
  if (last.kind === "heredoc") {
    const message = `Cannot use ${keyword}: a heredoc is no destination`;
    return report("BIMA007", message, last.span, `write ${keyword} <<${last.name} /path`);
  }
  const { texts, lists, switches } = flags;
  return {
    sources: words.slice(0, -1),
    destination: last.path,
    exclude: lists.get("exclude") ?? [],
    ...optional("from", texts.get("from")),
    ...optional("chown", texts.get("chown")),
    ...optional("chmod", texts.get("chmod")),
    ...optional("parents", switches.get("parents")),
    ...optional("link", switches.get("link")),
    ...optional("unpack", switches.get("unpack")),
  };
}

function optional<Key extends string, Value>(
  key: Key,
  value: Value | undefined,
): Partial<Record<Key, Value>> {
  const record: Partial<Record<Key, Value>> = {};
  if (value !== undefined) record[key] = value;
  return record;
}

/** The words of the shell form. Quotes do not join words here, in Docker neither. */
function plainSources({ line, rest, escape }: SourcesText, diagnostics: Diagnostic[]): Source[] {
  const { source, heredocs } = line;
  const bodies = heredocs.values();
  return splitBlanks(source, rest).map((range): Source => {
    const span = source.span(range.start, range.end);
    const written = source.text.slice(range.start, range.end);
    const mark = heredocMark(written, span);
    if (mark === undefined) {
      checkNearHeredoc(written, span, diagnostics);
      const before = diagnostics.length;
      const path = lexWord(source, range, { escape }, diagnostics);
      explainQuotes(before, diagnostics);
      return { kind: "path", path };
    }
    if (mark.name.includes("/") || mark.name === "." || mark.name === "..") {
      const message = `Cannot use heredoc "${mark.name}": its word is the file's name, not a path`;
      diagnostics.push(
        finding("BIMA007", message, span, "use a plain word such as EOF, and name the path last"),
      );
    }
    const body = bodies.next().value?.body;
    if (body === undefined) return { kind: "heredoc", name: mark.name, content: literal("", span), span };
    const all = { start: 0, end: body.text.length };
    // The text of a heredoc is escaped by backslashes, whatever the directive says (as BuildKit has it).
    const content = mark.expand
      ? lexWord(body, all, { escape: "\\", quotes: false }, diagnostics)
      : literal(body.text, body.span(all.start, all.end));
    return { kind: "heredoc", name: mark.name, content, span };
  });
}

/** A quote that is open at the end of a blank-separated word is most likely a path with blanks. */
function explainQuotes(from: number, diagnostics: Diagnostic[]): void {
  const diagnostic = diagnostics[from];
  if (diagnostic?.code !== "BIMA004") return;
  diagnostics[from] = {
    ...diagnostic,
    hint: 'for a path with blanks write COPY ["a source", "/a destination"]',
  };
}

function checkNearHeredoc(written: string, span: Span, diagnostics: Diagnostic[]): void {
  if (!/^\d*<<-?/.test(written)) return;
  const message = `Cannot use heredoc "${written}": expected a word right after <<, with its quotes closed`;
  diagnostics.push(finding("BIMA007", message, span, "write <<EOF"));
}

/** @returns whether a word is there but empty */
export function isEmpty(word: Word): boolean {
  return word.parts.length === 0;
}
