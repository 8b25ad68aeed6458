/**
 * Every code of the checks on files and labels, shown by a file that has it:
 * `tests/fixtures/image_diagnostics/CODE.Containerfile` and what is said of it, `CODE.txt`. With `UPDATE_GOLDEN=1` in the
 * environment the expected texts are written anew.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { check } from "../lib/check.ts";
import { codes } from "../lib/codes.ts";
import { formatDiagnostics } from "../lib/report.ts";
import { bima, containerfile, context, Folder, helloKernel, run } from "./support/bima.ts";

const folder = new URL("./fixtures/image_diagnostics/", import.meta.url);

/** These need more than a Containerfile to be seen; they have tests of their own below. */
const elsewhere = ["BIMA109", "BIMA170"];

const imageCodes = Object.keys(codes).filter((code) => code > "BIMA100" && !elsewhere.includes(code));

/** A context in which everything is that the files want. */
async function everything(): Promise<Folder> {
  const files = {
    "kernel": helloKernel(),
    "script": "#!/bin/sh\n",
    "tree/file": "x",
    "special/": "",
    "whiteout/.wh.file": "",
    "ignored.txt": "x",
    ".dockerignore": "# not for the image\n*.txt\n",
  };
  const context = new Folder(files);
  Deno.symlinkSync("/etc/hostname", context.at("out"));
  Deno.symlinkSync("circle", context.at("circle"));
  await run("mkfifo", context.at("pipe"));
  await run("mknod", context.at("special/null"), "c", "1", "3");
  return context;
}

Deno.test("every code of files and labels has a file that shows it, and says the same of it as ever", async () => {
  using context = await everything();
  for (const code of imageCodes) {
    const path = new URL(`${code}.Containerfile`, folder).pathname;
    const { source, diagnostics } = await check({ context: context.path, file: path });
    assert(diagnostics.some((diagnostic) => diagnostic.code === code), `${code} is not among the findings`);
    const text = formatDiagnostics(diagnostics, { file: `${code}.Containerfile`, source });
    const golden = new URL(`${code}.txt`, folder);
    if (Deno.env.get("UPDATE_GOLDEN") === "1") await Deno.writeTextFile(golden, text);
    assertEquals(text, await Deno.readTextFile(golden), code);
  }
});

Deno.test("no file is left of a code of files and labels that is gone", () => {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  assertEquals(names, imageCodes.flatMap((code) => [`${code}.Containerfile`, `${code}.txt`]).sort());
});

Deno.test("BIMA109 names a directory that cannot be read", async () => {
  using folder = context({ "Containerfile": `${containerfile}COPY secret /secret\n`, "secret/file": "s" });
  Deno.chmodSync(folder.at("secret"), 0o700);
  Deno.chownSync(folder.at("secret"), 65534, 65534);
  const { code, stdout } = await bima(["check", "."], { cwd: folder.path, unprivileged: true });
  assertEquals(code, 1);
  assertStringIncludes(stdout, "Containerfile:5:6: error[BIMA109]");
  assertStringIncludes(stdout, "permission denied");
});

Deno.test("BIMA170 names the file that is used in place of another", async () => {
  using folder = context();
  const { code, stdout } = await bima(["check", "-f", "nowhere", "."], { cwd: folder.path });
  assertEquals([code, stdout.split("\n")[0]], [
    0,
    'Containerfile: warning[BIMA170]: "nowhere" is not there, "Containerfile" is used in its place',
  ]);
});
