import { assert, assertEquals } from "@std/assert";
import { openContainerd } from "../lib/containerd.ts";
import { Daemon } from "./support/containerd.ts";
import { imageOf, layerOf, namesOf, noise, writeLayer } from "./support/image.ts";

/** A writer that tells which locks it met. */
async function open(daemon: Daemon, idleLimit?: number) {
  const locked = Promise.withResolvers<string>();
  const writer = await openContainerd({
    address: daemon.address,
    ...(idleLimit === undefined ? {} : { idleLimit }),
    onEvent: (event) => event.kind === "locked" && locked.resolve(event.ref),
  });
  return { writer, locked: locked.promise };
}

Deno.test("blob() waits for another writer of the same blob, then goes on", async () => {
  await using daemon = await Daemon.start();
  const layer = await layerOf({ "kernel": noise(100_000) });
  const other = daemon.spawnCtr("content", "ingest", "bima-same");
  const stdin = other.stdin.getWriter();
  await stdin.write(noise(10_000));
  while (!(await daemon.ctr("content", "active")).includes("bima-same"));
  const { writer, locked } = await open(daemon);
  await using _writer = writer;
  const written = writeLayer(writer, layer, { ref: "same" });
  assertEquals(await locked, "same");
  await stdin.close();
  assertEquals((await other.status).code, 0);
  const image = await imageOf([await written]);
  await writer.finish(image, namesOf("bima/lock"));
  assertEquals((await daemon.images()).size, 1);
  assertEquals(await daemon.leftovers(), []);
});

Deno.test("blob() goes its own way when the other writer makes no progress", async () => {
  await using daemon = await Daemon.start();
  const other = daemon.spawnCtr("content", "ingest", "bima-same");
  const stdin = other.stdin.getWriter();
  await stdin.write(noise(10_000));
  while (!(await daemon.ctr("content", "active")).includes("bima-same"));
  const { writer, locked } = await open(daemon, 2000);
  await using _writer = writer;
  const layer = await writeLayer(writer, await layerOf({ "kernel": "ELF" }), { ref: "same" });
  assertEquals(await locked, "same");
  await writer.finish(await imageOf([layer]), namesOf("bima/lock"));
  assertEquals((await daemon.images()).size, 1);
  other.kill("SIGKILL");
  await stdin.abort().catch(() => {});
  await other.status;
});

Deno.test("blob() takes over what a writer left that is gone", async () => {
  await using daemon = await Daemon.start();
  const other = daemon.spawnCtr("content", "ingest", "bima-same");
  const stdin = other.stdin.getWriter();
  await stdin.write(noise(2_000_000));
  while (!/bima-same\s+[1-9]/.test(await daemon.ctr("content", "active")));
  other.kill("SIGKILL");
  await stdin.abort().catch(() => {});
  await other.status;
  const { writer } = await open(daemon);
  await using _writer = writer;
  const input = await layerOf({ "kernel": "short" });
  const layer = await writeLayer(writer, input, { ref: "same" });
  assertEquals(layer.descriptor.size, input.bytes.byteLength);
  await writer.finish(await imageOf([layer]), namesOf("bima/lock"));
  assertEquals(await daemon.leftovers(), []);
});

Deno.test("blob() of the same ref twice in one image", async () => {
  await using daemon = await Daemon.start();
  const { writer } = await open(daemon);
  await using _writer = writer;
  const input = await layerOf({ "kernel": noise(3_000_000) });
  const layers = await Promise.all([1, 2, 3].map(() => writeLayer(writer, input, { ref: "same" })));
  assert(layers.every((layer) => layer.descriptor.digest === layers[0]?.descriptor.digest));
  await writer.finish(await imageOf(layers), namesOf("bima/lock"));
  assertEquals(await daemon.leftovers(), []);
});

Deno.test("disposing ends the wait for a lock", async () => {
  await using daemon = await Daemon.start();
  const first = await open(daemon);
  await using _first = first.writer;
  await first.writer.blob("same");
  const second = await open(daemon);
  const blob = second.writer.blob("same").then(() => "opened", (error) => error.message);
  await second.locked;
  await second.writer[Symbol.asyncDispose]();
  assertEquals(await blob, "Cannot go on: the writer was disposed of");
});
