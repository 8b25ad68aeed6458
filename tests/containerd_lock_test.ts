import { assert, assertEquals, assertRejects } from "@std/assert";
import { openContainerd } from "../lib/containerd.ts";
import { BimaError } from "../lib/errors.ts";
import { mediaTypes } from "../lib/oci.ts";
import type { ImageWriter } from "../lib/writer.ts";
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

/** An image, and `ctr` writing its manifest at the same time: it got 2,000,000 bytes and waits for more. */
async function contested(daemon: Daemon, writer: ImageWriter) {
  const layer = await writeLayer(writer, await layerOf({ "kernel": "ELF" }));
  const image = await imageOf([layer]);
  const ref = `bima-${image.manifest.descriptor.digest}`;
  const other = daemon.spawnCtr("content", "ingest", ref);
  const stdin = other.stdin.getWriter();
  await stdin.write(noise(2_000_000));
  await daemon.until(`${ref}\\s+[1-9]`, "content", "active");
  return { image, other, stdin };
}

Deno.test("finish() waits for another writer of the same document, then goes on", async () => {
  await using daemon = await Daemon.start();
  const { writer, locked } = await open(daemon);
  await using _writer = writer;
  const { image, other, stdin } = await contested(daemon, writer);
  const finished = writer.finish(image, namesOf("bima/lock"));
  assertEquals(await locked, image.manifest.descriptor.digest);
  await stdin.close();
  assertEquals((await other.status).code, 0);
  await finished;
  assertEquals((await daemon.images()).size, 1);
  assertEquals(await daemon.leftovers(), []);
});

Deno.test("finish() goes its own way when the other writer makes no progress", async () => {
  await using daemon = await Daemon.start();
  const { writer, locked } = await open(daemon, 2000);
  await using _writer = writer;
  const { image, other, stdin } = await contested(daemon, writer);
  await writer.finish(image, namesOf("bima/lock"));
  assertEquals(await locked, image.manifest.descriptor.digest);
  assertEquals((await daemon.images()).size, 1);
  other.kill("SIGKILL");
  await stdin.abort().catch(() => {});
  await other.status;
});

Deno.test("finish() takes over what a writer left that is gone", async () => {
  await using daemon = await Daemon.start();
  const { writer } = await open(daemon);
  await using _writer = writer;
  const { image, other, stdin } = await contested(daemon, writer);
  other.kill("SIGKILL");
  await stdin.abort().catch(() => {});
  await other.status;
  await writer.finish(image, namesOf("bima/lock"));
  const { digest } = image.manifest.descriptor;
  assertEquals(await daemon.read(digest), image.manifest.bytes);
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

Deno.test("blob() waits for nobody who writes the same, and stopping one leaves the other alone", async () => {
  await using daemon = await Daemon.start();
  const first = await open(daemon);
  const second = await open(daemon);
  await using _second = second.writer;
  const input = await layerOf({ "kernel": noise(3_000_000) });
  const half = input.bytes.byteLength >> 1;
  const blobs = [await first.writer.blob("same"), await second.writer.blob("same")] as const;
  const streams = blobs.map((blob) => blob.writable.getWriter());
  for (const stream of streams) await stream.write(input.bytes.slice(0, half));
  await first.writer[Symbol.asyncDispose]();
  await streams[1]?.write(input.bytes.slice(half));
  await streams[1]?.close();
  const descriptor = await blobs[1].commit({ mediaType: mediaTypes.layerGzip, diffId: input.diffId });
  await second.writer.finish(await imageOf([{ descriptor, diffId: input.diffId }]), namesOf("bima/lock"));
  assertEquals((await daemon.images()).size, 1);
  assertEquals(await daemon.leftovers(), []);
});

Deno.test("commit() of a blob that is there leaves no ingest", async () => {
  await using daemon = await Daemon.start();
  const { writer } = await open(daemon);
  await using _writer = writer;
  const input = await layerOf({ "kernel": noise(100_000) });
  for (const ref of ["one", "two"]) await writeLayer(writer, input, { ref });
  assertEquals((await daemon.leftovers()).filter((line) => line.startsWith("ingest")), []);
});

Deno.test("disposing ends the wait for a lock", async () => {
  await using daemon = await Daemon.start();
  const { writer, locked } = await open(daemon);
  const { image, other, stdin } = await contested(daemon, writer);
  const finished = assertRejects(
    () => writer.finish(image, namesOf("bima/lock")),
    BimaError,
    "was disposed of",
  );
  await locked;
  await writer[Symbol.asyncDispose]();
  await finished;
  // What the other one writes is still there.
  assertEquals((await daemon.leftovers()).length, 1);
  await stdin.close();
  assertEquals((await other.status).code, 0);
});
