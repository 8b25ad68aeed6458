/** How a release is made: its version, its lock file, and a runtime that is not what it should be. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path/posix";
import { Folder, root, run } from "./support/bima.ts";
import { make } from "./support/release.ts";

/** A copy of the sources without their repository. */
async function copyOfSources(): Promise<Folder> {
  const folder = new Folder();
  const names = ["cli.ts", "mod.ts", "deno.json", "deno.lock", "lib", "proto", "types"];
  await run("cp", "-R", ...names.map((name) => join(root, name)), folder.path);
  folder.write("scripts/bundle.ts", Deno.readTextFileSync(join(root, "scripts/bundle.ts")));
  return folder;
}

/** Bundles a copy. @returns what was said on stderr, and the version in the bundle */
async function bundle(folder: Folder) {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--allow-all", folder.at("scripts/bundle.ts")],
    env: { NO_COLOR: "1" },
  }).output();
  const said = new TextDecoder().decode(stderr);
  if (!success) return { said };
  const shown = await run(Deno.execPath(), "run", "-A", "--quiet", folder.at("dist/bima.js"), "version");
  return { said, version: /^bima version (\S+) /.exec(shown)?.[1] };
}

Deno.test("the version in the bundle names the commit, where there is one", async () => {
  using folder = await copyOfSources();
  const { version } = JSON.parse(Deno.readTextFileSync(folder.at("deno.json")));
  const git = (...args: string[]) =>
    run("git", "-C", folder.path, "-c", "user.name=a", "-c", "user.email=a@localhost", ...args);
  assertEquals((await bundle(folder)).version, version);
  const first = Deno.readFileSync(folder.at("dist/bima.js"));
  await bundle(folder);
  assertEquals(Deno.readFileSync(folder.at("dist/bima.js")), first, "the same sources give the same bytes");

  folder.write(".gitignore", "dist\n");
  await git("init", "--quiet");
  await git("add", ".");
  await git("commit", "--quiet", "-m", "first");
  assertMatch((await bundle(folder)).version ?? "", new RegExp(`^${version}\\+[0-9a-f]{7,}$`));
  await git("tag", `v${version}`);
  assertEquals((await bundle(folder)).version, version);
  folder.write("mod.ts", `${Deno.readTextFileSync(folder.at("mod.ts"))}// more\n`);
  assertEquals((await bundle(folder)).version, `${version}+dirty`);
  await git("commit", "--quiet", "-a", "-m", "second");
  assertMatch((await bundle(folder)).version ?? "", new RegExp(`^${version}\\+1-g[0-9a-f]{7,}$`));
});

Deno.test("a bundle is not made of packages that the lock file does not have", async () => {
  using folder = await copyOfSources();
  const text = Deno.readTextFileSync(folder.at("deno.json"));
  folder.write("deno.json", text.replace(/(npm:modern-tar@)[0-9.]+/, "$10.7.0"));
  const { said, version } = await bundle(folder);
  assertEquals(version, undefined);
  assertMatch(said, /lockfile|lock file/i);
});

/** Runs scripts/compile where Deno's download host cannot be reached, with a toolchain of the test's own. */
async function compile(toolchain: string, dist: string, path = Deno.env.get("PATH") ?? "") {
  const { success, stderr } = await new Deno.Command(join(root, "scripts/compile"), {
    args: ["amd64"],
    env: {
      BIMA_TOOLCHAIN: toolchain,
      BIMA_DIST: dist,
      HTTPS_PROXY: "http://127.0.0.1:1",
      https_proxy: "http://127.0.0.1:1",
      PATH: path,
    },
  }).output();
  return { success, said: new TextDecoder().decode(stderr) };
}

/** A toolchain that has the pinned Deno, and no runtime yet. */
async function toolchain(): Promise<Folder> {
  await make("dist/bima.js");
  const folder = new Folder({ "toolchain/": "", "dist/bima_amd64": "the one before" });
  const deno = (await run(join(root, "scripts/bring-deno"), "2.9.5")).trim();
  const [, installed] = /^(.*\/deno-2\.9\.5)\/node_modules\//.exec(deno) ?? [];
  if (installed !== undefined) Deno.symlinkSync(installed, folder.at("toolchain/deno-2.9.5"));
  return folder;
}

const checksum = "f12d5d3886d5ea138304fb8d67d7396cfbedf53656676132152cb89f3fa4d8e6";

Deno.test("scripts/compile gives the same bytes each time", async () => {
  await make("dist/bima_amd64");
  using folder = new Folder();
  const { success, stderr } = await new Deno.Command(join(root, "scripts/compile"), {
    args: ["amd64"],
    env: { BIMA_DIST: folder.path },
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  const same = await new Deno.Command("cmp", {
    args: [folder.at("bima_amd64"), join(root, "dist/bima_amd64")],
  }).output();
  assertEquals(new TextDecoder().decode(same.stdout), "");
  assert(same.success);
});

Deno.test("scripts/compile stops at a kept runtime whose checksum differs", async () => {
  using folder = await toolchain();
  const runtime = "toolchain/denort-2.7.11-x86_64-unknown-linux-gnu";
  folder.write(runtime, "tampered with");
  const { success, said } = await compile(folder.at("toolchain"), folder.at("dist"));
  assert(!success);
  assertStringIncludes(said, "Deno's download host cannot be reached");
  assertMatch(
    said,
    new RegExp(`cannot use \\S+${runtime}: expected SHA-256 ${checksum}, found [0-9a-f]{64}`),
  );
  assertEquals(Deno.readTextFileSync(folder.at("dist/bima_amd64")), "the one before");
});

Deno.test("scripts/compile stops at a package whose runtime has another checksum, and keeps nothing of it", async () => {
  using folder = await toolchain();
  folder.write("made/package/bin/steady", "not a runtime");
  await run("tar", "-C", folder.at("made"), "-czf", folder.at("package.tgz"), "package");
  folder.write("bin/npm", `#!/bin/sh\ncp "${folder.at("package.tgz")}" .\n`);
  Deno.chmodSync(folder.at("bin/npm"), 0o755);
  const path = `${folder.at("bin")}:${Deno.env.get("PATH")}`;
  const { success, said } = await compile(folder.at("toolchain"), folder.at("dist"), path);
  assert(!success);
  assertMatch(
    said,
    new RegExp(`cannot use the runtime in @stdy/\\S+: expected SHA-256 ${checksum}, found [0-9a-f]{64}`),
  );
  const kept = Array.from(Deno.readDirSync(folder.at("toolchain")), ({ name }) => name);
  assertEquals(kept.filter((name) => name !== "deno-2.9.5"), []);
  assertEquals(Deno.readTextFileSync(folder.at("dist/bima_amd64")), "the one before");
});

Deno.test("scripts/compile says what it can compile for", async () => {
  const { code, stderr } = await new Deno.Command(join(root, "scripts/compile"), { args: ["riscv64"] })
    .output();
  assertEquals([code, new TextDecoder().decode(stderr)], [2, "usage: scripts/compile amd64|aarch64\n"]);
});

Deno.test("scripts/bring-deno brings only what there is a lock file of", async () => {
  const { code, stderr } = await new Deno.Command(join(root, "scripts/bring-deno"), { args: ["1.2.3"] })
    .output();
  assertEquals(code, 1);
  assertStringIncludes(new TextDecoder().decode(stderr), "cannot bring Deno 1.2.3");
});
