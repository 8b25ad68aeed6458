import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  bima,
  bimaProcess,
  containerfile,
  context,
  Folder,
  helloKernel,
  labels,
  type Outcome,
  run,
} from "./support/bima.ts";

/** Nobody sees a stack, and every message has the form that users know. */
function assertClear({ stderr }: Outcome): void {
  assert(!/^\s+at .*:\d+:\d+\)?$/m.test(stderr), stderr);
  assert(!stderr.includes("bug in bima"), stderr);
  assertMatch(stderr, /^(bima: |\S+:\d+:\d+: |\S+: (error|warning)\[)/);
}

/** bima fails with this exit code and this text, and what is in the folder stays as it was. */
async function assertFails(
  folder: Folder,
  args: readonly string[],
  code: number,
  texts: readonly (string | RegExp)[],
): Promise<string> {
  const before = folder.names();
  const outcome = await bima(args, { cwd: folder.path });
  assertEquals([outcome.code, outcome.stdout], [code, ""], outcome.stderr);
  assertClear(outcome);
  for (const text of texts) {
    if (typeof text === "string") assertStringIncludes(outcome.stderr, text);
    else assertMatch(outcome.stderr, text);
  }
  assertEquals(folder.names(), before);
  return outcome.stderr;
}

const tar = ["build", "--tar", "-t", "a:1"] as const;

/** Wrong words on the command line: exit 2. */
const usage: readonly (readonly [name: string, args: readonly string[], text: string])[] = [
  ["no tag", ["build", "--tar", "."], "the name of the image is missing"],
  ["an empty tag", ["build", "--tar", "-t", "", "."], "its value is missing"],
  ["a bad tag", ["build", "--tar", "-t", "Upper", "."], 'Cannot use image name "Upper"'],
  [
    "a tag that would leave the directory",
    ["build", "--tar", "-t", "../../x", "."],
    'Cannot use image name "../../x"',
  ],
  ["no context", tar, "the build context is missing"],
  ["a second context", [...tar, ".", "other"], 'Cannot build "other" as well'],
  ["a typo in an option", [...tar, "--snapshoter", "x", "."], "did you mean --snapshotter?"],
  ["a typo in a command", ["biuld"], "did you mean bima build?"],
  ["an unknown output", ["build", "-t", "a", "-o", "zip", "."], 'unknown type "zip"'],
  ["--tar against --output", ["build", "-t", "a", "--tar", "-o", "ctr", "."], "together"],
  ["a bad platform", [...tar, "--platform", "linux/", "."], 'Cannot use platform "linux/"'],
  ["a bad compression level", [...tar, "--compression-level", "11", "."], "from 1 to 9"],
  ["a label without =", [...tar, "--label", "x", "."], "expected KEY=VALUE"],
  ["an option twice", [...tar, "-f", "a", "-f", "b", "."], "2 times"],
];
for (const [name, args, text] of usage) {
  Deno.test(`bima exits with 2 for ${name}`, async () => {
    using folder = context();
    await assertFails(folder, args, 2, [text]);
  });
}

Deno.test("bima exits with 2 for bad environment variables", async () => {
  using folder = context();
  const epoch = await bima([...tar, "."], { cwd: folder.path, env: { SOURCE_DATE_EPOCH: "yesterday" } });
  assertEquals(epoch.code, 2);
  assertStringIncludes(epoch.stderr, 'SOURCE_DATE_EPOCH "yesterday"');
  const log = await bima([...tar, "."], { cwd: folder.path, env: { BIMA_LOG: "loud" } });
  assertEquals(log.code, 2);
  assertStringIncludes(log.stderr, "trace, debug, info, warn, error");
});

Deno.test("build fails for a context that is not there, or a file", async () => {
  using folder = context();
  await assertFails(folder, [...tar, "nowhere"], 1, ['Cannot use build context "nowhere"']);
  await assertFails(folder, [...tar, "kernel"], 1, ['Cannot use build context "kernel": it is a file']);
});

Deno.test("build fails without a Containerfile", async () => {
  using folder = new Folder({ kernel: "x" });
  await assertFails(folder, [...tar, "."], 1, ["Containerfile or Dockerfile", "-f"]);
  await assertFails(folder, [...tar, "-f", "other", "."], 1, ['Cannot read "other"']);
  folder.write("Containerfile", new Uint8Array([0xff, 0xfe, 0x00]));
  await assertFails(folder, [...tar, "."], 1, ["not UTF-8"]);
});

/** Containerfiles that cannot be built: exit 1, with the place. */
const broken: readonly (readonly [name: string, text: string, ...texts: (string | RegExp)[]])[] = [
  ["an empty Containerfile", "", "BIMA002"],
  ["only comments", "# nothing\n\n", "BIMA002"],
  ["COPY without arguments", `FROM scratch\nCOPY\n${labels}`, "Containerfile:2:", "COPY"],
  [
    "COPY of a missing file",
    `FROM scratch\nCOPY kernl /kernel\n${labels}`,
    "Containerfile:2:6",
    '"kernl"',
    'there is "kernel"',
  ],
  [
    "COPY out of the context by ..",
    `FROM scratch\nCOPY ../../etc/passwd /kernel\n${labels}`,
    "Containerfile:2:6",
    "cannot leave the build context",
  ],
  ["COPY through a link", `FROM scratch\nCOPY out/passwd /kernel\n${labels}`, "Containerfile:2:6", '"/etc"'],
  ["COPY of a link", `FROM scratch\nCOPY link /kernel\n${labels}`, "Containerfile:2:6", "symbolic link"],
  ["COPY of a fifo", `FROM scratch\nCOPY fifo /kernel\n${labels}`, "Containerfile:2:6", "it is a fifo"],
  [
    "COPY of a device in a directory",
    `FROM scratch\nCOPY special /s\nCOPY kernel /kernel\n${labels}`,
    "Containerfile:2:6",
    '"special/null": it is a character device',
  ],
  ["COPY of a socket", `FROM scratch\nCOPY socket /kernel\n${labels}`, "Containerfile:2:6", "it is a socket"],
  [
    "an unknown instruction",
    `FROM scratch\nCPOY kernel /kernel\n${labels}`,
    "Containerfile:2:1",
    "did you mean COPY?",
  ],
  ["RUN", `FROM scratch\nRUN make\nCOPY kernel /kernel\n${labels}`, "Containerfile:2:1", "RUN"],
  ["another base", `FROM debian:12\nCOPY kernel /kernel\n${labels}`, "Containerfile:1:6", "scratch"],
  ["LABEL without =", `FROM scratch\nCOPY kernel /kernel\n${labels}LABEL a=b c\n`, "Containerfile:5:11"],
  ["an empty binary", `FROM scratch\nCOPY empty /kernel\n${labels}`, "Containerfile:4:", "it is empty"],
  ["a truncated binary", `FROM scratch\nCOPY cut /kernel\n${labels}`, "Containerfile:4:", "truncated"],
  [
    "a foreign binary",
    `FROM scratch\nCOPY script /kernel\n${labels}`,
    "Containerfile:4:",
    "a script, it starts with 23 21",
  ],
  [
    "a binary that is not in the image",
    `FROM scratch\nCOPY kernel /other\n${labels}`,
    "Containerfile:4:",
    '"/kernel"',
  ],
  ["a binary that is a link", `FROM scratch\nCOPY links /\n${labels}`, "Containerfile:4:", "a symbolic link"],
  [
    "a directory over a file",
    `FROM scratch\nCOPY kernel /kernel\nCOPY special2 /kernel\n${labels}`,
    "Containerfile:3:6",
    "directory",
  ],
];
for (const [name, text, ...texts] of broken) {
  Deno.test(`build fails for ${name}`, async () => {
    using folder = context({
      "Containerfile": text,
      "empty": "",
      "cut": helloKernel().slice(0, 100),
      "script": "#!/bin/sh\necho no kernel\n",
      "special/": "",
      "special2/file": "",
      "links/real": helloKernel(),
    });
    Deno.symlinkSync("real", folder.at("links/kernel"));
    Deno.symlinkSync("/etc", folder.at("out"));
    Deno.symlinkSync("/etc/passwd", folder.at("link"));
    await run("mkfifo", folder.at("fifo"));
    await run("mknod", folder.at("special/null"), "c", "1", "3");
    using _socket = Deno.listen({ transport: "unix", path: folder.at("socket") });
    await assertFails(folder, [...tar, "."], 1, texts);
  });
}

Deno.test("build tells all that is wrong with the labels at once", async () => {
  using folder = context({
    "Containerfile": "FROM scratch\nCOPY kernel /kernel\nLABEL com.urunc.unikernel.binary=//kernel\n",
  });
  await assertFails(folder, [...tar, "."], 1, [
    "com.urunc.unikernel.unikernelType is missing",
    "com.urunc.unikernel.hypervisor is missing",
    "com.urunc.unikernel.cmdline is missing",
    'Containerfile:3:34: error[BIMA111]: com.urunc.unikernel.binary is "//kernel"',
  ]);
});

Deno.test("build warns of odd labels, and stops for them with --strict", async () => {
  using folder = context({ "Containerfile": containerfile.replace("=unikraft", "=rumprun") });
  const outcome = await bima([...tar, "."], { cwd: folder.path });
  assertEquals(outcome.code, 0);
  assertStringIncludes(outcome.stderr, "Containerfile:3:");
  assertStringIncludes(outcome.stderr, "urunc does not boot rumprun with qemu");
  await Deno.remove(folder.at("a:1"));
  await assertFails(folder, [...tar, "--strict", "."], 1, ["BIMA162"]);
});

Deno.test("build fails for a file that it may not read", async () => {
  using folder = context({ "Containerfile": `${containerfile}COPY secret /secret\n`, "secret": "s" });
  Deno.chmodSync(folder.at("secret"), 0o600);
  Deno.chownSync(folder.at("secret"), 65534, 65534);
  const outcome = await bima([...tar, "."], { cwd: folder.path, unprivileged: true });
  assertEquals([outcome.code, outcome.stdout], [1, ""]);
  assertStringIncludes(outcome.stderr, 'Cannot read "secret": permission denied');
  assert(!folder.names().some((name) => name.startsWith("a:1") || name.includes("partial")));
});

Deno.test("an older tar of that name is untouched when the build fails", async () => {
  using folder = context({ "a:1": "the older one", "Containerfile": `${containerfile}COPY missing /x\n` });
  await assertFails(folder, [...tar, "."], 1, ['"missing"']);
  assertEquals(Deno.readTextFileSync(folder.at("a:1")), "the older one");
});

Deno.test("build fails for a destination that is a directory, or in one that is not there", async () => {
  using folder = context({ "a:1/": "" });
  await assertFails(folder, [...tar, "."], 1, ['Cannot write "a:1": it is a directory']);
  await assertFails(folder, ["build", "-t", "a", "-o", "type=tar,dest=no/where.tar", "."], 1, [
    "no/where.tar",
    "does not exist",
  ]);
});

Deno.test("build fails for a destination that may not be written to", async () => {
  using folder = context();
  Deno.chmodSync(folder.path, 0o755);
  Deno.chownSync(folder.path, 65534, 65534);
  const outcome = await bima([...tar, "."], { cwd: folder.path, unprivileged: true });
  assertEquals([outcome.code, outcome.stdout], [1, ""]);
  assertStringIncludes(outcome.stderr, 'Cannot write "a:1": permission denied');
  assertEquals(folder.names(), ["Containerfile", "kernel"]);
});

Deno.test("build fails when the disk is full, and leaves nothing", async () => {
  using folder = context({ "Containerfile": `${containerfile}COPY noise /noise\n` });
  folder.write("noise", crypto.getRandomValues(new Uint8Array(65536)));
  const noise = Deno.readFileSync(folder.at("noise"));
  for (let i = 0; i < 64; i++) {
    Deno.writeFileSync(folder.at("noise"), noise.map((byte) => byte ^ i * 3), { append: true });
  }
  using disk = new Folder();
  await run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk.path);
  try {
    Deno.writeTextFileSync(disk.at("image.tar"), "the older one");
    const { code, stderr } = await bima([
      "build",
      "-t",
      "a",
      "-o",
      `type=tar,dest=${disk.at("image.tar")}`,
      ".",
    ], { cwd: folder.path });
    assertEquals(code, 1);
    assertStringIncludes(stderr, "no space left on the device");
    assertEquals(disk.names(), ["image.tar"]);
    assertEquals(Deno.readTextFileSync(disk.at("image.tar")), "the older one");
  } finally {
    await run("umount", disk.path);
  }
});

Deno.test("build fails when a file shrinks while it is read", async () => {
  using folder = context({ "Containerfile": `FROM scratch\nCOPY kernel /kernel\nCOPY big /big\n${labels}` });
  const size = 400 * 1024 * 1024;
  await Deno.truncate(await create(folder.at("big")), size);
  const child = bimaProcess([...tar, "."], { cwd: folder.path }).spawn();
  // The first bytes of the tar are there: big is being read now, and has a long way to go.
  await until(() => folder.names().some((name) => name.endsWith(".partial")));
  await Deno.truncate(folder.at("big"), 1024);
  const { code, stderr } = await child.output();
  assertEquals(code, 1);
  assertMatch(new TextDecoder().decode(stderr), /Cannot read "big": it changed during the build/);
  assertEquals(folder.names(), ["Containerfile", "big", "kernel"]);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`build leaves nothing when ${signal} comes in the middle`, async () => {
    using folder = context({
      "Containerfile": `FROM scratch\nCOPY kernel /kernel\nCOPY big /big\n${labels}`,
      "a:1": "the older one",
    });
    await Deno.truncate(await create(folder.at("big")), 1024 * 1024 * 1024);
    const child = bimaProcess([...tar, "."], { cwd: folder.path }).spawn();
    await until(() => folder.names().some((name) => name.endsWith(".partial")));
    child.kill(signal);
    const { code, stdout, stderr } = await child.output();
    assertEquals([code, new TextDecoder().decode(stdout)], [1, ""]);
    assertStringIncludes(new TextDecoder().decode(stderr), "Interrupted");
    assertEquals(folder.names(), ["Containerfile", "a:1", "big", "kernel"]);
    assertEquals(Deno.readTextFileSync(folder.at("a:1")), "the older one");
  });
}

Deno.test("two builds of the same tar at once both succeed", async () => {
  using folder = context();
  const outcomes = await Promise.all([1, 2, 3, 4].map(() => bima([...tar, "."], { cwd: folder.path })));
  assertEquals(outcomes.map(({ code }) => code), [0, 0, 0, 0]);
  assertEquals(new Set(outcomes.map(({ stdout }) => stdout)).size, 1);
  assertEquals(folder.names(), ["Containerfile", "a:1", "kernel"]);
});

Deno.test("bima says nothing of a pipe that closes early, and does not hang", async () => {
  using folder = context();
  const { code, stderr } = await new Deno.Command("sh", {
    args: [
      "-c",
      `cd "$1" && "$0" build -t a -o type=tar,dest=- . 2>err | head -c 10 >/dev/null; cat err >&2; rm err`,
      bimaProgram(),
      folder.path,
    ],
  }).output();
  assertEquals(code, 0);
  assert(!new TextDecoder().decode(stderr).includes("bug in bima"), new TextDecoder().decode(stderr));
});

function bimaProgram(): string {
  return Deno.env.get("BIMA") ?? new URL("../scripts/bima", import.meta.url).pathname;
}

async function create(path: string): Promise<string> {
  await Deno.writeFile(path, new Uint8Array());
  return path;
}

/** Waits until something is so. */
async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn++) {
    if (turn === 3000) throw new Error("waited in vain");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

Deno.test("build is interrupted while nobody reads the fifo that it writes to", async () => {
  using folder = context();
  await run("mkfifo", folder.at("fifo"));
  const child = bimaProcess(["build", "-t", "a", "-o", "type=tar,dest=fifo", "."], { cwd: folder.path })
    .spawn();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  child.kill("SIGINT");
  const { code, stderr } = await child.output();
  assertEquals(code, 1);
  assertStringIncludes(new TextDecoder().decode(stderr), "Interrupted");
});

Deno.test("what another build writes into the context is no part of it", async () => {
  using folder = context({ "Containerfile": `FROM scratch\nCOPY . /\n${labels}` });
  const first = await bima([...tar, "."], { cwd: folder.path });
  folder.write(".b:1.0123abcd.partial", "half a tar");
  const second = await bima([...tar, "."], { cwd: folder.path });
  assertEquals([second.code, second.stdout], [0, first.stdout]);
});

Deno.test("bima says when stdout cannot be written to, and nothing when nobody reads it", async () => {
  using folder = context();
  const shell = (redirect: string) =>
    new Deno.Command("sh", {
      args: ["-c", `cd "$1" && "$0" build --tar -t a . ${redirect}`, bimaProgram(), folder.path],
    })
      .output();
  const full = await shell(">/dev/full");
  assertEquals(full.code, 1);
  assertMatch(new TextDecoder().decode(full.stderr), /^bima: Cannot write to stdout: /);
  const closed = await shell("| true");
  assertEquals([closed.code, new TextDecoder().decode(closed.stderr)], [0, ""]);
});

Deno.test("--platform does not make a damaged binary good", async () => {
  using folder = context({ kernel: helloKernel().slice(0, 100) });
  await assertFails(folder, [...tar, "--platform", "linux/amd64", "."], 1, ["BIMA117", "truncated"]);
});
