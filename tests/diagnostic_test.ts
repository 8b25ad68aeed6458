import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { codes, finding } from "../lib/codes.ts";
import { ContainerfileError, type Diagnostic, formatDiagnostic, sortDiagnostics } from "../lib/diagnostic.ts";
import { BimaError } from "../lib/errors.ts";
import { nearest } from "../lib/nearest.ts";
import { quote } from "../lib/quote.ts";
import { formatDiagnostics } from "../lib/report.ts";

function at(line: number, column: number, endColumn: number, endLine = line): Diagnostic {
  return finding("BIMA001", "what", {
    start: { line, column },
    end: { line: endLine, column: endColumn },
  });
}

/** The excerpt of a finding in the first line: the text and the carets. */
function excerpt(source: string, column: number, endColumn: number): string[] {
  const [, ...lines] = formatDiagnostic(at(1, column, endColumn), "F", source).split("\n");
  return lines;
}

Deno.test("finding() has the severity of its code and no empty fields", () => {
  assertEquals(finding("BIMA061", "old"), { code: "BIMA061", severity: "warning", message: "old" });
  const span = { start: { line: 1, column: 1 }, end: { line: 1, column: 2 } };
  assertEquals(finding("BIMA001", "new", span, "try"), {
    code: "BIMA001",
    severity: "error",
    message: "new",
    span,
    hint: "try",
  });
});

Deno.test("codes are unique, ascending, and their titles end without a full stop", () => {
  const names = Object.keys(codes);
  assertEquals(names, [...names].sort());
  for (const { title } of Object.values(codes)) assert(/^[A-Z].*[^.]$/.test(title), title);
});

Deno.test("formatDiagnostic() shows place, line, carets and hint", () => {
  const source = "FROM scratch\nCPOY a b\n";
  const diagnostic: Diagnostic = { ...at(2, 1, 5), hint: "did you mean COPY?" };
  assertEquals(
    formatDiagnostic(diagnostic, "dir/Containerfile", source),
    [
      "dir/Containerfile:2:1: error[BIMA001]: what",
      "  2 | CPOY a b",
      "    | ^^^^",
      "  hint: did you mean COPY?",
    ].join("\n"),
  );
});

Deno.test("formatDiagnostic() shows no line when there is none to show", () => {
  const whole = finding("BIMA002", "what", undefined, "try");
  assertEquals(formatDiagnostic(whole, "F", "a\n"), "F: error[BIMA002]: what\n  hint: try");
  assertEquals(formatDiagnostic(at(1, 1, 1), "F", " \t\nb"), "F:1:1: error[BIMA001]: what");
  assertEquals(formatDiagnostic(at(9, 1, 1), "F", "a"), "F:9:1: error[BIMA001]: what");
});

Deno.test("formatDiagnostic() puts at least one caret, and none beyond the line", () => {
  assertEquals(excerpt("abc", 2, 2), ["  1 | abc", "    |  ^"]);
  assertEquals(excerpt("abc", 4, 5), ["  1 | abc", "    |    ^"]);
  assertEquals(excerpt("abc", 2, 99), ["  1 | abc", "    |  ^^"]);
  const [, ...lines] = formatDiagnostic(at(1, 3, 2, 4), "F", "ab cd \\\n x").split("\n");
  assertEquals(lines, ["  1 | ab cd \\", "    |   ^^^^^"]);
});

Deno.test("formatDiagnostic() keeps the carets in place behind tabs, wide and combining characters", () => {
  assertEquals(excerpt("\ta\tb", 4, 5), ["  1 |  a b", "    |    ^"]);
  assertEquals(excerpt("日本 x", 4, 5), ["  1 | 日本 x", "    |      ^"]);
  assertEquals(excerpt("日本 x", 2, 3), ["  1 | 日本 x", "    |   ^^"]);
  assertEquals(excerpt("🦀 x", 4, 5), ["  1 | 🦀 x", "    |    ^"]);
  assertEquals(excerpt("e\u0301 x", 4, 5), ["  1 | e\u0301 x", "    |   ^"]);
  assertEquals(excerpt("\uFEFFab", 1, 2), ["  1 | ab", "    | ^"]);
});

Deno.test("formatDiagnostic() shows control characters instead of obeying them", () => {
  assertEquals(excerpt("a\u001b[31mb\u202ec\u2028", 7, 8), [
    "  1 | a\uFFFD[31mb\uFFFDc\uFFFD",
    "    |       ^",
  ]);
  assertEquals(excerpt("ab\r\r", 1, 3), ["  1 | ab", "    | ^^"]);
});

Deno.test("formatDiagnostic() cuts long lines around the place at fault", () => {
  const line = "x".repeat(5000) + "HERE" + "y".repeat(5000);
  const [text = "", carets = ""] = excerpt(line, 5001, 5005);
  assertEquals(text.length, "  1 | ".length + 120);
  assertEquals(text.slice(carets.indexOf("^"), carets.lastIndexOf("^") + 1), "HERE");
  const [wide = "", below = ""] = excerpt("🦀".repeat(3000), 4002, 4004);
  assert(!/[\ud800-\udfff](?![\udc00-\udfff])/.test(wide.replace(/🦀/gu, "")), "half a character");
  assert(below.includes("^"));
  assertEquals(excerpt("z".repeat(200), 1, 201)[1], "    | " + "^".repeat(120));
});

Deno.test("sortDiagnostics() orders by place and keeps the order otherwise", () => {
  const whole = finding("BIMA002", "whole");
  const list = [at(2, 5, 6), at(10, 1, 2), at(2, 1, 9), whole, { ...at(2, 5, 6), message: "second" }];
  assertEquals(
    sortDiagnostics(list).map(({ message, span }) => [message, span?.start.line, span?.start.column]),
    [["whole", undefined, undefined], ["what", 2, 1], ["what", 2, 5], ["second", 2, 5], ["what", 10, 1]],
  );
});

Deno.test("ContainerfileError carries all findings in order and shows them", () => {
  const error = new ContainerfileError("F", "a\nb\n", [at(2, 1, 2), at(1, 1, 2)]);
  assertInstanceOf(error, BimaError);
  assertEquals(error.diagnostics.map(({ span }) => span?.start.line), [1, 2]);
  assertEquals(error.message.split("\n").filter((line) => line.startsWith("F:")), [
    "F:1:1: error[BIMA001]: what",
    "F:2:1: error[BIMA001]: what",
  ]);
  assertEquals(error.file, "F");
});

Deno.test("formatDiagnostics() writes text as formatDiagnostic() does", () => {
  const source = "a\nb\n";
  const list = [at(1, 1, 2), at(2, 1, 2)];
  assertEquals(
    formatDiagnostics(list, { file: "F", source }),
    list.map((one) => `${formatDiagnostic(one, "F", source)}\n`).join(""),
  );
  assertEquals(formatDiagnostics([], { file: "F", source }), "");
});

Deno.test("formatDiagnostics() writes JSON with places, and without where there is none", () => {
  const list = [finding("BIMA064", "unused", undefined, "declare it"), at(3, 2, 4)];
  const text = formatDiagnostics(list, { format: "json", file: "a/F", source: "" });
  assertEquals(JSON.parse(text), [
    { file: "a/F", severity: "warning", code: "BIMA064", message: "unused", hint: "declare it" },
    {
      file: "a/F",
      line: 3,
      column: 2,
      endLine: 3,
      endColumn: 4,
      severity: "error",
      code: "BIMA001",
      message: "what",
    },
  ]);
  assertEquals(JSON.parse(formatDiagnostics([], { format: "json", file: "F", source: "" })), []);
});

Deno.test("formatDiagnostics() writes SARIF 2.1.0", () => {
  const unknown: Diagnostic = { code: "OTHER", severity: "error", message: "from elsewhere" };
  const list = [at(3, 2, 4), finding("BIMA061", "old", at(4, 1, 2).span, "write ="), at(5, 1, 2), unknown];
  const text = formatDiagnostics(list, { format: "sarif", file: "my dir/F#1", source: "", version: "1.2.3" });
  const log = JSON.parse(text);
  assertEquals([log.version, log.runs.length], ["2.1.0", 1]);
  const [run] = log.runs;
  assertEquals(run.columnKind, "utf16CodeUnits");
  assertEquals([run.tool.driver.name, run.tool.driver.version], ["bima", "1.2.3"]);
  assertEquals(run.tool.driver.rules, [
    {
      id: "BIMA001",
      shortDescription: { text: "Unknown instruction" },
      defaultConfiguration: { level: "error" },
    },
    {
      id: "BIMA061",
      shortDescription: { text: "Old form of a name and a value" },
      defaultConfiguration: { level: "warning" },
    },
    { id: "OTHER" },
  ]);
  assertEquals(run.results[1], {
    ruleId: "BIMA061",
    ruleIndex: 1,
    level: "warning",
    message: { text: "old\nHint: write =" },
    locations: [{
      physicalLocation: {
        artifactLocation: { uri: "my%20dir/F%231" },
        region: { startLine: 4, startColumn: 1, endLine: 4, endColumn: 2 },
      },
    }],
  });
  assertEquals(run.results[3].locations, [{
    physicalLocation: { artifactLocation: { uri: "my%20dir/F%231" } },
  }]);
  for (const { ruleId, ruleIndex } of run.results) assertEquals(run.tool.driver.rules[ruleIndex].id, ruleId);
});

Deno.test("nearest() finds slips and leaves other words alone", () => {
  const names = ["COPY", "CMD", "ENV", "ENTRYPOINT", "WORKDIR"];
  assertEquals(nearest("CPOY", names), "COPY");
  assertEquals(nearest("cop", names), "COPY");
  assertEquals(nearest("entrypiont", names), "ENTRYPOINT");
  assertEquals(nearest("WORK", names), undefined);
  assertEquals(nearest("E", names), undefined);
  assertEquals(nearest("", names), undefined);
  assertEquals(nearest("workdir", names), "WORKDIR");
  assertEquals(nearest("CMDx", []), undefined);
  assertEquals(nearest("a".repeat(65), ["a".repeat(65)]), undefined);
  // The first of two that are equally near.
  assertEquals(nearest("ab", ["ac", "aa"]), "ac");
});

Deno.test("quote() makes a text fit for one line", () => {
  assertEquals(quote("a b"), '"a b"');
  assertEquals(quote("a\nb\u001b"), '"a\\u{a}b\\u{1b}"');
  assertEquals(quote("x".repeat(61)), `"${"x".repeat(60)}…"`);
  assertEquals(quote("x".repeat(59) + "🦀"), `"${"x".repeat(59)}\uFFFD…"`);
});
