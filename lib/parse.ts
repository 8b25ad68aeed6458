/**
 * The text of a Containerfile becomes typed instructions with exact positions. Knows no files and nothing of images.
 *
 * @module
 */
import { finding } from "./codes.ts";
import { readArguments } from "./arguments.ts";
import { type Diagnostic, sortDiagnostics } from "./diagnostic.ts";
import { type Containerfile, type Instruction, type Keyword, keywords } from "./instruction.ts";
import { nearest } from "./nearest.ts";
import { type LogicalLine, scan } from "./scan.ts";
import type { Escape } from "./words.ts";

/**
 * Parses a Containerfile by the rules of BuildKit's Dockerfile reference. Never throws: all that is wrong comes
 * back as diagnostics, and an instruction with an error as one of kind `invalid`. Takes time proportional to the
 * length of the text.
 *
 * @param source the text, line ends and a byte order mark as they are
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
  const diagnostics: Diagnostic[] = [];
  const { directives, lines } = scan(source, diagnostics);
  const instructions = lines.map((line) => parseLine(line, directives.escape, diagnostics));
  checkOrder(instructions, diagnostics);
  return { directives, instructions, diagnostics: sortDiagnostics(diagnostics) };
}

function parseLine(line: LogicalLine, escape: Escape, diagnostics: Diagnostic[]): Instruction {
  const { source, span } = line;
  const { text } = source;
  const start = text.length - text.trimStart().length;
  const [written = ""] = /^[^\t\v\f\r ]+/.exec(text.slice(start)) ?? [];
  const end = start + written.length;
  const keywordSpan = source.span(start, end);
  const keyword = keywords.find((name) => name === written.toUpperCase());
  if (keyword === undefined) {
    diagnostics.push(unknownInstruction(written, keywordSpan));
    return { kind: "invalid", span, keywordSpan };
  }
  return readArguments({ keyword, keywordSpan, line, end, escape }, diagnostics);
}

function unknownInstruction(written: string, span: Diagnostic["span"]): Diagnostic {
  const shown = written.length > 40 ? `${written.slice(0, 40)}…` : written;
  const [plain = ""] = /^[A-Za-z]*/.exec(written) ?? [];
  const exotic = keywords.find((name) => name === plain.toUpperCase());
  const near = nearest(written, keywords);
  const hint = exotic !== undefined
    ? `put a plain blank after ${exotic}; found ${describe(written[plain.length] ?? "")}`
    : near !== undefined
    ? `did you mean ${near}?`
    : `the instructions are ${supported.join(" ")}`;
  return finding("BIMA001", `Unknown instruction "${shown}"`, span, hint);
}

/** What can be used; the others are refused anyway. */
const supported: readonly Keyword[] = keywords.filter((name) =>
  !["RUN", "ONBUILD", "HEALTHCHECK", "SHELL", "MAINTAINER", "ADD"].includes(name)
);

function describe(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return character > " " && character < "\u007f" ? `"${character}"` : `U+${code}`;
}

/** A file has at least one FROM, and only ARG may stand before it. */
function checkOrder(instructions: readonly Instruction[], diagnostics: Diagnostic[]): void {
  if (instructions.length === 0) {
    diagnostics.push(
      finding(
        "BIMA002",
        "Cannot build this file: it has no instructions",
        undefined,
        "begin with FROM scratch",
      ),
    );
    return;
  }
  const hint = "begin with FROM scratch; only ARG may stand before it";
  for (const { kind, keywordSpan, ...rest } of instructions) {
    const keyword = "keyword" in rest ? rest.keyword : kind;
    if (keyword === "FROM") return;
    // What an unknown instruction was meant to be, nobody knows; it was reported already.
    if (keyword === "ARG" || keyword === undefined) continue;
    if (kind === "invalid" && keyword === kind) continue;
    diagnostics.push(
      finding("BIMA003", `Cannot use ${keyword} here: expected FROM first`, keywordSpan, hint),
    );
    return;
  }
  const last = instructions.at(-1);
  if (
    instructions.some((instruction) => instruction.kind === "invalid" && instruction.keyword === undefined)
  ) {
    return;
  }
  diagnostics.push(finding("BIMA003", "Cannot build this file: it has no FROM", last?.keywordSpan, hint));
}
