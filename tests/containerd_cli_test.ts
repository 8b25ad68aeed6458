/** The command `bima build` with a real containerd, from a Containerfile to what `ctr` sees. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  bima,
  bimaCommand,
  bimaProcess,
  containerfile,
  context,
  helloKernel,
  root,
  run,
} from "./support/bima.ts";
import { Daemon } from "./support/containerd.ts";
import { DockerRegistry } from "./support/docker_registry.ts";
import { realFile } from "./support/fixtures.ts";
import { noise } from "./support/image.ts";

/** Builds, which must succeed. @returns what was said */
async function build(daemon: Daemon, cwd: string, ...options: string[]) {
  const env = { CONTAINERD_ADDRESS: daemon.address, BIMA_LOG: "info" };
  const outcome = await bima(["build", ...options, "."], { cwd, env });
  assertEquals(outcome.code, 0, outcome.stderr);
  return { ...outcome, digest: outcome.stdout.trim() };
}

/** Builds, which must fail. @returns what was said on stderr */
async function refuse(daemon: Daemon, cwd: string, code: number, ...options: string[]): Promise<string> {
  const env = { CONTAINERD_ADDRESS: daemon.address };
  const outcome = await bima(["build", "-t", "bima/refused", ...options, "."], { cwd, env });
  assertEquals([outcome.code, outcome.stdout], [code, ""], outcome.stderr);
  assert(!/^ +at /m.test(outcome.stderr), `a stack trace: ${outcome.stderr}`);
  return outcome.stderr;
}

/** Nothing is left of a build that failed. */
async function assertClean(daemon: Daemon): Promise<void> {
  assertEquals([...await daemon.leftovers(), ...await daemon.orphans()], []);
}

/** The example's kernel with so many bytes after it that do not compress. */
function largeKernel(size: number): Uint8Array {
  const kernel = helloKernel();
  const bytes = new Uint8Array(kernel.byteLength + size);
  bytes.set(kernel);
  bytes.set(noise(size), kernel.byteLength);
  return bytes;
}

Deno.test("bima build imports an image that ctr takes", async () => {
  await using daemon = await Daemon.start();
  await using registry = await DockerRegistry.start();
  using folder = context({ "data/file": "content" });
  folder.write("Containerfile", `${containerfile}COPY data /data\n`);
  const name = `${registry.host}/bima/cli:1`;
  const { stdout, digest } = await build(daemon, folder.path, "-t", name);
  assertMatch(stdout, /^sha256:[0-9a-f]{64}\n$/);
  assertEquals(Object.fromEntries(await daemon.images()), { [name]: digest });
  assertStringIncludes(await daemon.ctr("images", "ls"), "application/vnd.oci.image.manifest.v1+json");
  assertMatch(await daemon.ctr("images", "check"), /complete \(4\/4\).*true\s*$/);
  await assertClean(daemon);

  const mounted = `${daemon.folder}/mnt`;
  await Deno.mkdir(mounted);
  await daemon.ctr("images", "mount", name, mounted);
  assertEquals(await Deno.readFile(`${mounted}/kernel`), await Deno.readFile(folder.at("kernel")));
  assertEquals(await Deno.readTextFile(`${mounted}/data/file`), "content");
  assert((await Deno.stat(`${mounted}/urunc.json`)).isFile);
  await daemon.ctr("images", "unmount", "--rm", mounted);

  await daemon.ctr("images", "export", folder.at("export.tar"), name);
  assertStringIncludes(await run("tar", "-xOf", folder.at("export.tar"), "index.json"), digest);
  await daemon.ctr("images", "push", "--plain-http", name);
  assertEquals(
    (await run("skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", `docker://${name}`))
      .trim(),
    digest,
  );

  await daemon.ctr("containers", "create", name, "cli");
  const container = JSON.parse(await daemon.ctr("containers", "info", "cli"));
  assertEquals(container.Labels["com.urunc.unikernel.binary"], "/kernel");
  assertEquals(container.Labels["com.urunc.unikernel.hypervisor"], "qemu");
  assertEquals(container.Spec.process.args, ["hello", "world"]);
});

Deno.test("bima build uses the layers of the build before", async () => {
  await using daemon = await Daemon.start();
  const folder = `${root}/examples/hello`;
  const first = await build(daemon, folder, "-t", "bima/again");
  assert(!first.stderr.includes("used again"), first.stderr);
  const second = await build(daemon, folder, "-t", "bima/again");
  assertEquals(second.stderr.match(/used again/g)?.length, 2, second.stderr);
  assertEquals(second.digest, first.digest);
  await assertClean(daemon);
});

Deno.test("bima build imports images of foreign architectures", async () => {
  await using daemon = await Daemon.start();
  for (const architecture of ["arm64", "riscv64"] as const) {
    using folder = context({ kernel: await Deno.readFile(realFile(`${architecture}-u-boot.elf`)) });
    await build(daemon, folder.path, "-t", "bima/foreign");
    assertMatch(
      await daemon.ctr("images", "ls"),
      new RegExp(`bima/foreign:latest .* linux/${architecture} `),
    );
    assertMatch(await daemon.ctr("images", "check"), /complete \(3\/3\).*true\s*$/);
  }
  await assertClean(daemon);
});

Deno.test("bima build --no-unpack imports only", async () => {
  await using daemon = await Daemon.start();
  using folder = context();
  await build(daemon, folder.path, "-t", "bima/packed", "--no-unpack");
  assertMatch(await daemon.ctr("images", "check"), /complete \(3\/3\).*false\s*$/);
  assertEquals((await daemon.ctr("snapshots", "ls")).trim().split("\n").length, 1);
});

Deno.test("bima build takes the address as a URL, the namespace and the snapshotter", async () => {
  await using daemon = await Daemon.start();
  using folder = context();
  const { digest } = await build(
    daemon,
    folder.path,
    "--address",
    `unix://${daemon.address}`,
    "-n",
    "k8s.io",
    "--snapshotter",
    "native",
    "-t",
    "redis",
  );
  assertEquals(
    [...await daemon.images("k8s.io")].flat().join(" "),
    `docker.io/library/redis:latest ${digest}`,
  );
  assertStringIncludes(
    await daemon.ctr("-n", "k8s.io", "snapshots", "--snapshotter", "native", "ls"),
    "Committed",
  );
  assertEquals(await daemon.images(), new Map());
});

Deno.test("two bima builds of the same image at once both succeed", async () => {
  await using daemon = await Daemon.start();
  using folder = context({
    kernel: largeKernel(4_000_000),
  });
  const builds = await Promise.all([1, 2, 3].map(() => build(daemon, folder.path, "-t", "bima/race")));
  assertEquals(new Set(builds.map(({ digest }) => digest)).size, 1);
  assertMatch(await daemon.ctr("images", "check"), /complete \(3\/3\).*true\s*$/);
  await assertClean(daemon);
});

Deno.test("bima build says why it cannot use containerd", async () => {
  await using daemon = await Daemon.start();
  using folder = context();
  const { path } = folder;
  assertStringIncludes(await refuse(daemon, path, 1, "-a", "/nowhere.sock"), "there is no such socket");
  assertStringIncludes(await refuse(daemon, path, 2, "-a", "tcp://localhost:1"), "a unix socket only");
  assertStringIncludes(await refuse(daemon, path, 2, "-n", "a/b"), 'containerd namespace "a/b"');
  assertMatch(
    await refuse(daemon, path, 1, "--snapshotter", "floppy"),
    /no such snapshotter\n +hint: there are .*overlayfs/,
  );
  daemon.freeze();
  assertStringIncludes(await refuse(daemon, path, 1, "--timeout", "1"), "no answer within 1 s");
  daemon.thaw();
  await assertClean(daemon);
});

Deno.test("bima build says that it may not use containerd, and what to do", async () => {
  await using daemon = await Daemon.start();
  using folder = context();
  await Deno.chown(daemon.address, 65534, 65534);
  await Deno.chmod(daemon.address, 0o600);
  // Root without its privilege to open everything: an ordinary user, as far as the socket is concerned.
  const caps = "-dac_override,-dac_read_search";
  const { code, stderr } = await new Deno.Command("setpriv", {
    args: [`--bounding-set=${caps}`, `--inh-caps=${caps}`, ...bimaCommand(), "build", "-t", "a", folder.path],
    env: { CONTAINERD_ADDRESS: daemon.address },
  }).output();
  const text = new TextDecoder().decode(stderr);
  assertEquals(code, 1, text);
  assertMatch(text, /permission denied\n +hint: .*root.*sudo.*group/);
});

Deno.test("bima build says that containerd's disk is full", async () => {
  await using daemon = await Daemon.start({ size: "16m" });
  using folder = context({
    kernel: largeKernel(20_000_000),
  });
  assertMatch(await refuse(daemon, folder.path, 1), /disk is full.*\n +hint: free space/);
  await assertClean(daemon);
});

for (
  const [what, stop] of [
    ["Ctrl-C", (_daemon: Daemon, process: Deno.ChildProcess) => process.kill("SIGINT")],
    ["the daemon's death", (daemon: Daemon) => daemon.kill()],
  ] as const
) {
  Deno.test(`bima build leaves nothing after ${what}`, async () => {
    await using daemon = await Daemon.start();
    using folder = context({
      kernel: largeKernel(60_000_000),
    });
    const env = { CONTAINERD_ADDRESS: daemon.address };
    const process = bimaProcess(["build", "-t", "bima/stopped", "."], { cwd: folder.path, env }).spawn();
    await daemon.until("bima-layer-", "content", "active");
    await stop(daemon, process);
    const { code, stdout, stderr } = await process.output();
    const text = new TextDecoder().decode(stderr);
    assertEquals([code, stdout.byteLength], [1, 0], text);
    if (what === "Ctrl-C") assertStringIncludes(text, "Interrupted");
    else {
      assertMatch(
        text,
        /^bima: Cannot send "COPY kernel \/kernel" to containerd: containerd at "[^"]+" went away$/m,
      );
      await daemon.start();
      // What the dead daemon kept, the next build takes back.
      assertEquals(await daemon.images(), new Map());
      await build(daemon, `${root}/examples/hello`, "-t", "bima/next");
    }
    await assertClean(daemon);
  });
}

Deno.test("scripts/test_build_image.sh says OK four times", async () => {
  await using daemon = await Daemon.start();
  using folder = context();
  folder.write("bin/bima", `#!/bin/sh\nexec "${bimaCommand()[0]}" "$@"\n`);
  await Deno.chmod(folder.at("bin/bima"), 0o755);
  const { code, stdout, stderr } = await new Deno.Command(`${root}/scripts/test_build_image.sh`, {
    env: { CONTAINERD_ADDRESS: daemon.address, PATH: `${folder.at("bin")}:${daemon.programs}` },
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const results = new TextDecoder().decode(stdout).split("\n").filter((line) => line.endsWith("OK"));
  assertEquals(results.map((line) => line.split(":")[0]), [
    "Build tarball",
    "Import image in containerd",
    "Import image in namespace",
    "Import image with custom snapshotter",
  ]);
});
