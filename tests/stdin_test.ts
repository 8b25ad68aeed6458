import { assertEquals, assertStringIncludes } from "@std/assert";
import { bima, bimaCommand, containerfile, context, Folder, labels, type Outcome } from "./support/bima.ts";
import { listTree, unpackTar } from "./support/unpack.ts";

/** Runs a shell script in which "$@" is bima; fails when anything in the pipe fails. */
async function shell(script: string, cwd: string, args: readonly string[] = []): Promise<Outcome> {
  const command = new Deno.Command("bash", {
    args: ["-o", "pipefail", "-c", script, "-", ...bimaCommand(), ...args],
    cwd,
    stdin: "null",
  });
  const { code, stdout, stderr } = await command.output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

const build = ["build", "-t", "test", "--output"];

Deno.test("bima build - builds from a tar what it builds from the directory", async () => {
  const text = `FROM scratch\nCOPY . /\n${labels}`;
  using folder = context({
    "Containerfile": text,
    "sub/file": "text",
    "ignored": "",
    ".dockerignore": "ignored\nContainerfile",
  });
  await Deno.symlink("file", folder.at("sub/link"));
  await Deno.chmod(folder.at("sub/file"), 0o4711);
  using out = new Folder();
  const wanted = await bima([...build, `type=tar,dest=${out.at("directory.tar")}`, folder.path], {
    cwd: "/",
  });
  assertEquals([wanted.code, wanted.stderr], [0, ""]);
  for (const compressor of ["cat", "gzip", "zstd --quiet"]) {
    const script = `tar -C ${folder.path} -c . | ${compressor} | "$@" -`;
    const args = [...build, `type=tar,dest=${out.at("stdin.tar")}`];
    assertEquals(await shell(script, out.path, args), wanted, compressor);
  }
  assertEquals(await Deno.readFile(out.at("stdin.tar")), await Deno.readFile(out.at("directory.tar")));
  const tree = listTree(await unpackTar(out.at("stdin.tar"), out.path));
  assertEquals([...tree.keys()].sort(), [
    ".dockerignore",
    "kernel",
    "sub",
    "sub/file",
    "sub/link",
    "urunc.json",
  ]);
  assertEquals(tree.get("sub/file"), 'f4711 0:0 "text"');
  assertEquals(tree.get("sub/link"), "l777 0:0 -> file");
});

Deno.test("bima build -f - reads the Containerfile", async () => {
  using folder = context({ "Containerfile": "RUN this is another one" });
  using out = new Folder({ "text": containerfile.replace("FROM", "\uFEFFFROM") });
  const args = [...build, "type=tar,dest=a.tar", "-f", "-", folder.path];
  const { code, stderr } = await shell('"$@" < text', out.path, args);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(out.names(), ["a.tar", "text"]);
  const wrong = await shell('echo RUN make | "$@"', out.path, args);
  assertEquals(wrong.code, 1);
  assertStringIncludes(wrong.stderr, "<stdin>:1:1: error[");
});

Deno.test("bima build refuses to read both from stdin", async () => {
  using folder = new Folder();
  const { code, stderr } = await shell('"$@"', folder.path, ["build", "--tar", "-t", "x", "-f", "-", "-"]);
  assertEquals(code, 2);
  assertStringIncludes(
    stderr,
    "Cannot read both the Containerfile and the build context from standard input\n  hint: ",
  );
});

Deno.test("bima build - leaves no trace of a tar that it refuses", async () => {
  using folder = new Folder({ "context/f": "", "tmp/": "", "out/": "" });
  const script = `export TMPDIR=${folder.at("tmp")}; tar -P -c ${folder.at("context/f")} | "$@"`;
  const { code, stdout, stderr } = await shell(script, folder.at("out"), ["build", "--tar", "-t", "x", "-"]);
  assertEquals([code, stdout], [1, ""]);
  assertEquals(stderr.split("\n").slice(0, 2), [
    `bima: Cannot use the tar as build context: "${folder.at("context/f")}" leads out of it`,
    "  hint: make the tar of relative names, for example with tar -C DIRECTORY -c .",
  ]);
  assertEquals(Array.from(Deno.readDirSync(folder.at("tmp"))), []);
  assertEquals(Array.from(Deno.readDirSync(folder.at("out"))), []);
});

Deno.test("bima build - is interrupted while it waits for its input", async () => {
  using folder = new Folder({ "tmp/": "" });
  const [program = "", ...first] = bimaCommand();
  const child = new Deno.Command(program, {
    args: [...first, "build", "--tar", "-t", "x", "-"],
    cwd: folder.path,
    env: { TMPDIR: folder.at("tmp") },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  // The temporary directory shows that it reads by now.
  while (Array.from(Deno.readDirSync(folder.at("tmp"))).length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  child.kill("SIGINT");
  const { code, stderr } = await child.output();
  await child.stdin.close().catch(() => {});
  assertEquals(code, 1);
  assertStringIncludes(new TextDecoder().decode(stderr), "Interrupted");
  assertEquals(Array.from(Deno.readDirSync(folder.at("tmp"))), []);
  assertEquals(folder.names(), ["tmp"]);
});
