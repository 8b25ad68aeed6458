import { assert, assertEquals } from "@std/assert";
import { evaluate, type EvaluateOptions, type Evaluation } from "../lib/evaluate.ts";
import { parse } from "../lib/parse.ts";
import type { CopyStep, Program, Stage } from "../lib/stage.ts";

function run(text: string, options: EvaluateOptions = {}): Evaluation & { readonly codes: string[] } {
  const parsed = parse(text);
  const evaluation = evaluate(parsed, options);
  const codes = [...parsed.diagnostics, ...evaluation.diagnostics].map(({ code }) => code);
  return { ...evaluation, codes };
}

/** The program of a file without errors; the codes are those of its warnings. */
function programOf(text: string, options: EvaluateOptions = {}, warnings: string[] = []): Program {
  const { program, codes } = run(text, options);
  assertEquals(codes, warnings);
  assert(program !== undefined);
  return program;
}

/** The last stage of a file without errors. */
function stageOf(text: string, options: EvaluateOptions = {}, warnings: string[] = []): Stage {
  const stage = programOf(text, options, warnings).stages.at(-1);
  assert(stage !== undefined);
  return stage;
}

/** What the label `x` becomes after these lines; shows the value of variables. */
function labelOf(lines: string, options: EvaluateOptions = {}, warnings: string[] = []): string | undefined {
  return stageOf(lines, options, warnings).config.labels["x"];
}

Deno.test("evaluate() brings ARG from before FROM into a stage that asks for it", () => {
  assertEquals(labelOf("ARG A=1\nFROM scratch\nARG A\nLABEL x=$A"), "1");
  assertEquals(labelOf("ARG A=1\nFROM scratch\nLABEL x=$A", {}, ["BIMA063"]), "");
  assertEquals(labelOf("ARG A=1\nFROM scratch\nARG A=2\nLABEL x=$A"), "2");
  assertEquals(labelOf("ARG A=1\nARG B=${A}2\nFROM scratch\nARG B\nLABEL x=$B"), "12");
  assertEquals(labelOf("FROM scratch\nARG A\nLABEL x=a$A"), "a");
});

Deno.test("evaluate() uses ARG from before FROM in FROM", () => {
  const { stages } = programOf("ARG BASE=scratch\nFROM $BASE AS a\nFROM ${BASE:+a}");
  assertEquals(stages[1]?.base, { kind: "stage", index: 0 });
  const { codes, diagnostics } = run("FROM scratch AS a\nARG BASE=a\nFROM $BASE");
  assertEquals(codes, ["BIMA063", "BIMA023"]);
  assertEquals(diagnostics[0]?.hint, "define it before FROM: ARG BASE=…");
});

Deno.test("evaluate() prefers build arguments to defaults, and ENV to both", () => {
  const buildArgs = { A: "given" };
  assertEquals(labelOf("FROM scratch\nARG A=1\nLABEL x=$A", { buildArgs }), "given");
  assertEquals(labelOf("ARG A=1\nFROM scratch\nARG A\nLABEL x=$A", { buildArgs }), "given");
  assertEquals(labelOf("FROM scratch\nARG A=1\nENV A=env\nLABEL x=$A", { buildArgs }), "env");
  assertEquals(labelOf("FROM scratch\nENV A=env\nARG A=1\nLABEL x=$A", { buildArgs }), "env");
  // A default that is not used may refer to nothing.
  assertEquals(labelOf("FROM scratch\nARG A=$NONE\nLABEL x=$A", { buildArgs }), "given");
});

Deno.test("evaluate() warns of build arguments that nothing takes", () => {
  const buildArgs = { VERSON: "1", HTTP_PROXY: "a", no_proxy: "b", BUILDKIT_X: "c", SOURCE_DATE_EPOCH: "0" };
  const { diagnostics } = run("FROM scratch\nARG VERSION\n", { buildArgs });
  assertEquals(diagnostics.map(({ code, hint }) => [code, hint]), [["BIMA064", "did you mean VERSION?"]]);
});

Deno.test("evaluate() warns of undefined variables with the nearest name", () => {
  const { diagnostics } = run(
    "ARG GLOBAL=1\nFROM scratch\nENV NAME=a\nLABEL x=$NMAE y=$GLOBAL z=$QQ w=$BUILDARCH",
  );
  assertEquals(diagnostics.map(({ code, span }) => [code, span?.start.column]), [
    ["BIMA063", 9],
    ["BIMA063", 17],
    ["BIMA063", 27],
    ["BIMA063", 33],
  ]);
  assertEquals(diagnostics[0]?.hint, "did you mean $NAME?");
  assertEquals(diagnostics[1]?.hint, "bring it into this stage: ARG GLOBAL after FROM");
  assert(diagnostics[2]?.hint?.startsWith("define it with ARG QQ=…"));
  assert(diagnostics[3]?.hint?.includes("$TARGETARCH"));
});

Deno.test("evaluate() does not warn of variables that a broken instruction may define", () => {
  assertEquals(run("FROM scratch\nARG A=1 B='\nLABEL x=$A").codes, ["BIMA004"]);
  assertEquals(run("FROM scratch\nAGR A=1\nLABEL x=$A").codes, ["BIMA001"]);
  assertEquals(run("ARG 'A\nFROM scratch$A").codes, ["BIMA004"]);
});

Deno.test("evaluate() requires what ${x:?message} requires", () => {
  const { diagnostics, program } = run('FROM scratch\nARG V\nLABEL x="${V:?say which}"');
  assertEquals(program, undefined);
  assertEquals(diagnostics.map(({ code, message }) => [code, message]), [
    ["BIMA024", "Cannot go on without $V: say which"],
  ]);
  assertEquals(labelOf('FROM scratch\nARG V\nLABEL x="${V:?say which}"', { buildArgs: { V: "1" } }), "1");
});

Deno.test("evaluate() knows the platform in FROM, and in a stage after ARG", () => {
  const platform = { os: "linux", architecture: "arm", variant: "v7" };
  const args = "ARG TARGETPLATFORM TARGETOS TARGETARCH TARGETVARIANT TARGETSTAGE\n";
  const label = "LABEL x=$TARGETPLATFORM,$TARGETOS,$TARGETARCH,$TARGETVARIANT,$TARGETSTAGE";
  assertEquals(labelOf(`FROM scratch\n${args}${label}`, { platform }), "linux/arm/v7,linux,arm,v7,default");
  assertEquals(
    labelOf(`FROM scratch AS t\n${args}${label}`, { platform, target: "t" }),
    "linux/arm/v7,linux,arm,v7,t",
  );
  const { stages } = programOf("FROM scratch AS for-arm\nFROM for-$TARGETARCH", { platform });
  assertEquals(stages[1]?.base.kind, "stage");
  assertEquals(labelOf("FROM scratch\nLABEL x=$TARGETARCH", { platform }, ["BIMA063"]), "");
  assertEquals(
    labelOf("FROM scratch\nARG TARGETVARIANT\nLABEL x=a$TARGETVARIANT", {
      platform: { os: "linux", architecture: "amd64" },
    }),
    "a",
  );
});

Deno.test("evaluate() says so when the platform is used and not known", () => {
  const { diagnostics, codes } = run(
    "FROM scratch\nARG TARGETARCH\nCOPY k-$TARGETARCH /k\nCOPY $TARGETARCH /k",
  );
  assertEquals(codes, ["BIMA025", "BIMA025"]);
  assert(diagnostics[0]?.hint?.includes("--platform linux/amd64"));
  assertEquals(labelOf("FROM scratch\nARG TARGETARCH\nLABEL x=${TARGETARCH:-any}"), "any");
  assertEquals(labelOf("FROM scratch\nARG TARGETARCH=mine\nLABEL x=$TARGETARCH"), "mine");
  const buildArgs = { TARGETARCH: "given" };
  assertEquals(labelOf("FROM scratch\nARG TARGETARCH\nLABEL x=$TARGETARCH", { buildArgs }), "given");
});

Deno.test("evaluate() makes all values of one instruction from those before it", () => {
  const { config } = stageOf("FROM scratch\nENV a=1\nENV a=2 b=$a\nENV c=$a");
  assertEquals(config.env, ["a=2", "b=1", "c=2"]);
});

Deno.test("evaluate() stops variables that grow without end", () => {
  for (const keyword of ["ENV", "ARG"]) {
    const { codes, program } = run(`FROM scratch\n${keyword} a=aaaa\n${`${keyword} a=$a$a$a\n`.repeat(60)}`);
    assertEquals(codes, ["BIMA037"]);
    assertEquals(program, undefined);
  }
});

Deno.test("evaluate() finds stages by name in any case, and by index", () => {
  const { stages, target, needed } = programOf(
    "FROM scratch AS A\nFROM scratch\nFROM a\nCOPY --from=A x /\nCOPY --from=1 y /\nCOPY z /",
  );
  assertEquals(stages.map(({ name }) => name), ["a", undefined, undefined]);
  assertEquals([target, needed], [2, [0, 1, 2]]);
  assertEquals(
    stages[2]?.steps.map((step) => (step as CopyStep).origin),
    [{ kind: "stage", index: 0 }, { kind: "stage", index: 1 }, { kind: "context" }],
  );
});

Deno.test("evaluate() finds out which stages the target needs", () => {
  const text =
    "FROM scratch AS a\nFROM scratch AS b\nFROM b AS c\nFROM scratch AS d\nCOPY --from=a / /\nFROM c AS e\n";
  assertEquals(programOf(text).needed, [1, 2, 4]);
  const { stages, target, needed } = programOf(text, { target: "D" });
  assertEquals([stages.length, target, needed], [4, 3, [0, 3]]);
  assertEquals(programOf(text, { target: "1" }).target, 1);
  const { diagnostics } = run(text, { target: "f" });
  assertEquals(diagnostics.map(({ code, span }) => [code, span]), [["BIMA028", undefined]]);
});

Deno.test("evaluate() refuses bases and origins that are not there", () => {
  const place = (text: string) =>
    run(text).diagnostics.map(({ code, span }) => [code, span?.start.line, span?.start.column]);
  assertEquals(place("FROM alpine:3"), [["BIMA026", 1, 6]]);
  assertEquals(place("FROM scratch AS a\nFROM b\nFROM scratch AS b"), [["BIMA027", 2, 6]]);
  assertEquals(place("FROM a AS a"), [["BIMA027", 1, 6]]);
  assertEquals(place("FROM scratch AS a\nCOPY --from=a x /"), [["BIMA027", 2, 6]]);
  assertEquals(place("FROM scratch\nCOPY --from=0 x /"), [["BIMA027", 2, 6]]);
  assertEquals(place("FROM scratch\nCOPY --from=b x /\nFROM scratch AS b"), [["BIMA027", 2, 6]]);
  assertEquals(place("FROM scratch\nCOPY --from=nginx x /"), [["BIMA026", 2, 6]]);
  assertEquals(place("FROM scratch\nARG A=a\nCOPY --from=$A x /"), [["BIMA029", 3, 6]]);
  assertEquals(run("FROM scratch AS kernel\nFROM kernle").diagnostics[0]?.hint, "did you mean kernel?");
  assertEquals(run("FROM scrach").diagnostics[0]?.hint, "did you mean scratch?");
});

Deno.test("evaluate() warns of stage names that are used twice or reserved", () => {
  const { stages } = programOf("FROM scratch AS a\nFROM scratch AS a\nFROM a", {}, ["BIMA068"]);
  assertEquals(stages[2]?.base, { kind: "stage", index: 1 });
  const reserved = programOf("FROM scratch AS scratch\nFROM scratch", {}, ["BIMA069"]);
  assertEquals(reserved.stages[1]?.base, { kind: "scratch" });
});

Deno.test("evaluate() inherits config and variables from the base", () => {
  const base =
    "FROM scratch AS a\nENV e=1\nARG g=2\nLABEL l=1 m=1\nEXPOSE 80\nVOLUME /v\nUSER u\nWORKDIR /w\n" +
    'STOPSIGNAL SIGINT\nMAINTAINER me\nCMD ["c"]\n';
  const stage = stageOf(
    `${base}FROM a\nENV e=$e$g f=2\nLABEL m=2\nEXPOSE 81/udp\nVOLUME /x\nWORKDIR z`,
    {},
    ["BIMA066"],
  );
  assertEquals(stage.config, {
    labels: { l: "1", m: "2" },
    env: ["e=12", "f=2"],
    exposedPorts: ["80/tcp", "81/udp"],
    volumes: ["/v", "/x"],
    user: "u",
    workingDir: "/w/z",
    stopSignal: "SIGINT",
    author: "me",
    cmd: ["c"],
  });
  assertEquals([...stage.labelSpans.keys()], ["m"]);
});

Deno.test("evaluate() lets ENTRYPOINT reset the CMD of the base, but not that of the stage", () => {
  const base = 'FROM scratch AS a\nCMD ["c"]\n';
  assertEquals(stageOf(`${base}FROM a\nENTRYPOINT ["e"]`).config.cmd, undefined);
  assertEquals(stageOf(`${base}FROM a\nCMD ["d"]\nENTRYPOINT ["e"]`).config.cmd, ["d"]);
  assertEquals(stageOf(`${base}FROM a\nENTRYPOINT ["e"]\nCMD ["d"]`).config.cmd, ["d"]);
  assertEquals(stageOf('FROM scratch\nCMD ["c"]\nENTRYPOINT ["e"]').config.cmd, ["c"]);
});

Deno.test("evaluate() puts a shell in front of the shell form, with a warning", () => {
  const { config } = stageOf('FROM scratch\nCMD run  "$x" \\\n  now', {}, ["BIMA065"]);
  assertEquals(config.cmd, ["/bin/sh", "-c", 'run  "$x"   now']);
  assertEquals(stageOf('FROM scratch\nCMD ["$x", "a b"]').config.cmd, ["$x", "a b"]);
  assertEquals(stageOf("FROM scratch\nENTRYPOINT []").config.entrypoint, []);
});

Deno.test("evaluate() warns of CMD and ENTRYPOINT that a later one replaces", () => {
  const { diagnostics } = run(
    'FROM scratch\nCMD ["a"]\nENTRYPOINT ["b"]\nCMD ["c"]\nFROM scratch\nCMD ["d"]',
  );
  assertEquals(diagnostics.map(({ code, span }) => [code, span?.start.line]), [["BIMA071", 2]]);
});

Deno.test("evaluate() adds up relative WORKDIRs", () => {
  const { steps, config } = stageOf(
    "FROM scratch\nENV d=/b\nWORKDIR a\nWORKDIR ..\nWORKDIR $d/./c d/\nWORKDIR ../../..",
  );
  assertEquals(steps.flatMap((step) => step.kind === "workdir" ? step.path : []), ["/a", "/", "/b/c d", "/"]);
  assertEquals(config.workingDir, "/");
});

Deno.test("evaluate() checks ports", () => {
  const text = "FROM scratch\nENV P='8080 9090'\nEXPOSE 80 81/TCP 90-92/udp 127.0.0.1:1:2/sctp $P 80";
  const { config } = stageOf(text, {}, ["BIMA072"]);
  assertEquals(config.exposedPorts, [
    "80/tcp",
    "81/tcp",
    "8080/tcp",
    "9090/tcp",
    "90/udp",
    "91/udp",
    "92/udp",
    "2/sctp",
  ]);
  for (
    const port of [
      "65536",
      "80/http",
      "a",
      "80/tcp/udp",
      "3-2",
      "-1",
      "/tcp",
      "80-",
      "1e3",
      "99999999999999999999",
    ]
  ) {
    assertEquals(
      run(`FROM scratch\nEXPOSE 1 ${port}`).diagnostics.map(({ code, span }) => [code, span?.start.column]),
      [
        ["BIMA019", 10],
      ],
      port,
    );
  }
});

Deno.test("evaluate() checks signals", () => {
  for (const signal of ["SIGTERM", "kill", "9", "64", "RTMIN", "SIGRTMIN+15", "SIGRTMAX-14"]) {
    assertEquals(stageOf(`FROM scratch\nSTOPSIGNAL ${signal}`).config.stopSignal, signal);
  }
  for (const signal of ["SIGFOO", "0", "65", "-9", "SIGRTMIN-1", "SIGRTMIN+16", "SIGRTMAX-15", "TERM 9"]) {
    assertEquals(run(`FROM scratch\nSTOPSIGNAL ${signal}`).codes, ["BIMA020"], signal);
  }
});

Deno.test("evaluate() checks users and owners", () => {
  for (const user of ["root", "1000", "a:b", "0:0", "4294967294", "_apt", "build$"]) {
    assertEquals(stageOf(`FROM scratch\nUSER ${user}`, {}, []).config.user, user);
    assertEquals(run(`FROM scratch\nCOPY --chown=${user} a b`).codes, []);
  }
  for (const user of ["a:b:c", ":b", "a:", "4294967295", "1a", "a/b"]) {
    assertEquals(run(`FROM scratch\nUSER ${user}`).codes, ["BIMA021"], user);
    assertEquals(run(`FROM scratch\nCOPY --chown=${user} a b`).codes, ["BIMA021"], user);
  }
});

Deno.test("evaluate() refuses values that become empty", () => {
  assertEquals(run("FROM scratch\nARG A\nWORKDIR $A").codes, ["BIMA023"]);
  assertEquals(run("FROM scratch\nARG A\nUSER $A").codes, ["BIMA023"]);
  assertEquals(run("FROM scratch\nARG A\nVOLUME /a $A").codes, ["BIMA023"]);
  assertEquals(run("FROM scratch\nARG A\nLABEL a=b $A=c").codes, ["BIMA014"]);
  assertEquals(run('FROM ""').codes, ["BIMA023"]);
});

Deno.test("evaluate() takes the platform of FROM", () => {
  const { stages } = programOf(
    "FROM --platform=aarch64 scratch AS a\nFROM a\nFROM --platform=$TARGETPLATFORM a",
    {
      platform: { os: "linux", architecture: "riscv64" },
    },
  );
  assertEquals(stages.map(({ platform }) => platform?.architecture), ["arm64", "arm64", "riscv64"]);
  assertEquals(run("FROM --platform=a/b/c/d scratch").codes, ["BIMA013"]);
});

Deno.test("evaluate() writes the history on one line each, with values", () => {
  const { steps } = stageOf(
    'FROM scratch\nARG V=1\nLABEL a="b $V" \\\n c=d\nENV e=$V\nCOPY --chown=1 a$V /b\nCOPY <<EOF /f\ntext\nEOF\nWORKDIR x y\nCMD ["a b"]\n' +
      'COPY ["c d", "/"]\nEXPOSE 80\nUSER u\nVOLUME /v\nSTOPSIGNAL 9\nARG W\n',
  );
  assertEquals(steps.map(({ text }) => text), [
    "ARG V=1",
    'LABEL a="b 1" c=d',
    "ENV e=1",
    "COPY --chown=1 a1 /b",
    "COPY <<EOF /f",
    'WORKDIR "/x y"',
    'CMD ["a b"]',
    'COPY ["c d", "/"]',
    "EXPOSE 80",
    "USER u",
    "VOLUME /v",
    "STOPSIGNAL 9",
    "ARG W",
  ]);
  const lines = stageOf('FROM scratch\nARG V\nENV a=$V\nCOPY ["a\\nb", "/"]', { buildArgs: { V: "1\n2" } });
  assertEquals(lines.steps.map(({ text }) => text), [
    'ARG V="1\\n2"',
    'ENV a="1\\n2"',
    'COPY ["a\\nb", "/"]',
  ]);
});
