/**
 * The arguments of COPY and ADD: sources, heredocs among them, and the destination.
 *
 * @module
 */
import { type Code, finding } from "../codes.ts";
import type { Diagnostic, Span } from "../diagnostic.ts";
import type { Flags } from "./flags.ts";
import { heredocMark } from "./heredoc.ts";
import type { CopyInstruction, HeredocSource, PathSource } from "./instruction.ts";
import { readJsonArray } from "./json_array.ts";
import { lexWord } from "./lexer.ts";
import type { ArgumentText } from "./pairs.ts";
import { quote } from "../quote.ts";
import type { HeredocBody } from "./scan.ts";
import { literal, type Range, splitBlanks } from "./words.ts";

/** COPY or ADD after its flags. */
export interface SourcesText extends ArgumentText {
  readonly keyword: "COPY" | "ADD";
  readonly heredocs: readonly HeredocBody[];
  readonly flags: Flags;
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
  const { keyword, source, range, flags, escape } = copy;
  const array = readJsonArray(keyword, source, range, diagnostics);
  if (array.kind === "broken") return undefined;
  const words: Source[] = array.kind === "none" ? plainSources(copy, diagnostics) : array.elements.map(
    ({ source, span }) => {
      const { parts } = lexWord(source, { start: 0, end: source.text.length }, { escape }, diagnostics);
      return { kind: "path", path: { parts, span } };
    },
  );
  const report = (code: Code, message: string, span: Span, hint: string): undefined => {
    diagnostics.push(finding(code, message, span, hint));
  };
  const destination = words.pop();
  if (destination === undefined || words.length === 0) {
    const found = destination === undefined ? "nothing" : "one argument";
    const message = `Cannot use ${keyword}: expected a source and a destination, found ${found}`;
    return report("BIMA009", message, source.span(range.start, range.end), "write COPY source destination");
  }
  if (destination.kind === "heredoc") {
    const message = `Cannot use ${keyword}: a heredoc is no destination`;
    return report("BIMA007", message, destination.span, `write ${keyword} <<${destination.name} /path`);
  }
  const { texts, lists, switches } = flags;
  return {
    sources: words,
    destination: destination.path,
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
function plainSources(copy: SourcesText, diagnostics: Diagnostic[]): Source[] {
  const { source, range, escape } = copy;
  const bodies = copy.heredocs.values();
  let quotesExplained = false;
  return splitBlanks(source, range).map((word): Source => {
    const span = source.span(word.start, word.end);
    const written = source.text.slice(word.start, word.end);
    const mark = heredocMark(written, span);
    if (mark !== undefined) return heredocSource(mark, bodies.next().value, diagnostics);
    if (/^\d*<<-?/.test(written)) {
      const message = `Cannot use heredoc ${
        quote(written)
      }: expected a word right after <<, its quotes closed`;
      diagnostics.push(finding("BIMA007", message, span, "write <<EOF"));
    }
    const found: Diagnostic[] = [];
    const path = lexWord(source, word, { escape }, found);
    for (const diagnostic of found) {
      const isQuote = diagnostic.code === "BIMA004";
      // The words of one quoted path are all at fault; one finding is enough.
      if (!isQuote || !quotesExplained) diagnostics.push(isQuote ? explainQuotes(copy, word) : diagnostic);
      quotesExplained ||= isQuote;
    }
    return { kind: "path", path };
  });
}

function explainQuotes({ keyword, source, range }: SourcesText, word: Range): Diagnostic {
  const message = `Cannot read a path of ${keyword}: quotes do not keep blanks together here`;
  const hint = `for paths with blanks write ${keyword} ["a source", "/a destination"]`;
  return finding("BIMA004", message, source.span(word.start, range.end), hint);
}

function heredocSource(
  mark: HeredocBody["mark"],
  heredoc: HeredocBody | undefined,
  diagnostics: Diagnostic[],
): HeredocSource {
  const { name, span } = mark;
  if (name.includes("/") || name === "." || name === "..") {
    const message = `Cannot use heredoc ${quote(name)}: its word is the file's name, not a path`;
    diagnostics.push(
      finding("BIMA007", message, span, "use a plain word such as EOF, and name the path last"),
    );
  }
  if (heredoc === undefined) return { kind: "heredoc", name, content: literal("", span), span };
  const { body } = heredoc;
  const all = { start: 0, end: body.text.length };
  // The text of a heredoc is escaped by backslashes, whatever the directive says (as BuildKit has it).
  const content = mark.expand
    ? lexWord(body, all, { escape: "\\", quotes: false }, diagnostics)
    : literal(body.text, body.span(all.start, all.end));
  return { kind: "heredoc", name, content, span };
}
