/** What can go wrong while bima writes the files of layers into snapshots: nothing of it stays. */
import { assertEquals, assertInstanceOf, assertRejects, assertStringIncludes } from "@std/assert";
import { ContainerdLostError } from "../lib/containerd_errors.ts";
import type { BuildEvent } from "../mod.ts";
import { bima, context, Folder, helloKernel, labels, root, run } from "./support/bima.ts";
import { Daemon } from "./support/containerd.ts";
import { assertClean, buildInto } from "./support/containerd_build.ts";
import { noise } from "./support/image.ts";

/** A context with a kernel that takes a while. */
function slowContext(): Folder {
  const kernel = new Uint8Array(24_000_000);
  kernel.set(noise(kernel.byteLength));
  kernel.set(helloKernel());
  const folder = context();
  folder.write("kernel", kernel);
  return folder;
}

/** Calls `hit` once when so many bytes of the first layer went by. */
function afterBytes(count: number, hit: () => void): (event: BuildEvent) => void {
  let seen = 0;
  return (event) => {
    if (event.kind !== "bytes" || seen >= count) return;
    seen += event.count;
    if (seen >= count) hit();
  };
}

Deno.test("a daemon that is killed while bima writes files leaves nothing behind", async () => {
  using folder = slowContext();
  await using daemon = await Daemon.start();
  let killed: Promise<void> | undefined;
  const onEvent = afterBytes(12_000_000, () => killed = daemon.kill());
  const error = await assertRejects(() => buildInto(daemon, folder, { onEvent }));
  assertInstanceOf(error, ContainerdLostError, `${error}`);
  await killed;
  await daemon.start();
  assertEquals(await daemon.images(), new Map());
  assertEquals((await buildInto(daemon, folder)).how, ["written", "written"]);
  await assertClean(daemon);
});

Deno.test("a build waits for a disk that takes longer for a commit than the daemon may be silent", async () => {
  using folder = context({ "a": "a", "b": "b" });
  folder.write("Containerfile", `FROM scratch\nCOPY kernel /kernel\nCOPY a /a\nCOPY b /b\n${labels}`);
  await using daemon = await Daemon.start({ slowness: 1500 });
  const output = { kind: "containerd", address: daemon.address, idleLimit: 500, timeout: 5000 } as const;
  const { how } = await buildInto(daemon, folder, { output });
  assertEquals(how, ["written", "written", "written", "written"]);
  await assertClean(daemon);
});

Deno.test("a build that is stopped while it writes files leaves nothing behind", async () => {
  using folder = slowContext();
  await using daemon = await Daemon.start();
  const stop = new AbortController();
  const onEvent = afterBytes(12_000_000, () => stop.abort(new Error("stopped")));
  await assertRejects(() => buildInto(daemon, folder, { onEvent, signal: stop.signal }), Error, "stopped");
  await assertClean(daemon);
  assertEquals(
    await run("sh", "-c", `ls -l /proc/${Deno.pid}/fd | grep -c '${daemon.folder}/root' || :`),
    "0\n",
  );
  assertEquals((await buildInto(daemon, folder)).how, ["written", "written"]);
});

Deno.test("a file that changes while it is written leaves nothing behind", async () => {
  using folder = slowContext();
  await using daemon = await Daemon.start();
  const onEvent = afterBytes(12_000_000, () => Deno.truncateSync(folder.at("kernel"), 13_000_000));
  await assertRejects(() => buildInto(daemon, folder, { onEvent }), Error, "it changed during the build");
  await assertClean(daemon);
});

Deno.test("a disk that is full of files is reported, and nothing is left", async () => {
  using folder = context({ "zeros": new Uint8Array(30_000_000) });
  folder.write("Containerfile", `FROM scratch\nCOPY kernel /kernel\nCOPY zeros /zeros\n${labels}`);
  await using daemon = await Daemon.start({ size: "16m" });
  const { code, stderr } = await bima(["build", "-t", "bima/files", "."], {
    cwd: folder.path,
    env: { CONTAINERD_ADDRESS: daemon.address },
  });
  assertEquals(code, 1);
  assertStringIncludes(stderr, "containerd's disk is full");
  await assertClean(daemon);
  folder.write("zeros", "few");
  assertEquals((await buildInto(daemon, folder)).how, ["written", "written", "written"]);
});

Deno.test("what a bima that was killed while it wrote files leaves behind, the next one removes", async () => {
  using folder = slowContext();
  await using daemon = await Daemon.start();
  using script = new Folder({
    "killed.ts": `
      import { build } from "${root}/mod.ts";
      let seen = 0;
      await build({
        context: "${folder.path}",
        file: "${folder.at("Containerfile")}",
        tag: "bima/files",
        output: { kind: "containerd", address: "${daemon.address}" },
        onEvent: (event) => {
          if (event.kind === "bytes" && (seen += event.count) > 12_000_000) Deno.kill(Deno.pid, "SIGKILL");
        },
      });`,
  });
  const { signal } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", "--config", `${root}/deno.json`, script.at("killed.ts")],
  }).output();
  assertEquals(signal, "SIGKILL");
  assertEquals((await daemon.leftovers()).map((row) => row.split(" ")[0]), ["ingest", "lease", "snapshot"]);
  assertEquals((await buildInto(daemon, folder)).how, ["written", "written"]);
  await assertClean(daemon);
});
