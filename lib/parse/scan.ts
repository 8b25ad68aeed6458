/**
 * The lines of a Containerfile: directives, comments, continuations and heredocs, as BuildKit's parser joins them.
 *
 * @module
 */
import { finding } from "../codes.ts";
import type { Diagnostic, Position, Span } from "../diagnostic.ts";
import { type HeredocMark, heredocMarks } from "./heredoc.ts";
import { quote } from "../quote.ts";
import { type Origin, SourceText } from "./source_text.ts";
import { type Escape, skipBlanks, withoutBlanks } from "./words.ts";

/** What stands in `# key=value` lines at the very top. */
export interface Directives {
  /** The character that escapes others and continues lines. Default: a backslash. */
  readonly escape: Escape;
  /** The frontend image that BuildKit would fetch; of no consequence here. */
  readonly syntax?: string;
  /** The settings of BuildKit's checks; of no consequence here. */
  readonly check?: string;
}

/** The text between a heredoc's mark and its end. */
export interface HeredocBody {
  readonly mark: HeredocMark;
  /** The lines with their line ends; with `<<-` their leading tabs are gone. */
  readonly body: SourceText;
}

/** One instruction with its continuation lines and heredocs. */
export interface LogicalLine {
  /** The instruction on one line, without the blanks around it. */
  readonly source: SourceText;
  readonly heredocs: readonly HeredocBody[];
  /** From its first character to the end of its last line, heredocs included. */
  readonly span: Span;
}

/** A file cut into instructions. */
export interface Scan {
  readonly directives: Directives;
  readonly lines: readonly LogicalLine[];
}

/** A physical line. */
interface Line {
  /** Without its line end. */
  readonly text: string;
  /** A line feed with the carriage returns before it; nothing at the end of the file. */
  readonly ending: string;
}

/**
 * Cuts a file into instructions. Takes time proportional to the length of the file.
 *
 * @param text the file
 * @param diagnostics receives what is wrong with its lines
 */
export function scan(text: string, diagnostics: Diagnostic[]): Scan {
  return new Scanner(text, diagnostics).scan();
}

class Scanner {
  readonly #lines: readonly Line[];
  readonly #diagnostics: Diagnostic[];
  #directives: Directives = { escape: "\\" };
  /** The index of the line that is read next. */
  #next = 0;
  /** The last place of each line, to look ahead for the end of a heredoc; made when it is needed. */
  #lastPlace: ReadonlyMap<string, number> | undefined;

  constructor(text: string, diagnostics: Diagnostic[]) {
    this.#lines = splitLines(text);
    this.#diagnostics = diagnostics;
  }

  scan(): Scan {
    this.#readDirectives();
    const lines: LogicalLine[] = [];
    while (this.#next < this.#lines.length) {
      const { text } = this.#line(this.#next);
      if (isComment(text) && lines.length === 0) this.#checkLateDirective(text);
      if (isComment(text) || isBlankLine(text)) {
        this.#next++;
        continue;
      }
      const line = this.#readInstruction();
      if (line !== undefined) lines.push(line);
    }
    return { directives: this.#directives, lines };
  }

  #readDirectives(): void {
    const seen = new Set<string>();
    for (; this.#next < this.#lines.length; this.#next++) {
      const { text } = this.#line(this.#next);
      const { key, value } = directiveOf(text);
      if (key !== "escape" && key !== "syntax" && key !== "check") return;
      const span = this.#wholeLine(this.#next);
      if (seen.has(key)) {
        const hint = "keep one of them";
        this.#report("BIMA016", `Cannot use directive "${key}": it is given twice`, span, hint);
      } else if (key !== "escape") this.#directives = { ...this.#directives, [key]: value };
      else if (value === "\\" || value === "`") this.#directives = { ...this.#directives, escape: value };
      else {
        const found = `Cannot use ${quote(value)} as the escape character: expected \\ or \``;
        this.#report("BIMA017", found, span, "write # escape=` or leave the line out");
      }
      seen.add(key);
    }
  }

  #checkLateDirective(text: string): void {
    const { key, value } = directiveOf(text);
    const late = key === "escape" && value !== this.#directives.escape;
    if (!late || (value !== "\\" && value !== "`")) return;
    this.#report(
      "BIMA070",
      "Directive has no effect: expected it before every comment, blank line and instruction",
      this.#wholeLine(this.#next),
      "move it to the first line of the file",
    );
  }

  /** Joins a line with its continuation lines, then takes the heredocs. */
  #readInstruction(): LogicalLine | undefined {
    const pieces: string[] = [];
    const origins: Origin[] = [];
    let length = 0;
    let end: Position = { line: this.#next + 1, column: 1 };
    for (let goesOn = true; goesOn && this.#next < this.#lines.length; this.#next++) {
      const { text } = this.#line(this.#next);
      const first = pieces.length === 0 && origins.length === 0;
      if (!first && isComment(text)) continue;
      if (!first && isBlankLine(text)) {
        const at = { line: this.#next + 1, column: 1 };
        const hint = "delete the line, or put a # on it";
        this.#report("BIMA060", "Empty line inside an instruction is ignored", { start: at, end: at }, hint);
        continue;
      }
      const kept = withoutContinuation(text, this.#directives.escape);
      goesOn = kept !== undefined;
      const start = first ? skipBlanks(text, 0, text.length) : 0;
      const piece = (kept ?? text).slice(start);
      origins.push({ offset: length, position: { line: this.#next + 1, column: start + 1 } });
      pieces.push(piece);
      length += piece.length;
      end = { line: this.#next + 1, column: start + withoutBlanks(piece).end + 1 };
    }
    const joined = pieces.join("");
    const range = withoutBlanks(joined);
    if (range.start >= range.end) return undefined;
    const source = new SourceText(joined.slice(0, range.end), origins);
    const heredocs = this.#readHeredocs(source);
    if (heredocs.length > 0) end = this.#endOfLine(this.#next - 1);
    return { source, heredocs, span: { start: source.position(range.start), end } };
  }

  #readHeredocs(source: SourceText): HeredocBody[] {
    const marks = heredocMarks(source, this.#directives.escape, (word) => this.#isAhead(word));
    return marks.map((mark) => {
      const pieces: string[] = [];
      const isLast = this.#next >= this.#lines.length;
      const position = isLast ? mark.span.end : { line: this.#next + 1, column: 1 };
      const origins: Origin[] = [{ offset: 0, position }];
      let length = 0;
      let closed = false;
      while (!closed && this.#next < this.#lines.length) {
        const { text, ending } = this.#line(this.#next);
        const tabs = mark.strip ? /^\t*/.exec(text)?.[0].length ?? 0 : 0;
        closed = text.slice(tabs) === mark.name;
        if (!closed) {
          origins.push({ offset: length, position: { line: this.#next + 1, column: tabs + 1 } });
          const piece = text.slice(tabs) + ending;
          pieces.push(piece);
          length += piece.length;
        }
        this.#next++;
      }
      if (!closed) {
        const message =
          `Cannot find the end of heredoc "${mark.name}": the file ends before a line with that word`;
        this.#report("BIMA006", message, mark.span, `put ${mark.name} alone on a line after the text`);
      }
      return { mark, body: new SourceText(pieces.join(""), origins) };
    });
  }

  /** Whether a line that consists of this word is still to come. */
  #isAhead(word: string): boolean {
    this.#lastPlace ??= new Map(this.#lines.map(({ text }, index) => [text.replace(/^\t+/, ""), index]));
    return (this.#lastPlace.get(word) ?? -1) >= this.#next;
  }

  #line(index: number): Line {
    return this.#lines[index] ?? { text: "", ending: "" };
  }

  #wholeLine(index: number): Span {
    const { text } = this.#line(index);
    const column = skipBlanks(text, 0, text.length) + 1;
    return { start: { line: index + 1, column }, end: this.#endOfLine(index) };
  }

  #endOfLine(index: number): Position {
    return { line: index + 1, column: withoutBlanks(this.#line(index).text).end + 1 };
  }

  #report(code: Parameters<typeof finding>[0], message: string, span: Span, hint: string): void {
    this.#diagnostics.push(finding(code, message, span, hint));
  }
}

function splitLines(text: string): Line[] {
  const lines: Line[] = [];
  let at = text.startsWith("\uFEFF") ? 1 : 0;
  while (at < text.length) {
    const feed = text.indexOf("\n", at);
    const next = feed < 0 ? text.length : feed + 1;
    let stop = feed < 0 ? text.length : feed;
    while (stop > at && text[stop - 1] === "\r") stop--;
    lines.push({ text: text.slice(at, stop), ending: text.slice(stop, next) });
    at = next;
  }
  return lines;
}

/** The parts of a line `# key=value`; empty when it is none, or has no value. */
function directiveOf(text: string): { readonly key: string; readonly value: string } {
  const [, name = "", rest = ""] = /^\s*#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=(.*)$/.exec(text) ?? [];
  const { start, end } = withoutBlanks(rest);
  return start < end ? { key: name.toLowerCase(), value: rest.slice(start, end) } : { key: "", value: "" };
}

function isComment(text: string): boolean {
  return text[skipBlanks(text, 0, text.length)] === "#";
}

function isBlankLine(text: string): boolean {
  return skipBlanks(text, 0, text.length) === text.length;
}

/**
 * The text before a continuation character: the last character that is no blank, unless there are two of them.
 *
 * @returns `undefined` when the line does not go on
 */
function withoutContinuation(text: string, escape: Escape): string | undefined {
  let last = text.length - 1;
  while (last >= 0 && (text[last] === " " || text[last] === "\t")) last--;
  if (text[last] !== escape || text[last - 1] === escape) return undefined;
  return text.slice(0, last);
}
