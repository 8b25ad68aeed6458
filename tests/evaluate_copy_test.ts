import { assert, assertEquals } from "@std/assert";
import { evaluate } from "../lib/evaluate.ts";
import { parse } from "../lib/parse.ts";
import type { CopyStep } from "../lib/stage.ts";

function run(
  lines: string,
): { readonly step?: CopyStep; readonly codes: string[]; readonly hints: unknown[] } {
  const parsed = parse(`FROM scratch\n${lines}`);
  const { program, diagnostics } = evaluate(parsed);
  const all = [...parsed.diagnostics, ...diagnostics];
  const step = program?.stages[0]?.steps.findLast((step) => step.kind === "copy");
  return {
    ...(step === undefined ? {} : { step }),
    codes: all.map(({ code }) => code),
    hints: all.map(({ hint }) => hint),
  };
}

function stepOf(lines: string, warnings: string[] = []): CopyStep {
  const { step, codes } = run(lines);
  assertEquals(codes, warnings, lines);
  assert(step !== undefined);
  return step;
}

Deno.test("evaluate() makes destinations absolute and keeps whether they are directories", () => {
  const cases = [
    ["COPY a /b", "/b"],
    ["COPY a /b/", "/b/"],
    ["COPY a b", "/b"],
    ["COPY a .", "/"],
    ["COPY a /", "/"],
    ["WORKDIR /w\nCOPY a .", "/w/"],
    ["WORKDIR /w\nCOPY a ./", "/w/"],
    ["WORKDIR /w\nCOPY a b/c", "/w/b/c"],
    ["WORKDIR /w\nCOPY a ../b", "/b"],
    ["WORKDIR /w\nCOPY a ../../..", "/"],
    ["COPY a /b//c/./d/..", "/b/c/"],
    ["COPY a /b..", "/b.."],
    ["ENV d=/x/\nCOPY a ${d}y", "/x/y"],
    ["WORKDIR $d/w\nCOPY a b", "/w/b"],
  ] as const;
  for (const [lines, destination] of cases) {
    const warnings = lines.startsWith("WORKDIR $d") ? ["BIMA063"] : [];
    assertEquals(stepOf(lines, warnings).destination, destination, lines);
  }
});

Deno.test("evaluate() wants a directory for several sources", () => {
  assertEquals(run("COPY a b c").codes, ["BIMA018"]);
  assertEquals(run("COPY <<A <<B c\nA\nB").codes, ["BIMA018"]);
  for (const lines of ["COPY a b c/", "COPY a b .", "COPY a b c/..", "COPY a /", "COPY *.img c"]) {
    stepOf(lines);
  }
});

Deno.test("evaluate() replaces variables in sources, destination and flags", () => {
  const step = stepOf(
    'ENV a=x b=\'y z\'\nCOPY --chown=$a:${c:-1} --chmod=0$d --exclude=*.$a ["$b", "\'$a\'", "\\\\$a", "/$a/"]',
    ["BIMA063"],
  );
  assertEquals(step.sources.map((source) => source.kind === "path" ? source.path : ""), ["y z", "$a", "$a"]);
  assertEquals([step.destination, step.chown, step.chmod, step.exclude], ["/x/", "x:1", "0", ["*.x"]]);
});

Deno.test("evaluate() hands on the flags of COPY", () => {
  const step = stepOf("COPY --chown=1:2 --chmod=u=rwX --exclude=a --exclude=b --parents --link a /b/");
  assertEquals([step.chown, step.chmod, step.exclude, step.parents], ["1:2", "u=rwX", ["a", "b"], true]);
  assertEquals(step.text, 'COPY --chown=1:2 --chmod="u=rwX" --exclude=a --exclude=b --parents --link a /b/');
  const plain = stepOf("COPY --parents=false a /b");
  assertEquals([plain.chown, plain.chmod, plain.exclude, plain.parents], [undefined, undefined, [], false]);
});

Deno.test("evaluate() hands on the text of heredocs, variables replaced unless the word is quoted", () => {
  const step = stepOf("ENV a=1\nCOPY <<X <<'Y' <<-Z f /d/\n$a \\$a \"$a\"\nX\n$a\nY\n\t\tb\nZ");
  assertEquals(
    step.sources.map((source) => source.kind === "inline" ? [source.name, source.content] : source.path),
    [
      ["X", '1 $a "1"\n'],
      ["Y", "$a\n"],
      ["Z", "b\n"],
      "f",
    ],
  );
  const { span } = step.sources[1] ?? {};
  assertEquals(span, { start: { line: 3, column: 10 }, end: { line: 3, column: 15 } });
});

Deno.test("evaluate() checks modes", () => {
  for (const mode of ["644", "0755", "7777", "u+x", "u=rwX,go=rX", "a-w", "+x", "g=u"]) {
    assertEquals(stepOf(`COPY --chmod=${mode} a b`).chmod, mode);
  }
  for (const mode of ["8", "10000", "99", "rwx", "u+q", "z=r", "u=rw,"]) {
    assertEquals(run(`COPY --chmod=${mode} a b`).codes, ["BIMA022"], mode);
  }
});

Deno.test("evaluate() takes ADD of local files for COPY, with a warning", () => {
  const step = stepOf("ADD --chown=1 a.bin b.gz /c/", ["BIMA067"]);
  assertEquals(step.sources.length, 2);
  assertEquals(step.text, "ADD --chown=1 a.bin b.gz /c/");
  stepOf("ADD --unpack=false a.tar /b", ["BIMA067"]);
  stepOf("COPY a.tar.gz /b");
});

Deno.test("evaluate() refuses what ADD would fetch or unpack", () => {
  for (const source of ["a.tar", "b/c.tar.gz", "d.TGZ", "e.tar.xz", "f.tar.zst", "g.tbz2"]) {
    assertEquals(run(`ADD ${source} /x/`).codes, ["BIMA067", "BIMA035"], source);
  }
  assertEquals(run("ADD --unpack a.bin /x").codes, ["BIMA067", "BIMA035"]);
  for (
    const source of [
      "http://example.org/a",
      "HTTPS://example.org/a.tar",
      "git@example.org:a/b.git",
      "ssh://example.org/a",
      "https://example.org/a.git#main",
      "github.com/a/b",
    ]
  ) {
    assertEquals(run(`ADD ${source} /x/`).codes, ["BIMA067", "BIMA034"], source);
    assertEquals(run(`COPY ${source} /x/`).codes, ["BIMA034"], source);
  }
  assertEquals(run("ENV u=https://example.org\nCOPY $u/a /x").codes, ["BIMA034"]);
});

Deno.test("evaluate() refuses sources and destinations that become empty", () => {
  assertEquals(run("ARG a\nCOPY $a /b").codes, ["BIMA023"]);
  assertEquals(run("ARG a\nCOPY b $a").codes, ["BIMA023"]);
  assertEquals(run("ARG a\nCOPY --chown=$a b c").codes, ["BIMA021"]);
  assertEquals(run('COPY ["", "/b"]').codes, ["BIMA023"]);
});

Deno.test("evaluate() reports everything that is wrong with one COPY", () => {
  const { codes } = run("COPY --chmod=9 --chown=a:b:c --from=x a b c");
  assertEquals(codes, ["BIMA022", "BIMA021", "BIMA026", "BIMA018"]);
});
