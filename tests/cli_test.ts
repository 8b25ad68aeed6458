import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { buildOptions } from "../lib/command_line.ts";
import { bima, bimaCommand, containerfile, context, Folder, root, run } from "./support/bima.ts";

/** What bima writes when a person watches: stdin, stdout and stderr are a terminal. */
async function onTerminal(folder: Folder, ...args: string[]): Promise<string> {
  const line = [...bimaCommand(), ...args].map((word) => `'${word}'`).join(" ");
  return await run(
    "sh",
    "-c",
    `cd "$0" && stty cols 60 2>/dev/null; script -qec "$1" /dev/null`,
    folder.path,
    line,
  );
}

Deno.test("bima without arguments, help, -h and --help show the commands", async () => {
  const outcomes = await Promise.all([[], ["help"], ["-h"], ["--help"]].map((args) => bima(args)));
  for (const { code, stdout, stderr } of outcomes) {
    assertEquals([code, stderr], [0, ""]);
    assertEquals(stdout, outcomes[0]?.stdout);
    for (const command of ["build", "check", "version", "help"]) {
      assertMatch(stdout, new RegExp(`^  ${command} `, "m"));
    }
  }
});

Deno.test("bima build --help, -h and bima help build show every option, its variable and its default", async () => {
  const [long, short, help] = await Promise.all(
    [["build", "--help"], ["build", "-h"], ["help", "build"]].map((args) => bima(args)),
  );
  assertEquals([long?.code, short?.stdout, help?.stdout], [0, long?.stdout, long?.stdout]);
  const text = long?.stdout ?? "";
  for (const { name } of buildOptions) assertStringIncludes(text, `--${name}`);
  for (
    const part of [
      "[$CONTAINERD_NAMESPACE]",
      "[$CONTAINERD_ADDRESS]",
      "[$CONTAINERD_SNAPSHOTTER]",
      '(default: "default")',
      '(default: "/run/containerd/containerd.sock")',
      '(default: "ctr")',
      '"./Containerfile"',
      "BIMA_LOG",
      "SOURCE_DATE_EPOCH",
    ]
  ) assertStringIncludes(text, part);
});

Deno.test("bima version names the version, the runtime and the machine", async () => {
  const { version } = JSON.parse(Deno.readTextFileSync(`${root}/deno.json`));
  for (const args of [["version"], ["--version"], ["-v"]]) {
    const { code, stdout } = await bima(args);
    assertEquals(code, 0);
    assert(stdout.startsWith(`bima version ${version}`), stdout);
    assertMatch(stdout, /deno \d+\.\d+\.\d+, \w+-unknown-linux-gnu/);
  }
});

Deno.test("bima build on a terminal shows its steps and ends with the digest", async () => {
  using folder = context();
  const text = await onTerminal(folder, "build", "--tar", "-t", "a", ".");
  assertStringIncludes(text, "[1/2] COPY kernel /kernel");
  assertMatch(text, /docker\.io\/library\/a:latest for linux\/amd64, .* is in a\r\n/);
  assertMatch(text, /sha256:[0-9a-f]{64}\r\n$/);
});

Deno.test("bima build on a terminal has a line that moves and is gone at the end", async () => {
  using folder = context({ "Containerfile": `${containerfile}COPY big /big\n`, "big": "" });
  await Deno.truncate(folder.at("big"), 200 * 1024 * 1024);
  const text = await onTerminal(folder, "build", "--tar", "-t", "a", ".");
  const moving = text.split("\r\x1b[2K").filter((line) => line.includes("%"));
  assert(moving.length > 0, JSON.stringify(text));
  for (const line of moving) assert(line.length < 60, line);
  // What is written over is taken away first: no line of the end result has a share in it.
  const seen = text.split("\n").map((line) => line.split("\x1b[2K").at(-1) ?? "");
  assert(!seen.some((line) => line.includes("%")), JSON.stringify(seen));
});

Deno.test("bima build --quiet on a terminal shows the digest alone", async () => {
  using folder = context({ "Containerfile": containerfile.replace("=unikraft", "=rumprun") });
  assertMatch(await onTerminal(folder, "build", "-q", "--tar", "-t", "a", "."), /^sha256:[0-9a-f]{64}\r\n$/);
});

Deno.test("bima build does not write a tar to a terminal", async () => {
  using folder = context();
  const line = bimaCommand().join(" ");
  const { code, stdout } = await new Deno.Command("script", {
    args: ["-qec", `${line} build -t a -o type=tar,dest=- .`, "/dev/null"],
    cwd: folder.path,
    stdin: "null",
  }).output();
  assertEquals(code, 2);
  assertStringIncludes(new TextDecoder().decode(stdout), "Cannot write a tar to a terminal");
});

Deno.test("bima works from any folder, with a relative context", async () => {
  using folder = context();
  using out = new Folder({ "deep/er/": "" });
  Deno.symlinkSync(folder.path, out.at("link"));
  const plain = await bima(["build", "--tar", "-t", "a", "."], { cwd: folder.path });
  for (const [cwd, path] of [["deep/er", "../../link"], ["deep", "../link/"], ["", "./link/."]] as const) {
    const { code, stdout, stderr } = await bima(["build", "--tar", "-t", "a", path], { cwd: out.at(cwd) });
    assertEquals([code, stdout, stderr], [0, plain.stdout, ""]);
  }
});

Deno.test("bima version and bima help refuse words that mean nothing", async () => {
  for (const args of [["version", "foo"], ["version", "--nope"], ["help", "foo"], ["help", "constructor"]]) {
    const { code, stdout, stderr } = await bima(args);
    assertEquals([code, stdout], [2, ""], args.join(" "));
    assertStringIncludes(stderr, `"${args[1]}"`);
  }
});
