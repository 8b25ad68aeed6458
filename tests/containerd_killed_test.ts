/** The daemon goes away, or freezes, at every stage of an import. */
import { assert, assertEquals, assertInstanceOf, assertRejects, assertStringIncludes } from "@std/assert";
import { type ContainerdEvent, type ContainerdOptions, openContainerd } from "../lib/containerd.ts";
import { ContainerdLostError } from "../lib/containerd_errors.ts";
import { mediaTypes } from "../lib/oci.ts";
import { Daemon } from "./support/containerd.ts";
import { imageOf, layerOf, namesOf, noise, writeLayer } from "./support/image.ts";

/** Where the daemon is hit. */
type Stage = "opened" | "half a layer" | "before commit" | "before the manifest" | "unpacking" | "unpacked";

const stages: readonly Stage[] = [
  "opened",
  "half a layer",
  "before commit",
  "before the manifest",
  "unpacking",
  "unpacked",
];

/** Writes an image of two layers and calls `hit` when it comes to `stage`. */
async function build(
  daemon: Daemon,
  options: ContainerdOptions,
  stage?: Stage,
  hit?: () => Promise<void> | void,
) {
  const reached = async (here: Stage) => {
    if (here === stage) await hit?.();
  };
  const unpacked: ContainerdEvent[] = [];
  await using writer = await openContainerd({
    address: daemon.address,
    timeout: 1000,
    ...options,
    onEvent: (event) => {
      if (event.kind !== "unpacked" || event.how === "present") return;
      unpacked.push(event);
      void reached(unpacked.length === 1 ? "unpacking" : "unpacked");
    },
  });
  await reached("opened");
  const input = await layerOf({ "kernel": noise(8_000_000) });
  const blob = await writer.blob("kernel");
  const stream = blob.writable.getWriter();
  await stream.write(input.bytes.slice(0, 4_000_000));
  await reached("half a layer");
  for (let offset = 4_000_000; offset < input.bytes.byteLength; offset += 100_000) {
    await stream.write(input.bytes.slice(offset, offset + 100_000));
  }
  await stream.close();
  await reached("before commit");
  const descriptor = await blob.commit({ mediaType: mediaTypes.layerGzip, diffId: input.diffId });
  const second = await writeLayer(writer, await layerOf({ "urunc.json": "{}" }));
  const image = await imageOf([{ descriptor, diffId: input.diffId }, second]);
  await reached("before the manifest");
  await writer.finish(image, namesOf("bima/killed"));
}

/** After a failure: no image, and the next build is whole and leaves nothing, of its own or of the failed one. */
async function assertRecovers(daemon: Daemon): Promise<void> {
  assertEquals(await daemon.images(), new Map());
  await build(daemon, {});
  assertEquals((await daemon.images()).size, 1);
  assertStringIncludes(await daemon.ctr("images", "check"), "complete (3/3)");
  assertEquals([...await daemon.leftovers(), ...await daemon.orphans()], []);
}

for (const stage of stages) {
  Deno.test(`an import fails clearly when the daemon is killed: ${stage}`, async () => {
    await using daemon = await Daemon.start();
    const error = await assertRejects(() => build(daemon, {}, stage, () => daemon.kill()));
    assertInstanceOf(error, ContainerdLostError, `${error}`);
    assert(/^Cannot [^\n]+: containerd at "[^"]+" went away$/.test(error.message), error.message);
    await daemon.start();
    await assertRecovers(daemon);
  });

  Deno.test(`an import fails clearly when the daemon freezes: ${stage}`, async () => {
    await using daemon = await Daemon.start();
    const error = await assertRejects(() =>
      build(daemon, { idleLimit: 500, timeout: 300 }, stage, () => daemon.freeze())
    );
    assertInstanceOf(error, ContainerdLostError, `${error}`);
    assert(/^Cannot [^\n]+: containerd at "[^"]+" stopped answering$/.test(error.message), error.message);
    daemon.thaw();
    await assertRecovers(daemon);
  });
}

Deno.test("an import fails clearly when the daemon is killed: in the middle of unpacking a layer", async () => {
  await using daemon = await Daemon.start();
  const snapshots = `${daemon.folder}/root/io.containerd.snapshotter.v1.overlayfs/snapshots`;
  await using writer = await openContainerd({ address: daemon.address, timeout: 1000 });
  const layer = await writeLayer(writer, await layerOf({ "kernel": new Uint8Array(200_000_000) }));
  const finished = writer.finish(await imageOf([layer]), namesOf("bima/killed"));
  finished.catch(() => {});
  while (!await exists(`${snapshots}/1/fs/kernel`)) await new Promise((resolve) => setTimeout(resolve, 1));
  await daemon.kill();
  await assertRejects(() => finished, ContainerdLostError, "Cannot unpack layer ");
  await writer[Symbol.asyncDispose]();
  await daemon.start();
  await assertRecovers(daemon);
});

Deno.test("an import goes on when the daemon froze for less than the idle limit", async () => {
  await using daemon = await Daemon.start();
  for (const stage of stages) {
    await build(daemon, { idleLimit: 5000 }, stage, () => {
      daemon.freeze();
      setTimeout(() => daemon.thaw(), 100);
    });
  }
  // The timer of the last stage may still run.
  await new Promise((resolve) => setTimeout(resolve, 150));
  assertEquals(await daemon.leftovers(), []);
});

Deno.test("what a killed bima leaves behind, the next one removes", async () => {
  await using daemon = await Daemon.start();
  const client = (...args: string[]) =>
    new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--quiet",
        new URL("./support/containerd_client.ts", import.meta.url).pathname,
        daemon.address,
        ...args,
      ],
      stdout: "piped",
    }).spawn();
  const killed = client("bima/killed", "hold");
  const output = killed.stdout.getReader();
  assertEquals(new TextDecoder().decode((await output.read()).value), "open\n");
  // A build that runs is not disturbed by another one that starts.
  await build(daemon, {});
  assertEquals((await daemon.leftovers()).length, 2, "the running build's lease and ingest");
  killed.kill("SIGKILL");
  await killed.status;
  await output.cancel();
  assertEquals((await daemon.leftovers()).length, 2, "the killed build's lease and ingest");
  const next = client("bima/next");
  const { code } = await next.output();
  assertEquals(code, 0);
  assertEquals([...await daemon.leftovers(), ...await daemon.orphans()], []);
});

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}
