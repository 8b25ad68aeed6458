/**
 * The text of a Containerfile becomes typed instructions with exact positions. Knows no files and nothing of images.
 *
 * @module
 */
import { readArguments } from "./parse/arguments.ts";
import { finding } from "./codes.ts";
import { type Diagnostic, sortDiagnostics, type Span } from "./diagnostic.ts";
import {
  type Containerfile,
  type Instruction,
  type Keyword,
  keywordLike,
  keywords,
} from "./parse/instruction.ts";
import { quote } from "./quote.ts";
import { type LogicalLine, scan } from "./parse/scan.ts";
import { refusals } from "./parse/usage.ts";
import { type Escape, withoutBlanks } from "./parse/words.ts";

/**
 * Parses a Containerfile by the rules of BuildKit's Dockerfile reference. Never throws: all that is wrong comes
 * back as diagnostics, and an instruction whose words are broken as one of kind `invalid`. Takes time proportional
 * to the length of the text.
 *
 * @param source the text; its line ends and a byte order mark may be left as they are
 * @returns the instructions, the directives and the findings
 *
 * @example
 * ```ts
 * import { parse } from "./parse.ts";
 *
 * const { instructions, diagnostics } = parse("FROM scratch\nCPOY kernel /kernel\n");
 * console.log(instructions.length, diagnostics[0]?.hint); // 2 "did you mean COPY?"
 * ```
 */
export function parse(source: string): Containerfile {
  const nul = source.indexOf("\0");
  if (nul >= 0) {
    return { directives: { escape: "\\" }, instructions: [], diagnostics: [notText(source, nul)] };
  }
  const diagnostics: Diagnostic[] = [];
  const { directives, lines } = scan(source, diagnostics);
  const instructions = lines.map((line) => parseLine(line, directives.escape, diagnostics));
  checkOrder(instructions, diagnostics);
  return { directives, instructions, diagnostics: sortDiagnostics(diagnostics) };
}

/** No path, label or argument can hold the character 0, so such a file is most likely not a Containerfile. */
function notText(source: string, offset: number): Diagnostic {
  const lineStart = source.lastIndexOf("\n", offset) + 1;
  const bom = source.startsWith("\uFEFF") && lineStart === 0 ? 1 : 0;
  const start = {
    line: source.slice(0, lineStart).split("\n").length,
    column: offset - lineStart - bom + 1,
  };
  const message = "Cannot read this file: it contains the character 0, expected text in UTF-8";
  const span = { start, end: { line: start.line, column: start.column + 1 } };
  return finding("BIMA036", message, span, "name the Containerfile with --file, and save it as UTF-8");
}

function parseLine(line: LogicalLine, escape: Escape, diagnostics: Diagnostic[]): Instruction {
  const { source, span } = line;
  const { text } = source;
  const { start } = withoutBlanks(text);
  const [written = ""] = /^[^\t\v\f\r ]+/.exec(text.slice(start)) ?? [];
  const end = start + written.length;
  const keywordSpan = source.span(start, end);
  const keyword = keywords.find((name) => name === written.toUpperCase());
  if (keyword !== undefined) return readArguments({ keyword, keywordSpan, line, end, escape }, diagnostics);
  // What follows is not judged, but a FROM that is nearly right still starts a stage.
  const [letters = ""] = /^[A-Za-z]*/.exec(written) ?? [];
  const meant = keywordLike(letters);
  const isExact = letters.toUpperCase() === meant;
  diagnostics.push(unknownInstruction(written, isExact ? letters : "", meant, keywordSpan));
  return { kind: "invalid", span, keywordSpan, ...(meant === undefined ? {} : { keyword: meant }) };
}

function unknownInstruction(
  written: string,
  exact: string,
  meant: Keyword | undefined,
  span: Span,
): Diagnostic {
  const hint = exact !== ""
    ? `put a blank after ${exact}: the character that follows it is ${describe(written.slice(exact.length))}`
    : meant !== undefined
    ? `did you mean ${meant}?`
    : `the instructions are ${supported.join(" ")}`;
  return finding("BIMA001", `Unknown instruction ${quote(written)}`, span, hint);
}

/** What can be used without a warning. */
const supported: readonly Keyword[] = keywords.filter((name) =>
  !Object.hasOwn(refusals, name) && name !== "MAINTAINER" && name !== "ADD"
);

/** The first character, by its number when it cannot be seen. */
function describe(text: string): string {
  const code = text.codePointAt(0) ?? 0;
  if (code > 0x20 && code < 0x7f) return quote(String.fromCodePoint(code));
  return `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** A file has at least one FROM, and only ARG may stand before it. */
function checkOrder(instructions: readonly Instruction[], diagnostics: Diagnostic[]): void {
  const hint = "begin with FROM scratch; only ARG may stand before it";
  if (instructions.length === 0) {
    const message = "Cannot build this file: it has no instructions";
    diagnostics.push(finding("BIMA002", message, undefined, "begin with FROM scratch"));
    return;
  }
  for (const instruction of instructions) {
    const keyword = keywordOf(instruction);
    // What an unknown instruction was meant to be nobody knows; it was reported already.
    if (keyword === undefined || keyword === "FROM") return;
    if (keyword === "ARG") continue;
    const message = `Cannot use ${keyword} here: expected FROM first`;
    diagnostics.push(finding("BIMA003", message, instruction.keywordSpan, hint));
    return;
  }
  const last = instructions.at(-1)?.keywordSpan;
  diagnostics.push(finding("BIMA003", "Cannot build this file: it has no FROM", last, hint));
}

function keywordOf(instruction: Instruction): Keyword | undefined {
  return instruction.kind === "invalid" ? instruction.keyword : instruction.kind;
}
