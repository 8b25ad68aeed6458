import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { check } from "../lib/check.ts";
import { PathError } from "../lib/errors.ts";
import { bima, context, Folder, labels } from "./support/bima.ts";
import { rawTar, streamOf } from "./support/raw_tar.ts";

const bad = "FROM scratch\nMAINTAINER me\nCOPY nope secret /x/\n";

Deno.test("check() finds nothing in what builds, from a directory and from a tar", async () => {
  using folder = context();
  const found = await check({ context: folder.path, file: folder.at("Containerfile") });
  assertEquals(found.diagnostics, []);
  const files = ["Containerfile", "kernel"].map((name) => ({
    name,
    body: Deno.readFileSync(folder.at(name)),
  }));
  assertEquals(await check({ context: streamOf(rawTar(...files)) }), { ...found, file: "Containerfile" });
});

Deno.test("check() finds what is wrong with text, context and labels in one run", async () => {
  using folder = context({ Containerfile: bad, secret: "", ".dockerignore": "secret" });
  const { file, source, diagnostics } = await check({
    context: folder.path,
    file: folder.at("Containerfile"),
  });
  assertEquals([file, source], [folder.at("Containerfile"), bad]);
  assertEquals(diagnostics.map(({ code, span }) => `${code} ${span?.start.line ?? "-"}`), [
    "BIMA110 -",
    "BIMA110 -",
    "BIMA110 -",
    "BIMA110 -",
    "BIMA066 2",
    "BIMA101 3",
    "BIMA108 3",
  ]);
});

Deno.test("check() checks the text alone without a context", async () => {
  const file = streamOf(new TextEncoder().encode(`${bad}CPOY a b\nARG x\nLABEL a=$y\n`));
  const { diagnostics } = await check({ file });
  assertEquals(diagnostics.map(({ code }) => code), ["BIMA066", "BIMA001", "BIMA063"]);
});

Deno.test("check() minds target, platform, build arguments and labels", async () => {
  const text = `ARG A\nFROM scratch AS one\nCOPY nope /\nFROM scratch AS two\nARG A=file\nCOPY $A /kernel\n`;
  using folder = context({ Containerfile: text });
  const options = { context: folder.path, file: folder.at("Containerfile") };
  const given = Object.fromEntries(
    [...labels.matchAll(/(com\S+?)=("[^"]*"|\S+)/g)].map(([, key = "", value = ""]) => [key, value]),
  );
  const codes = async (more: Parameters<typeof check>[0]): Promise<string[]> =>
    (await check({ ...options, labels: given, ...more })).diagnostics.map(({ code }) => code);
  assertEquals(await codes({}), ["BIMA112", "BIMA101"]);
  assertEquals(await codes({ buildArgs: { A: "kernel" } }), []);
  assertEquals(await codes({ buildArgs: { A: "kernel" }, platform: "arm64" }), ["BIMA166"]);
  assertEquals(await codes({ buildArgs: { A: "kernel" }, target: "three" }), ["BIMA028"]);
  assertEquals((await codes({ target: "one" })).includes("BIMA101"), true);
});

Deno.test("check() shows a malformed ignore file instead of the Containerfile", async () => {
  using folder = context({ ".containerignore": "ok\n[\n" });
  const { file, source, diagnostics } = await check({
    context: folder.path,
    file: folder.at("Containerfile"),
  });
  assertEquals([file, source], [".containerignore", "ok\n[\n"]);
  assertEquals(diagnostics.map(({ code, span }) => `${code} ${span?.start.line}`), ["BIMA103 2"]);
});

Deno.test("check() throws when there is nothing to check", async () => {
  using folder = context();
  await assertRejects(
    () => check({ context: folder.at("none"), file: folder.at("Containerfile") }),
    PathError,
  );
  await assertRejects(() => check({ context: folder.path, file: folder.at("none/File") }), PathError);
});

Deno.test("bima check prints the report on stdout and exits 1 on errors", async () => {
  using folder = context({
    bad: "FROM scratch\nMAINTAINER me\nCOPY nope /x\n",
    doubtful: `FROM scratch\nMAINTAINER me\n`,
  });
  assertEquals(await bima(["check", "."], { cwd: folder.path }), { code: 0, stdout: "", stderr: "" });
  const doubtful = await bima(["check", "-f", "doubtful"], { cwd: folder.path });
  assertEquals([doubtful.code, doubtful.stderr], [0, ""]);
  assertStringIncludes(doubtful.stdout, "doubtful:2:1: warning[BIMA066]: ");
  const strict = await bima(["check", "-f", "doubtful", "--strict"], { cwd: folder.path });
  assertEquals([strict.code, strict.stderr], [1, ""]);
  assertEquals(strict.stdout, doubtful.stdout.replace("warning", "error"));
  const { code, stdout, stderr } = await bima(["check", "-f", "bad", "."], { cwd: folder.path });
  assertEquals([code, stderr], [1, ""]);
  assertStringIncludes(
    stdout,
    `bad:3:6: error[BIMA101]: Cannot copy "nope": it is not in the build context
  3 | COPY nope /x
    |      ^^^^
`,
  );
});

Deno.test("bima check writes JSON and SARIF that say the same", async () => {
  using folder = context({ "a bad": "FROM scratch\nCOPY nope /x\n" });
  const run = async (format: string): Promise<unknown> => {
    const { code, stdout } = await bima(["check", "--format", format, "-f", "a bad", "."], {
      cwd: folder.path,
    });
    assertEquals(code, 1);
    return JSON.parse(stdout);
  };
  const json = await run("json") as { code: string; message: string; line?: number; hint?: string }[];
  assertEquals(json.at(-1)?.code, "BIMA101");
  const sarif = await run("sarif") as {
    readonly runs: readonly [{
      readonly tool: { readonly driver: { readonly name: string; readonly version: string } };
      readonly results: readonly {
        readonly ruleId: string;
        readonly locations: readonly [{
          readonly physicalLocation: {
            readonly artifactLocation: { readonly uri: string };
            readonly region?: { readonly startLine: number };
          };
        }];
      }[];
    }];
  };
  const [{ tool, results }] = sarif.runs;
  assertEquals([tool.driver.name, typeof tool.driver.version], ["bima", "string"]);
  const places = results.map(({ ruleId, locations: [{ physicalLocation }] }) => [
    ruleId,
    physicalLocation.artifactLocation.uri,
    physicalLocation.region?.startLine,
  ]);
  assertEquals(places, json.map(({ code, line }) => [code, "a%20bad", line]));
  const fine = await bima(["check", "--format=json", "."], { cwd: folder.path });
  assertEquals(fine, { code: 0, stdout: "[]\n", stderr: "" });
});

Deno.test("bima check exits 2 when its command line is wrong", async () => {
  using folder = new Folder();
  const words = [["--format", "xml"], [".", "."], ["--tag", "x"], ["--label", "x"], ["-f", "-", "-"], [
    "--platform",
    "/",
  ]];
  for (const args of words) {
    const { code, stdout, stderr } = await bima(["check", ...args], { cwd: folder.path });
    assertEquals([code, stdout], [2, ""], args.join(" "));
    assertStringIncludes(stderr, "bima: Cannot ");
  }
});

Deno.test("bima check says what it does", async () => {
  const { code, stdout } = await bima(["check", "--help"]);
  assertEquals(code, 0);
  for (
    const option of ["--file", "--platform", "--target", "--build-arg", "--label", "--format", "--strict"]
  ) {
    assertStringIncludes(stdout, `  ${option}`);
  }
  assertEquals((await bima(["help", "check"])).stdout, stdout);
  assertStringIncludes((await bima(["help"])).stdout, "  check  ");
});
