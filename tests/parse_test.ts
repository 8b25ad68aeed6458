import { assert, assertEquals } from "@std/assert";
import type { Span } from "../lib/diagnostic.ts";
import type { CopyInstruction, Instruction, PairsInstruction } from "../lib/parse/instruction.ts";
import { parse } from "../lib/parse.ts";
import { printWord } from "../lib/parse/print.ts";
import { literalText, type Word } from "../lib/parse/words.ts";

/** The only instruction after FROM, and the codes of all findings. */
function one(text: string): { instruction: Instruction; codes: string[] } {
  const { instructions, diagnostics } = parse(`FROM scratch\n${text}`);
  const [, instruction, ...more] = instructions;
  assert(instruction !== undefined && more.length === 0, `${instructions.length} instructions`);
  return { instruction, codes: diagnostics.map(({ code }) => code) };
}

function pairsOf(text: string): string[][] {
  const { instruction, codes } = one(text);
  assertEquals(codes.filter((code) => code !== "BIMA061"), []);
  assert(instruction.kind === "LABEL" || instruction.kind === "ENV");
  return instruction.pairs.map(({ key, value }) => [show(key), show(value)]);
}

function copyOf(text: string): CopyInstruction {
  const { instruction, codes } = one(text);
  assertEquals(codes, []);
  assert(instruction.kind === "COPY" || instruction.kind === "ADD", instruction.kind);
  return instruction;
}

function sourcesOf(copy: CopyInstruction): string[] {
  return copy.sources.map((source) => source.kind === "path" ? show(source.path) : `<<${source.name}`);
}

/** A word's text, or its canonical form when there are variables in it. */
function show(word: Word): string {
  return literalText(word) ?? printWord(word);
}

/** What a span covers, for spans within one line. */
function cut(source: string, { start, end }: Span): string {
  assertEquals(start.line, end.line);
  return (source.split("\n")[start.line - 1] ?? "").slice(start.column - 1, end.column - 1);
}

Deno.test("parse() reads instructions in any case, with blanks and comments around them", () => {
  const { instructions, diagnostics } = parse("# a note\n\n  froM scratch\n\t# b\n\tlabel a=b  \n#c");
  assertEquals(instructions.map(({ kind }) => kind), ["FROM", "LABEL"]);
  assertEquals(diagnostics, []);
  assertEquals(instructions[1]?.span, { start: { line: 5, column: 2 }, end: { line: 5, column: 11 } });
});

Deno.test("parse() accepts a byte order mark and every kind of line end", () => {
  const { instructions, diagnostics } = parse("\uFEFFFROM scratch\r\nLABEL a=b \\\r\n  c=d\r\n");
  assertEquals(diagnostics, []);
  assertEquals(instructions[0]?.keywordSpan.start, { line: 1, column: 1 });
  assertEquals((instructions[1] as PairsInstruction).pairs.length, 2);
});

Deno.test("parse() joins continued lines and keeps the place of every word", () => {
  const source = 'FROM scratch\nLABEL a=b \\\n  # note \\\n  "c d"=e\\\nf \\  \n';
  const { instructions, diagnostics } = parse(source);
  assertEquals(diagnostics, []);
  const { pairs, span } = instructions[1] as PairsInstruction;
  assertEquals(pairs.map(({ key, value }) => [show(key), show(value)]), [["a", "b"], ["c d", "ef"]]);
  assertEquals(pairs[1]?.key.span, { start: { line: 4, column: 3 }, end: { line: 4, column: 8 } });
  assertEquals(pairs[1]?.value.span, { start: { line: 4, column: 9 }, end: { line: 5, column: 2 } });
  assertEquals(span, { start: { line: 2, column: 1 }, end: { line: 5, column: 2 } });
});

Deno.test("parse() takes two escape characters at the end of a line for a character", () => {
  const { instructions } = parse("FROM scratch\nCMD a\\\\\nCMD b\n");
  assertEquals(instructions.map(({ kind }) => kind), ["FROM", "CMD", "CMD"]);
});

Deno.test("parse() warns of empty lines in a continued instruction", () => {
  const { instructions, diagnostics } = parse("FROM scratch\nLABEL a=b \\\n\n \t\n  c=d\n");
  assertEquals(diagnostics.map(({ code, span }) => [code, span?.start.line]), [["BIMA060", 3], [
    "BIMA060",
    4,
  ]]);
  assertEquals((instructions[1] as PairsInstruction).pairs.length, 2);
});

Deno.test("parse() reads directives at the top, in any case", () => {
  const { directives, instructions } = parse(
    "# Syntax = docker/dockerfile:1 \n#ESCAPE=`\n# check=skip=all;error=true\nFROM scratch\nLABEL a=b `\n c=d\n",
  );
  assertEquals(directives, { escape: "`", syntax: "docker/dockerfile:1", check: "skip=all;error=true" });
  assertEquals((instructions[1] as PairsInstruction).pairs.length, 2);
});

Deno.test("parse() takes no directive after a comment, a blank line or an instruction", () => {
  for (const before of ["# note\n", "\n", "# unknown=1\n"]) {
    const { directives, diagnostics } = parse(`${before}# escape=\`\nFROM scratch\n`);
    assertEquals(directives, { escape: "\\" });
    assertEquals(diagnostics.map(({ code }) => code), ["BIMA070"]);
  }
  assertEquals(parse("FROM scratch\n# escape=`\n").diagnostics, []);
  assertEquals(parse("# note\n# escape=\\\nFROM scratch\n").diagnostics, []);
});

Deno.test("parse() refuses directives that are given twice or make no sense", () => {
  const { directives, diagnostics } = parse("# escape=`\n# escape=\\\nFROM scratch\n");
  assertEquals(directives.escape, "`");
  assertEquals(diagnostics.map(({ code, span }) => [code, span?.start.line]), [["BIMA016", 2]]);
  assertEquals(parse("# escape=x\nFROM scratch\n").diagnostics.map(({ code }) => code), ["BIMA017"]);
});

Deno.test("parse() reads every form of LABEL", () => {
  assertEquals(pairsOf("LABEL a=b"), [["a", "b"]]);
  assertEquals(pairsOf(`LABEL a=b "c d"='e f' g="h \\"i\\"" j=k\\ l m=`), [
    ["a", "b"],
    ["c d", "e f"],
    ["g", 'h "i"'],
    ["j", "k l"],
    ["m", ""],
  ]);
  assertEquals(pairsOf("LABEL a==b=c"), [["a", "=b=c"]]);
  assertEquals(pairsOf('LABEL "a=b"=c'), [["a=b", "c"]]);
  assertEquals(pairsOf("LABEL a=$b c=${d:-e}"), [["a", "${b}"], ["c", "${d:-e}"]]);
});

Deno.test("parse() reads the old form of LABEL and ENV with a warning", () => {
  assertEquals(pairsOf("LABEL key  some value "), [["key", "some value"]]);
  assertEquals(pairsOf("ENV ONE TWO= THREE=world"), [["ONE", "TWO= THREE=world"]]);
  assertEquals(pairsOf('ENV a "b c" d'), [["a", "b c d"]]);
  assertEquals(one("LABEL key some value").codes, ["BIMA061"]);
  assertEquals(one("ENV key").codes, ["BIMA009"]);
});

Deno.test("parse() refuses pairs without a name or without =", () => {
  assertEquals(one("LABEL =b").codes, ["BIMA014"]);
  assertEquals(one('ENV a=b ""=c').codes, ["BIMA014"]);
  assertEquals(one('ENV "" b').codes, ["BIMA014", "BIMA061"]);
  assertEquals(one("LABEL a=b c d=e").codes, ["BIMA014"]);
  assertEquals(one("LABEL").codes, ["BIMA009"]);
  assertEquals(one('LABEL a="b c').codes, ["BIMA004"]);
  assertEquals(one("LABEL a=b c").instruction.kind, "invalid");
});

Deno.test("parse() reads ARG with and without defaults", () => {
  const { instruction, codes } = one('ARG a b= c="d e"');
  assertEquals(codes, []);
  assert(instruction.kind === "ARG");
  assertEquals(
    instruction.definitions.map(({ key, value }) => [show(key), value && show(value)]),
    [["a", undefined], ["b", ""], ["c", "d e"]],
  );
  assertEquals(one("ARG =x").codes, ["BIMA014"]);
});

Deno.test("parse() reads the shell form of COPY, where quotes do not keep blanks together", () => {
  const copy = copyOf("COPY a  'b'c ../d /e/");
  assertEquals(sourcesOf(copy), ["a", "bc", "../d"]);
  assertEquals(show(copy.destination), "/e/");
  const { diagnostics } = parse('FROM scratch\nCOPY "a b" c\n');
  assertEquals(diagnostics.map(({ code, span }) => [code, span?.start.column]), [["BIMA004", 6]]);
});

Deno.test("parse() reads the JSON form of COPY and keeps the place of every variable", () => {
  const source = 'COPY ["a b", "\\u0063\\n$x" , "/d e"]';
  const copy = copyOf(source);
  assertEquals(sourcesOf(copy), ["a b", '"c\n"${x}']);
  assertEquals(show(copy.destination), "/d e");
  const [, second] = copy.sources;
  assert(second?.kind === "path");
  const variable = second.path.parts[1];
  assert(variable?.kind === "variable");
  assertEquals(cut(`\n${source}`, variable.span), "$x");
  assertEquals(cut(`\n${source}`, second.path.span), '"\\u0063\\n$x"');
});

Deno.test("parse() takes what is no JSON for words, with a warning", () => {
  const { instruction, codes } = one("CMD ['a', 'b']");
  assertEquals(codes, ["BIMA062"]);
  assert(instruction.kind === "CMD" && instruction.command.form === "shell");
  assertEquals(instruction.command.line.text, "['a', 'b']");
  assertEquals(sourcesOf(copyOf("COPY [a-z].img /x")), ["[a-z].img"]);
  assertEquals(one('CMD ["a", 1]').codes, ["BIMA008"]);
  assertEquals(one('COPY ["a", ["b"]]').codes, ["BIMA008"]);
});

Deno.test("parse() reads the flags of COPY", () => {
  const copy = copyOf(
    "COPY --from=a --chown=1:2 --chmod='u=rwX' --exclude=a --exclude=$b --parents --link=false a b",
  );
  assertEquals(copy.from && show(copy.from.value), "a");
  assertEquals(copy.chown && show(copy.chown.value), "1:2");
  assertEquals(copy.chmod && show(copy.chmod.value), "u=rwX");
  assertEquals(copy.exclude.map(({ value }) => show(value)), ["a", "${b}"]);
  assertEquals([copy.parents?.value, copy.link?.value], [true, false]);
  assertEquals(copy.parents?.span, { start: { line: 2, column: 68 }, end: { line: 2, column: 77 } });
  assertEquals(sourcesOf(copyOf("COPY --link -- --a b")), ["--a"]);
  assertEquals(sourcesOf(copyOf('COPY --link ["a b", "c"]')), ["a b"]);
});

Deno.test("parse() refuses flags that are unknown, repeated or without a value", () => {
  assertEquals(one("COPY --form=a b c").codes, ["BIMA011"]);
  assertEquals(parse("FROM scratch\nCOPY --form=a b c").diagnostics[0]?.hint, "did you mean --from?");
  assertEquals(one("COPY --from=a --from=b c d").codes, ["BIMA012"]);
  assertEquals(one("COPY --link --link c d").codes, ["BIMA012"]);
  assertEquals(one("COPY --chown c d").codes, ["BIMA013"]);
  assertEquals(one("COPY --chown= c d").codes, ["BIMA013"]);
  assertEquals(one("COPY --link=yes c d").codes, ["BIMA013"]);
  assertEquals(one("WORKDIR --x /a").codes, ["BIMA011"]);
  // The rest of such an instruction is still judged.
  assertEquals(one("COPY --form=a b c").instruction.kind, "COPY");
});

Deno.test("parse() reads heredocs, one after the other", () => {
  const copy = copyOf("COPY <<EOF 3<<-\"B\" c /d/\n$x 'y'\n# no comment\nEOF\n\t\t$x\n\tB\n");
  assertEquals(sourcesOf(copy), ["<<EOF", "<<B", "c"]);
  const [first, second] = copy.sources;
  assert(first?.kind === "heredoc" && second?.kind === "heredoc");
  assertEquals(first.content.parts[1], { kind: "text", text: " 'y'\n# no comment\n" });
  assertEquals(first.content.parts[0]?.kind, "variable");
  assertEquals(second.content.parts, [{ kind: "text", text: "$x\n" }]);
  assertEquals(second.content.span.start, { line: 6, column: 3 });
  assertEquals(copy.span.end, { line: 7, column: 3 });
});

Deno.test("parse() finds the end of a heredoc as BuildKit does", () => {
  const content = (text: string) => {
    const [source] = copyOf(text).sources;
    assert(source?.kind === "heredoc");
    return show(source.content);
  };
  assertEquals(content("COPY <<X /y\nEOF X\n X\nX \nX\n"), "EOF X\n X\nX \n");
  assertEquals(content("COPY <<eo'f' /y\na\r\neof\r\n"), "a\r\n");
  assertEquals(content("COPY <<'X' /y\n\\$a\nX"), "\\$a\n");
  assertEquals(content("COPY <<X /y\n\\$a\\b\nX"), "$ab\n");
  assertEquals(content("COPY <<X /y\nX\n"), "");
  assertEquals(content("COPY <<it\\'s /y\n\\$a\nit's"), "$a\n");
  assertEquals(content("COPY <<'\"'x /y\n\\$a\n\"x"), "\\$a\n");
});

Deno.test("parse() refuses heredocs that are not closed or not allowed", () => {
  assertEquals(
    parse("FROM scratch\nCOPY <<EOF /x\na\nEOF2\n").diagnostics.map(({ code, span }) => [code, span?.start]),
    [
      ["BIMA006", { line: 2, column: 6 }],
    ],
  );
  assertEquals(one("COPY a <<EOF\nEOF").codes, ["BIMA007"]);
  assertEquals(one("COPY <<a/b /x\na/b").codes, ["BIMA007"]);
  assertEquals(one("COPY << EOF /x\ntext\nEOF").codes, ["BIMA007"]);
  assertEquals(one('COPY <<"EOF /x').codes[0], "BIMA007");
  assertEquals(one("LABEL a=<<EOF").codes, []);
  assertEquals(one('COPY --exclude="a <<b" c d').codes, []);
  assertEquals(one('COPY ["<<EOF", "/x"]').codes, []);
});

Deno.test("parse() skips the heredocs of instructions that it refuses or does not know", () => {
  const bodies =
    "RUN <<EOF cat && cat << E2\nfoo\nEOF\nbar\nE2\nCPOY <<'X' /y\nbaz\nX\nRUN echo $((1 << 2))\n";
  const { instructions, diagnostics } = parse(`FROM scratch\n${bodies}`);
  assertEquals(instructions.map(({ kind }) => kind), ["FROM", "RUN", "invalid", "RUN"]);
  assertEquals(diagnostics.map(({ code }) => code), ["BIMA030", "BIMA001", "BIMA030"]);
});

Deno.test("parse() reads FROM", () => {
  const { instructions, diagnostics } = parse("from --platform=linux/arm64 $x as Base\nFROM base\n");
  assertEquals(diagnostics, []);
  const [from] = instructions;
  assert(from?.kind === "FROM");
  assertEquals([show(from.image), from.name?.text], ["${x}", "base"]);
  assertEquals(from.platform && show(from.platform.value), "linux/arm64");
  for (
    const [text, code, column] of [
      ["FROM", "BIMA009", 1],
      ["FROM a b", "BIMA010", 8],
      ["FROM a AS", "BIMA010", 8],
      ["FROM a AS b c", "BIMA010", 13],
      ["FROM a AS 1b", "BIMA015", 11],
    ] as const
  ) {
    const found = parse(text).diagnostics;
    assertEquals(found.map(({ code, span }) => [code, span?.start.column]), [[code, column]], text);
  }
});

Deno.test("parse() wants FROM first", () => {
  const codes = (text: string) => parse(text).diagnostics.map(({ code }) => code);
  assertEquals(codes(""), ["BIMA002"]);
  assertEquals(codes("# only a comment\n"), ["BIMA002"]);
  assertEquals(codes("ARG a\nFROM scratch\n"), []);
  assertEquals(codes("ARG a\n"), ["BIMA003"]);
  assertEquals(codes("LABEL a=b\nFROM scratch\n"), ["BIMA003"]);
  // What was most likely meant to be FROM counts as one.
  assertEquals(codes("FORM scratch\nLABEL a=b\n"), ["BIMA001"]);
});

Deno.test("parse() suggests the instruction that was meant", () => {
  const hint = (text: string) => parse(`FROM scratch\n${text}`).diagnostics[0]?.hint;
  assertEquals(hint("CPOY a b"), "did you mean COPY?");
  assertEquals(hint("lable a=b"), "did you mean LABEL?");
  assertEquals(hint("ENTRYPONT a"), "did you mean ENTRYPOINT?");
  assertEquals(hint("COPY\u00a0a b"), "put a blank after COPY: the character that follows it is U+00A0");
  assertEquals(hint('CMD["a"]'), 'put a blank after CMD: the character that follows it is "["');
  assert(hint("INSTALL a")?.startsWith("the instructions are FROM CMD LABEL"));
});

Deno.test("parse() reports all errors of a file in one run, in order", () => {
  const { diagnostics } = parse("FROM scratch\nCOPY a\nFOO\nRUN x\nLABEL 'a\nEXPOSE\nCOPY --x a b\n");
  assertEquals(diagnostics.map(({ code, span }) => [code, span?.start.line]), [
    ["BIMA009", 2],
    ["BIMA001", 3],
    ["BIMA030", 4],
    ["BIMA004", 5],
    ["BIMA009", 5],
    ["BIMA009", 6],
    ["BIMA011", 7],
  ]);
});

Deno.test("parse() refuses what is no text", () => {
  const { instructions, diagnostics } = parse("FROM scratch\nLABEL a=\0b\n\0");
  assertEquals(instructions, []);
  assertEquals(diagnostics.map(({ code, span }) => [code, span?.start]), [["BIMA036", {
    line: 2,
    column: 9,
  }]]);
});

Deno.test("parse() takes a megabyte of anything", () => {
  const size = 1 << 20;
  const fill = (text: string) => text.repeat(Math.ceil(size / text.length));
  const pairs = parse(`FROM scratch\nLABEL ${fill("a=b \\\n")}`).instructions[1] as PairsInstruction;
  assertEquals(pairs.pairs.length, Math.ceil(size / 6));
  assertEquals(parse(`FROM scratch\n${fill("LABEL a=b\n")}`).instructions.length, 1 + Math.ceil(size / 10));
  assertEquals(parse(`FROM scratch\nCOPY ${fill("--exclude=x ")}a b`).diagnostics, []);
  assertEquals(parse(`# syntax=a${fill(" ")}b\nFROM scratch`).diagnostics, []);
  for (
    const text of ["${a:-", '"', "<<E ", "[", "\\\n", "\n", "RUN a << b\n", "COPY <<E /x\n"]
  ) {
    assert(parse(`FROM scratch\nCOPY ${fill(text)}`).instructions.length >= 2);
  }
});
