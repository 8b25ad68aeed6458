/**
 * Every code of the parser and the evaluator, shown by a file that has it: `tests/fixtures/diagnostics/CODE.Containerfile` and what is said of it,
 * `CODE.txt`. With `UPDATE_GOLDEN=1` in the environment the expected texts are written anew.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { codes } from "../lib/codes.ts";
import { evaluate, type EvaluateOptions } from "../lib/evaluate.ts";
import { sortDiagnostics } from "../lib/diagnostic.ts";
import { parse } from "../lib/parse.ts";
import { formatDiagnostics } from "../lib/report.ts";

const folder = new URL("./fixtures/diagnostics/", import.meta.url);

/** The codes below 100: what the text alone tells. */
const textCodes = Object.keys(codes).filter((code) => code < "BIMA100");

/** What the files of these codes are evaluated with. */
const options: Readonly<Record<string, EvaluateOptions>> = {
  BIMA028: { target: "kernle" },
  BIMA064: { buildArgs: { VERSOIN: "2", OTHER: "3" } },
};

Deno.test("every code has a file that shows it, and says the same of it as ever", async () => {
  for (const code of textCodes) {
    const source = await Deno.readTextFile(new URL(`${code}.Containerfile`, folder));
    const parsed = parse(source);
    const { diagnostics } = evaluate(parsed, options[code]);
    const all = sortDiagnostics([...parsed.diagnostics, ...diagnostics]);
    assert(all.some((diagnostic) => diagnostic.code === code), `${code} is not among the findings`);
    const text = formatDiagnostics(all, { file: `${code}.Containerfile`, source });
    const golden = new URL(`${code}.txt`, folder);
    if (Deno.env.get("UPDATE_GOLDEN") === "1") await Deno.writeTextFile(golden, text);
    assertEquals(text, await Deno.readTextFile(golden), code);
  }
});

Deno.test("no file is left of a code that is gone", () => {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  const wanted = textCodes.flatMap((code) => [`${code}.Containerfile`, `${code}.txt`]);
  assertEquals(names, wanted.sort());
});

Deno.test("every finding of the parser and the evaluator names a way out", () => {
  for (const { name } of Deno.readDirSync(folder)) {
    if (!name.endsWith(".Containerfile")) continue;
    const parsed = parse(Deno.readTextFileSync(new URL(name, folder)));
    const { diagnostics } = evaluate(parsed, options[name.slice(0, 7)]);
    for (const { code, hint } of [...parsed.diagnostics, ...diagnostics]) {
      assert(hint !== undefined, `${code} in ${name}`);
    }
  }
});

Deno.test("docs/diagnostics.md lists every code with its severity and title", async () => {
  const text = await Deno.readTextFile(new URL("../docs/diagnostics.md", import.meta.url));
  const rows = [...text.matchAll(/^\| (BIMA\d{3}) +\| (\w+) +\| ([^|]+?) +\| ([^|]+) \|$/gm)];
  assertEquals(
    rows.map(([, code, severity, title]) => `${code} ${severity} ${title}`),
    Object.entries(codes).map(([code, { severity, title }]) => `${code} ${severity} ${title}`),
  );
});
