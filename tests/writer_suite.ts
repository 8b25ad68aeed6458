/**
 * What every destination has to do, whatever it is: one suite, run against each implementation of `ImageWriter`.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Digest, digestOf } from "../lib/digest.ts";
import { DigestMismatchError } from "../lib/errors.ts";
import { type Image, mediaTypes } from "../lib/oci.ts";
import type { Reference } from "../lib/reference.ts";
import type { ImageWriter } from "../lib/writer.ts";
import { chunked, imageOf, layerOf, namesOf, noise, writeLayer } from "./support/image.ts";

/** A place that images go to, empty at first. Disposing removes it with all that it holds. */
export interface Destination extends AsyncDisposable {
  /** Opens a writer for one image. */
  open(signal?: AbortSignal): Promise<ImageWriter>;
  /** What should not be there: anything that belongs to no finished image. One line each; empty when all is well. */
  leftovers(): Promise<string[]>;
  /** @returns the digest of the manifest that the name stands for, as another program sees it */
  find(name: Reference): Promise<Digest | undefined>;
  /** @returns the bytes of a blob of a finished image, read by another program */
  read(digest: Digest): Promise<Uint8Array>;
}

/** Writes an image of two layers under `name`. @returns the image */
async function writeImage(writer: ImageWriter, ...names: string[]): Promise<Image> {
  const layers = [
    await writeLayer(writer, await layerOf({ "kernel": noise(100_000) }), { key: "kernel" }),
    await writeLayer(writer, await layerOf({ "urunc.json": "{}" })),
  ];
  const image = await imageOf(layers);
  await writer.finish(image, namesOf(...names));
  return image;
}

/** Every blob of the image is there, and is what it should be. */
async function assertWhole(destination: Destination, image: Image): Promise<void> {
  const { manifest, config, layers } = image;
  assertEquals(await destination.read(manifest.descriptor.digest), manifest.bytes);
  assertEquals(await destination.read(config.descriptor.digest), config.bytes);
  for (const { descriptor } of layers) {
    const bytes = new Uint8Array(await destination.read(descriptor.digest));
    assertEquals(bytes.byteLength, descriptor.size);
    assertEquals(await digestOf(bytes), descriptor.digest);
  }
}

/**
 * Registers the suite's tests.
 *
 * @param kind the destination's name, for the names of the tests
 * @param make makes an empty destination
 */
export function writerSuite(kind: string, make: () => Promise<Destination>): void {
  const test = (name: string, body: (destination: Destination) => Promise<void>) =>
    Deno.test(`${kind}: ${name}`, async () => {
      await using destination = await make();
      await body(destination);
      assertEquals(await destination.leftovers(), []);
    });
  const [name] = namesOf("bima/suite:1") as [Reference];

  test("finish() writes an image without layers", async (destination) => {
    await using writer = await destination.open();
    const image = await imageOf([]);
    const result = await writer.finish(image, [name]);
    assertEquals(result.digest, image.manifest.descriptor.digest);
    assert(result.location !== "");
    assertEquals(await destination.find(name), image.manifest.descriptor.digest);
    await assertWhole(destination, image);
  });

  test("finish() gives an image all of its names", async (destination) => {
    await using writer = await destination.open();
    const image = await writeImage(writer, "bima/suite:1", "other:2");
    for (const one of namesOf("bima/suite:1", "other:2")) {
      assertEquals(await destination.find(one), image.manifest.descriptor.digest);
    }
    await assertWhole(destination, image);
  });

  test("finish() moves a name to the new image", async (destination) => {
    {
      await using writer = await destination.open();
      await writeImage(writer, "bima/suite:1");
    }
    await using writer = await destination.open();
    const layer = await writeLayer(writer, await layerOf({ "kernel": "newer" }));
    const image = await imageOf([layer]);
    await writer.finish(image, [name]);
    assertEquals(await destination.find(name), image.manifest.descriptor.digest);
    await assertWhole(destination, image);
  });

  test("blob() takes many blobs, side by side where the writer is parallel", async (destination) => {
    await using writer = await destination.open();
    const inputs = await Promise.all(
      Array.from({ length: 40 }, (_, index) => layerOf({ [`file${index}`]: `${index}` })),
    );
    const layers = [];
    if (writer.parallel) layers.push(...await Promise.all(inputs.map((input) => writeLayer(writer, input))));
    else for (const input of inputs) layers.push(await writeLayer(writer, input));
    const image = await imageOf(layers);
    await writer.finish(image, [name]);
    assertEquals(await destination.find(name), image.manifest.descriptor.digest);
    await assertWhole(destination, image);
  });

  test("blob() takes a blob that is larger than any buffer", async (destination) => {
    await using writer = await destination.open();
    const input = await layerOf({ "kernel": noise(9_000_001) });
    const layer = await writeLayer(writer, input);
    assertEquals(layer.descriptor, {
      mediaType: mediaTypes.layerGzip,
      digest: await digestOf(input.bytes),
      size: input.bytes.byteLength,
    });
    const image = await imageOf([layer]);
    await writer.finish(image, [name]);
    await assertWhole(destination, image);
  });

  test("commit() takes chunks of every size", async (destination) => {
    await using writer = await destination.open();
    const input = await layerOf({ "kernel": noise(5_000_000) });
    const blob = await writer.blob("chunks");
    const stream = blob.writable.getWriter();
    let offset = 0;
    for (const size of [0, 1, 7, 65_535, 1_048_575, 1_048_576, 2_500_000, input.bytes.byteLength]) {
      await stream.write(input.bytes.slice(offset, offset + size));
      offset += size;
    }
    await stream.close();
    const descriptor = await blob.commit({ mediaType: mediaTypes.layerGzip, diffId: input.diffId });
    assertEquals(descriptor.digest, await digestOf(input.bytes));
    const image = await imageOf([{ descriptor, diffId: input.diffId }]);
    await writer.finish(image, [name]);
    await assertWhole(destination, image);
  });

  test("commit() takes a blob without bytes", async (destination) => {
    await using writer = await destination.open();
    const blob = await writer.blob("empty");
    await blob.writable.close();
    const descriptor = await blob.commit({ mediaType: mediaTypes.layerGzip });
    const digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assertEquals(descriptor, { mediaType: mediaTypes.layerGzip, digest, size: 0 });
  });

  test("commit() succeeds for content that is there already", async (destination) => {
    await using writer = await destination.open();
    const input = await layerOf({ "kernel": noise(100_000) });
    const first = await writeLayer(writer, input, { ref: "one" });
    const second = await writeLayer(writer, input, { ref: "two" });
    const again = await writeLayer(writer, input, { ref: "one" });
    assertEquals([second, again], [first, first]);
    const image = await imageOf([first, second]);
    await writer.finish(image, [name]);
    await assertWhole(destination, image);
  });

  test("commit() keeps nothing when the digest is not the promised one", async (destination) => {
    await using writer = await destination.open();
    const input = await layerOf({ "kernel": "one" });
    const blob = await writer.blob("wrong digest");
    await chunked(input.bytes).pipeTo(blob.writable);
    const digest = await digestOf(new Uint8Array([1]));
    const error = await assertRejects(
      () => blob.commit({ mediaType: mediaTypes.layerGzip, digest }),
      DigestMismatchError,
      digest,
    );
    assert(error.message.includes(await digestOf(input.bytes)));
    await blob.abort();
    // The writer itself is as good as before.
    await assertWhole(destination, await writeImage(writer, name.name));
  });

  test("commit() keeps nothing when the size is not the promised one", async (destination) => {
    await using writer = await destination.open();
    const blob = await writer.blob("wrong size");
    await chunked(new Uint8Array(10)).pipeTo(blob.writable);
    const error = await assertRejects(
      () => blob.commit({ mediaType: mediaTypes.layerGzip, size: 11 }),
      DigestMismatchError,
    );
    assert(error.message.includes("11") && error.message.includes("10"));
    await assertWhole(destination, await writeImage(writer, name.name));
  });

  test("commit() accepts the promised digest and size", async (destination) => {
    await using writer = await destination.open();
    const bytes = new TextEncoder().encode("promised");
    const blob = await writer.blob("promised");
    await chunked(bytes).pipeTo(blob.writable);
    const digest = await digestOf(bytes);
    const descriptor = await blob.commit({ mediaType: mediaTypes.layerGzip, digest, size: bytes.byteLength });
    assertEquals(descriptor, { mediaType: mediaTypes.layerGzip, digest, size: bytes.byteLength });
  });

  test("abort() takes half a blob back, and the writer goes on", async (destination) => {
    await using writer = await destination.open();
    const blob = await writer.blob("half");
    const stream = blob.writable.getWriter();
    await stream.write(noise(3_000_000));
    await blob.abort();
    await blob.abort();
    await stream.write(noise(10)).catch(() => {});
    await stream.closed.catch(() => {});
    await assertWhole(destination, await writeImage(writer, name.name));
  });

  test("abort() takes a blob back whose stream failed", async (destination) => {
    await using writer = await destination.open();
    const blob = await writer.blob("failed");
    const broken = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => controller.enqueue(noise(100_000)),
      pull: (controller) => controller.error(new Error("disk on fire")),
    });
    await assertRejects(() => broken.pipeTo(blob.writable), Error, "disk on fire");
    await assertRejects(() => blob.commit({ mediaType: mediaTypes.layerGzip }), Error, "disk on fire");
    await blob.abort();
    await assertWhole(destination, await writeImage(writer, name.name));
  });

  test("abort() does nothing after commit()", async (destination) => {
    await using writer = await destination.open();
    const input = await layerOf({ "kernel": "kept" });
    const blob = await writer.blob("kept");
    await chunked(input.bytes).pipeTo(blob.writable);
    const descriptor = await blob.commit({ mediaType: mediaTypes.layerGzip, diffId: input.diffId });
    await blob.abort();
    const image = await imageOf([{ descriptor, diffId: input.diffId }]);
    await writer.finish(image, [name]);
    await assertWhole(destination, image);
  });

  test("two writers write the same image at once", async (destination) => {
    const write = async () => {
      await using writer = await destination.open();
      return await writeImage(writer, name.name);
    };
    const [one, two] = await Promise.all([write(), write()]);
    assertEquals(one?.manifest.descriptor, two?.manifest.descriptor);
    assertEquals(await destination.find(name), one?.manifest.descriptor.digest);
    await assertWhole(destination, one as Image);
  });

  test("has() and reuse() tell the truth about an earlier image", async (destination) => {
    let image: Image;
    {
      await using writer = await destination.open();
      assertEquals(await writer.reuse("kernel"), undefined);
      image = await writeImage(writer, name.name);
    }
    await using writer = await destination.open();
    const [kernel] = image.layers;
    assert(kernel !== undefined);
    const reused = await writer.reuse("kernel");
    assertEquals(await writer.reuse('other "key"'), undefined);
    assert(reused === undefined || await writer.has(kernel.descriptor));
    if (reused === undefined) await writeLayer(writer, await layerOf({ "kernel": noise(100_000) }));
    else assertEquals(reused, kernel);
    const second = await imageOf([kernel]);
    await writer.finish(second, [name]);
    assertEquals(await destination.find(name), second.manifest.descriptor.digest);
    await assertWhole(destination, second);
  });

  test("disposing of a finished writer twice changes nothing", async (destination) => {
    const writer = await destination.open();
    const image = await writeImage(writer, name.name);
    await writer[Symbol.asyncDispose]();
    await writer[Symbol.asyncDispose]();
    await assertWhole(destination, image);
  });

  test("disposing of an unfinished writer leaves what was there before", async (destination) => {
    let image: Image;
    {
      await using writer = await destination.open();
      image = await writeImage(writer, name.name);
    }
    {
      await using writer = await destination.open();
      await writeLayer(writer, await layerOf({ "kernel": noise(100_000) }));
      await writeLayer(writer, await layerOf({ "kernel": noise(200_000, 2) }));
    }
    assertEquals(await destination.find(name), image.manifest.descriptor.digest);
    await assertWhole(destination, image);
  });

  test("disposing takes everything back, a blob that is open too", async (destination) => {
    const writer = await destination.open();
    const blob = await writer.blob("open");
    const stream = blob.writable.getWriter();
    await stream.write(noise(2_000_000));
    if (writer.parallel) await writeLayer(writer, await layerOf({ "kernel": noise(100_000) }));
    await writer[Symbol.asyncDispose]();
    await assertRejects(async () => {
      await stream.write(noise(2_000_000));
      await stream.close();
      await blob.commit({ mediaType: mediaTypes.layerGzip });
    });
    assertEquals(await destination.find(name), undefined);
  });

  test("the signal stops a writer with its reason", async (destination) => {
    const controller = new AbortController();
    const reason = new Error("interrupted");
    {
      await using writer = await destination.open(controller.signal);
      await writeLayer(writer, await layerOf({ "kernel": noise(100_000) }));
      const blob = await writer.blob("interrupted");
      const stream = blob.writable.getWriter();
      await stream.write(noise(2_000_000));
      controller.abort(reason);
      const error = await assertRejects(async () => {
        for (let count = 0; count < 20; count++) await stream.write(noise(1_000_000));
        await stream.close();
        await blob.commit({ mediaType: mediaTypes.layerGzip });
      });
      assertEquals(error, reason);
      await assertRejects(async () => await writer.finish(await imageOf([]), [name]), Error, "interrupted");
    }
    assertEquals(await destination.find(name), undefined);
  });
}
