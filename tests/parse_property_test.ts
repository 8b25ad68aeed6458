import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { codes } from "../lib/codes.ts";
import type { Diagnostic, Position } from "../lib/diagnostic.ts";
import { evaluate } from "../lib/evaluate.ts";
import { parse } from "../lib/parse.ts";
import { print } from "../lib/parse/print.ts";
import { formatDiagnostics } from "../lib/report.ts";
import { containerfiles, corpus } from "./support/containerfiles.ts";

/** Everything but the places. */
function withoutSpans(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSpans);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([key]) => key !== "span" && key !== "keywordSpan")
      .map(([key, inner]) => [key, withoutSpans(inner)]),
  );
}

/** Where a file has characters: the places that a span may name. */
function checkSpans(source: string, value: unknown): void {
  const lines = source.replace(/^\uFEFF/, "").split("\n");
  const check = ({ line, column }: Position): void => {
    assert(line >= 1 && line <= lines.length, `line ${line} of ${lines.length}`);
    const length = lines[line - 1]?.length ?? 0;
    assert(column >= 1 && column <= length + 1, `column ${column} of ${length} in line ${line}`);
  };
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      if (key === "start" || key === "end") check(inner);
      else visit(inner);
    }
    if ("start" in value && "end" in value) {
      const { start, end } = value as { start: Position; end: Position };
      assert(start.line < end.line || (start.line === end.line && start.column <= end.column));
    }
  };
  visit(value);
}

function checkDiagnostics(source: string, diagnostics: readonly Diagnostic[]): void {
  const known: Readonly<Record<string, { severity: string }>> = codes;
  for (const { code, severity, message } of diagnostics) {
    assertEquals(known[code]?.severity, severity, code);
    assert(!/[\n\r]/.test(message) && !message.endsWith("."), message);
  }
  const order = diagnostics.map(({ span }) => (span?.start.line ?? 0) * 1e6 + (span?.start.column ?? 0));
  assertEquals(order, [...order].sort((a, b) => a - b));
  checkSpans(source, diagnostics);
}

/** All that is done with a file, and what must hold whatever the file is. */
function exercise(source: string): void {
  const parsed = parse(source);
  checkSpans(source, parsed);
  checkDiagnostics(source, parsed.diagnostics);
  const options = { buildArgs: { A: "1", V: "aba" }, platform: { os: "linux", architecture: "amd64" } };
  const { program, diagnostics } = evaluate(parsed, options);
  checkDiagnostics(source, diagnostics);
  const all = [...parsed.diagnostics, ...diagnostics];
  assertEquals(program === undefined, all.some(({ severity }) => severity === "error"));
  for (const format of ["text", "json", "sarif"] as const) {
    formatDiagnostics(all, { format, file: "Containerfile", source });
  }
  // What was printed once is printed the same again.
  const printed = print(parsed);
  assertEquals(print(parse(printed)), printed);
}

Deno.test("parse() takes print() back, whatever the instructions are", () => {
  fc.assert(
    fc.property(containerfiles, (containerfile) => {
      const { directives, instructions } = parse(print(containerfile));
      const { directives: wantedDirectives, instructions: wanted } = containerfile;
      assertEquals(
        withoutSpans({ directives, instructions }),
        withoutSpans({
          directives: wantedDirectives,
          instructions: wanted,
        }),
      );
    }),
    { numRuns: 1000 },
  );
});

Deno.test("parse() and evaluate() take any text", () => {
  const text = fc.string({
    unit: fc.constantFrom(
      ..."FROM COPY LABEL ENV ARG CMD RUN ADD scratch AS <<EOF --from= ${x:- } \\ ` \" ' [ ] , # \n \r\n \t \uFEFF é 🦀 $ / a b 0 \u0000"
        .split(" "),
      " ",
    ),
    maxLength: 60,
  });
  fc.assert(fc.property(text, exercise), { numRuns: 2000 });
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), exercise), { numRuns: 500 });
});

Deno.test("parse() and evaluate() take every beginning of a file", () => {
  for (const source of corpus) {
    for (let length = 0; length <= source.length; length++) exercise(source.slice(0, length));
  }
});

Deno.test("parse() and evaluate() take files with characters changed, deleted, doubled", () => {
  const edit = fc.record({
    at: fc.nat(),
    length: fc.nat(12),
    text: fc.oneof(
      fc.constantFrom("", "\n", '"', "'", "\\", "`", "${", "}", "<<EOF\n", "[", "--", "="),
      fc.string(),
    ),
  });
  const mutated = fc.tuple(fc.constantFrom(...corpus), fc.array(edit, { minLength: 1, maxLength: 4 })).map((
    [source, edits],
  ) =>
    edits.reduce((text, { at, length, text: replacement }) => {
      const place = at % (text.length + 1);
      return text.slice(0, place) + replacement + text.slice(place + length);
    }, source)
  );
  fc.assert(fc.property(mutated, exercise), { numRuns: 2000 });
});

Deno.test("parse() does not care how lines end or where they are continued", () => {
  const plain = corpus.filter((source) =>
    !source.includes("<<") && !source.includes("\r") && !source.includes("`")
  );
  assert(plain.length >= 3);
  for (const source of plain) {
    const wanted = withoutSpans(parse(source).instructions);
    assertEquals(withoutSpans(parse(source.replaceAll("\n", "\r\n")).instructions), wanted);
    const continued = source.replaceAll(/(?<=[A-Z]) (?=\S)/g, " \\\n # a note\n");
    assertEquals(withoutSpans(parse(continued).instructions), wanted);
  }
});
