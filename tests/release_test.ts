/** The executables, on a PATH without Deno, node and npm; that for aarch64 in an emulator of its processor. */
import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { join } from "@std/path/posix";
import { bima, context, Folder, helloKernel, type Outcome, root, run } from "./support/bima.ts";
import { Daemon } from "./support/containerd.ts";
import { serveFiles } from "./support/http.ts";
import { noise } from "./support/image.ts";
import { make } from "./support/release.ts";

const dist = join(root, "dist");
const emulator = ["/usr/bin/qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu"];

/** The executables, and what runs them on this machine. */
const executables = {
  amd64: { target: "x86_64-unknown-linux-gnu", machine: 62, command: [join(dist, "bima_amd64")] },
  aarch64: {
    target: "aarch64-unknown-linux-gnu",
    machine: 183,
    command: [...emulator, join(dist, "bima_aarch64")],
  },
} as const;

type Architecture = keyof typeof executables;
const architectures = Object.keys(executables) as Architecture[];

/** Runs an executable with nothing in its environment but what is given. */
async function execute(
  architecture: Architecture,
  args: readonly string[],
  { cwd = "/", env = {} }: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Outcome> {
  const [program = "", ...first] = executables[architecture].command;
  const command = new Deno.Command(program, {
    args: [...first, ...args],
    clearEnv: true,
    env: { PATH: "/nowhere", ...env },
    cwd,
    stdin: "null",
  });
  const { code, stdout, stderr } = await command.output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** @returns how the executable for this machine reaches containerd */
async function transport(): Promise<"gRPC" | "ctr"> {
  const { stdout } = await execute("amd64", ["version"]);
  return stdout.includes("containerd over gRPC") ? "gRPC" : "ctr";
}

Deno.test("make all builds both executables", async () => {
  await make("all");
  for (const architecture of architectures) {
    const { mode } = Deno.statSync(join(dist, `bima_${architecture}`));
    assertEquals((mode ?? 0) & 0o111, 0o111);
  }
  assert(Deno.statSync(join(dist, "bima.js.map")).isFile);
});

for (const architecture of architectures) {
  const path = join(dist, `bima_${architecture}`);
  const { target, machine } = executables[architecture];

  Deno.test(`bima_${architecture} is one ELF file: a runtime and the bundle, nothing else`, () => {
    using file = Deno.openSync(path);
    const bytes = new Uint8Array(64);
    file.readSync(bytes);
    const header = new DataView(bytes.buffer);
    assertEquals([header.getUint32(0), header.getUint8(4), header.getUint16(18, true)], [
      0x7f454c46,
      2,
      machine,
    ]);
    const { size } = file.statSync();
    assertLess(size, 99_000_000);
    // Where the section headers end, the runtime ends.
    const runtime = Number(header.getBigUint64(40, true)) +
      header.getUint16(58, true) * header.getUint16(60, true);
    const bundle = Deno.statSync(join(dist, "bima.js")).size;
    assertGreater(size - runtime, bundle - 1);
    assertLess(size - runtime - bundle, 16_384);
  });

  Deno.test(`bima_${architecture} version names the runtime, the target and the way to containerd`, async () => {
    const { code, stdout, stderr } = await execute(architecture, ["version"]);
    assertEquals([code, stderr], [0, ""]);
    const { version } = JSON.parse(Deno.readTextFileSync(join(root, "deno.json")));
    const [, found, runtime = "", where, way] =
      /^bima version (\S+) \(deno (\S+), (\S+), containerd (over gRPC|through ctr)\)\n$/.exec(stdout) ?? [];
    assert(found === version || found?.startsWith(`${version}+`), stdout);
    assertEquals(where, target);
    assertEquals(way, runtime === "2.7.11" ? "through ctr" : "over gRPC");
  });

  Deno.test(`bima_${architecture} help is that of the sources`, async () => {
    const source = await bima(["help", "build"]);
    assertStringIncludes(source.stdout, "--no-unpack");
    assertEquals(await execute(architecture, ["help", "build"]), source);
    assertMatch(
      (await execute(architecture, ["help"])).stdout,
      /^bima \S+: turns a unikernel into an OCI image\n/,
    );
  });
}

Deno.test("bima_amd64 needs the GNU C library and nothing else", async () => {
  const libraries = (await run("ldd", join(dist, "bima_amd64"))).match(/\S+\.so\.\d+(?= )/g) ?? [];
  const allowed = /^(linux-vdso|lib(dl|gcc_s|rt|pthread|m|c)|\/lib64\/ld-linux-x86-64)\.so\.\d+$|^\/lib\//;
  assertGreater(libraries.length, 3);
  assertEquals(libraries.filter((name) => !allowed.test(name)), []);
});

Deno.test("a tar has the same digest from the sources and from both executables", async () => {
  // Large enough that workers compress.
  const kernel = new Uint8Array(5_000_000);
  kernel.set(helloKernel());
  kernel.set(noise(2_000_000), 3_000_000);
  using folder = context({ kernel });
  const source = await bima(["build", "--tar", "-t", "source", "."], { cwd: folder.path });
  assertMatch(source.stdout, /^sha256:[0-9a-f]{64}\n$/, source.stderr);
  const tmp = new Folder();
  for (const architecture of architectures) {
    const env = { TMPDIR: tmp.path };
    const args = ["build", "--tar", "-t", architecture, "."];
    const built = await execute(architecture, args, { cwd: folder.path, env });
    assertEquals(built, { code: 0, stdout: source.stdout, stderr: "" });
    const tar = folder.at(`${architecture}:latest`).replace(":latest", "");
    assertStringIncludes(await run("tar", "-xOf", tar, "index.json"), source.stdout.trim());
  }
  assertEquals(tmp.names(), [], "no code cache: others could put one there");
  tmp[Symbol.dispose]();
});

Deno.test("no path of the machine that made it is in bima.js", () => {
  const text = Deno.readTextFileSync(join(dist, "bima.js"));
  for (const path of [root, Deno.env.get("HOME") ?? "/root", "node_modules", "sourceMappingURL"]) {
    assert(!text.includes(`${path}/`) && !text.includes(`${path}=`), path);
  }
});

Deno.test("the containerd tests pass with bima_amd64", async () => {
  // Layers of an earlier build, and what can be seen of an import half-way, are particular to gRPC.
  const shared = "/^(bima build (imports|--no-unpack|takes|says)|two bima builds|scripts)/";
  const filter = await transport() === "gRPC" ? [] : ["--filter", shared];
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "test",
      "--quiet",
      "--no-prompt",
      "--allow-all",
      ...filter,
      join(root, "tests/containerd_cli_test.ts"),
    ],
    env: { BIMA: join(dist, "bima_amd64"), NO_COLOR: "1" },
    cwd: root,
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert(success, text + new TextDecoder().decode(stderr));
  assertGreater(Number(/ok \| (\d+) passed/.exec(text)?.[1]), 8);
});

Deno.test("bima_amd64 leaves nothing after Ctrl-C, wherever the import is", async () => {
  await using daemon = await Daemon.start();
  const kernel = new Uint8Array(60_000_000);
  kernel.set(noise(40_000_000));
  kernel.set(helloKernel());
  using folder = context({ kernel });
  const args = ["build", "-a", daemon.address, "-t", "bima/stopped", folder.path];
  for (const active of ["content", "snapshots"] as const) {
    const env = { PATH: daemon.programs };
    const process = new Deno.Command(join(dist, "bima_amd64"), { args, clearEnv: true, env, stderr: "piped" })
      .spawn();
    const pattern = active === "content" ? "layer-|tar-blobs" : "extract-";
    await daemon.until(pattern, active, active === "content" ? "active" : "ls");
    process.kill("SIGINT");
    const { code, stderr } = await process.output();
    assertEquals(code, 1);
    assertStringIncludes(new TextDecoder().decode(stderr), "Interrupted");
    assertEquals(await daemon.images(), new Map());
    assertEquals([...await daemon.leftovers(), ...await daemon.orphans()], []);
  }
});

Deno.test("bima_amd64 says what to do when it needs ctr and there is none, and looks for it only then", async () => {
  const args = ["build", "-a", "/nowhere.sock", "-t", "a", "examples/hello"];
  const { code, stderr } = await execute("amd64", args, { cwd: root });
  assertEquals(code, 1);
  if (await transport() === "gRPC") assertStringIncludes(stderr, "there is no such socket");
  else {assertMatch(
      stderr,
      /client "ctr": there is none on PATH\n +hint: .*--tar.*built with Deno 2\.7\.13 or newer/,
    );}
});

Deno.test("make install and make uninstall", async () => {
  using folder = new Folder();
  await make("install", `DESTDIR=${folder.path}`, "PREFIX=/opt");
  const path = folder.at("opt/bin/bima");
  assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o755);
  assertEquals(await run(path, "version"), await run(join(dist, "bima_amd64"), "version"));
  await make("uninstall", `DESTDIR=${folder.path}`, "PREFIX=/opt");
  assertEquals(Array.from(Deno.readDirSync(folder.at("opt/bin"))), []);
});

Deno.test("make release makes what install.sh downloads", async () => {
  await make("release");
  const names = ["bima.js", "bima_aarch64", "bima_amd64"];
  const checked = await new Deno.Command("sha256sum", { args: ["-c", "SHA256SUMS"], cwd: dist }).output();
  assertEquals(new TextDecoder().decode(checked.stdout), names.map((name) => `${name}: OK\n`).join(""));
  await using server = serveFiles(dist);
  using folder = new Folder();
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: [join(dist, "install.sh")],
    env: { BIMA_BASE_URL: server.url, PREFIX: folder.path },
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  assertStringIncludes(new TextDecoder().decode(stdout), `installed ${folder.at("bin/bima")}: bima version `);
  assertEquals(await run(folder.at("bin/bima"), "version"), await run(join(dist, "bima_amd64"), "version"));
});
