import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type ContainerdEvent, type ContainerdOptions, openContainerd } from "../lib/containerd.ts";
import { ContainerdError } from "../lib/containerd_errors.ts";
import { chainIds } from "../lib/containerd_unpack.ts";
import { digestOf } from "../lib/digest.ts";
import { DigestMismatchError } from "../lib/errors.ts";
import { type Image, type Layer, mediaTypes } from "../lib/oci.ts";
import { Daemon } from "./support/containerd.ts";
import { chunked, imageOf, layerOf, namesOf, writeLayer } from "./support/image.ts";

/** Builds an image of one layer for each of `files`, reusing layers. @returns it, and what was told */
async function build(
  daemon: Daemon,
  files: readonly string[],
  options: ContainerdOptions & { architecture?: string } = {},
) {
  const { architecture, ...rest } = options;
  const events: ContainerdEvent[] = [];
  await using writer = await openContainerd({
    address: daemon.address,
    ...rest,
    onEvent: (event) => events.push(event),
  });
  const layers = [];
  for (const file of files) {
    layers.push(
      await writer.reuse(file) ?? await writeLayer(writer, await layerOf({ [file]: file }), { key: file }),
    );
  }
  const image = await imageOf(layers, architecture);
  await writer.finish(image, namesOf("bima/unpack"));
  return {
    image,
    unpacked: events.filter((event) => event.kind === "unpacked").map(({ how }) => how === "present"),
  };
}

/** The committed snapshots by name. */
async function snapshots(daemon: Daemon, snapshotter: string, namespace = "default"): Promise<string[]> {
  const output = await daemon.ctr("-n", namespace, "snapshots", "--snapshotter", snapshotter, "ls");
  return output.trim().split("\n").slice(1).map((row) => row.split(/\s+/)[0] ?? "").sort();
}

async function chainOf(image: Image): Promise<string[]> {
  return (await chainIds(image.layers.map((layer) => layer.diffId))).sort();
}

Deno.test("chainIds() chains digests as the image specification says", async () => {
  const [a, b, c] = await Promise.all([1, 2, 3].map((byte) => digestOf(new Uint8Array([byte])))) as [
    `sha256:${string}`,
    `sha256:${string}`,
    `sha256:${string}`,
  ];
  const text = (content: string) => digestOf(new TextEncoder().encode(content));
  const second = await text(`${a} ${b}`);
  assertEquals(await chainIds([a, b, c]), [a, second, await text(`${second} ${c}`)]);
  assertEquals(await chainIds([]), []);
});

Deno.test("finish() unpacks images of every architecture", async () => {
  await using daemon = await Daemon.start();
  for (const architecture of ["amd64", "arm64", "riscv64"]) {
    const { image } = await build(daemon, ["kernel", architecture], { architecture });
    assertStringIncludes(await daemon.ctr("images", "ls"), `linux/${architecture}`);
    const folder = `${daemon.folder}/mnt-${architecture}`;
    await Deno.mkdir(folder);
    await daemon.ctr(
      "images",
      "mount",
      "--platform",
      `linux/${architecture}`,
      "docker.io/bima/unpack:latest",
      folder,
    );
    assertEquals(await Deno.readTextFile(`${folder}/${architecture}`), architecture);
    await daemon.ctr("images", "unmount", folder);
    assert(
      (await snapshots(daemon, "overlayfs")).includes(
        (await chainIds(image.layers.map((l) => l.diffId)))[1] ?? "",
      ),
    );
  }
  assertEquals(await daemon.leftovers(), []);
});

Deno.test("finish() skips what is unpacked already", async () => {
  await using daemon = await Daemon.start();
  const first = await build(daemon, ["a", "b"]);
  assertEquals(first.unpacked, [false, false]);
  assertEquals((await build(daemon, ["a", "b"])).unpacked, [true, true]);
  assertEquals((await build(daemon, ["a", "b", "c"])).unpacked, [true, true, false]);
  assertEquals((await build(daemon, ["b", "a"])).unpacked, [false, false]);
});

Deno.test("finish() leaves an image packed when told so, and a later build unpacks it", async () => {
  await using daemon = await Daemon.start();
  const { image, unpacked } = await build(daemon, ["a", "b"], { unpack: false });
  assertEquals(unpacked, []);
  assertEquals(await snapshots(daemon, "overlayfs"), []);
  assertEquals((await build(daemon, ["a", "b"])).unpacked, [false, false]);
  assertEquals(await snapshots(daemon, "overlayfs"), await chainOf(image));
});

Deno.test("finish() uses the snapshotter of the namespace, and the option before it", async () => {
  await using daemon = await Daemon.start();
  await daemon.ctr("namespaces", "create", "own", "containerd.io/defaults/snapshotter=native");
  const { image } = await build(daemon, ["a", "b"], { namespace: "own" });
  assertEquals(await snapshots(daemon, "native", "own"), await chainOf(image));
  assertEquals(await snapshots(daemon, "overlayfs", "own"), []);
  await build(daemon, ["a", "b"], { namespace: "own", snapshotter: "overlayfs" });
  assertEquals(await snapshots(daemon, "overlayfs", "own"), await chainOf(image));
});

Deno.test("finish() ties everything to the image, and nothing else holds it", async () => {
  await using daemon = await Daemon.start();
  const { image } = await build(daemon, ["a", "b"]);
  await collect(daemon);
  assertStringIncludes(await daemon.ctr("images", "check"), "complete (3/3)");
  assertEquals(await snapshots(daemon, "overlayfs"), await chainOf(image));
  await daemon.ctr("images", "rm", "--sync", "docker.io/bima/unpack:latest");
  assertEquals(await daemon.orphans(), []);
});

Deno.test("finish() ties documents that somebody else wrote", async () => {
  await using daemon = await Daemon.start();
  await using writer = await openContainerd({ address: daemon.address });
  const layer = await writeLayer(writer, await layerOf({ "kernel": "ELF" }));
  const image = await imageOf([layer]);
  for (const { descriptor, bytes } of [image.config, image.manifest]) {
    await Deno.writeFile(`${daemon.folder}/document`, bytes);
    await ingest(daemon, `${daemon.folder}/document`, descriptor.digest);
  }
  await writer.finish(image, namesOf("bima/unpack"));
  await collect(daemon);
  assertStringIncludes(await daemon.ctr("images", "check"), "complete (2/2)");
  assertEquals(await snapshots(daemon, "overlayfs"), await chainOf(image));
});

Deno.test("reuse() holds a layer whose image is removed", async () => {
  await using daemon = await Daemon.start();
  await build(daemon, ["a"]);
  await using writer = await openContainerd({ address: daemon.address });
  const layer = await writer.reuse("a");
  assert(layer !== undefined);
  await daemon.ctr("images", "rm", "--sync", "docker.io/bima/unpack:latest");
  await writer.finish(await imageOf([layer]), namesOf("bima/unpack"));
  await collect(daemon);
  assertStringIncludes(await daemon.ctr("images", "check"), "complete (2/2)");
});

Deno.test("finish() refuses a layer whose tar is another one than promised", async () => {
  await using daemon = await Daemon.start();
  {
    await using writer = await openContainerd({ address: daemon.address });
    const input = await layerOf({ "kernel": "ELF" });
    const diffId = await digestOf(new Uint8Array([1]));
    const layer = await writeLayer(writer, { ...input, diffId });
    await assertRejects(
      async () => await writer.finish(await imageOf([layer]), namesOf("bima/unpack")),
      DigestMismatchError,
      `the tar inside is ${input.diffId}, not ${diffId}`,
    );
  }
  assertEquals([...await daemon.leftovers(), ...await daemon.orphans()], []);
  assertEquals(await daemon.images(), new Map());
});

Deno.test("finish() says what containerd says of a layer that is no tar", async () => {
  await using daemon = await Daemon.start();
  {
    await using writer = await openContainerd({ address: daemon.address });
    const blob = await writer.blob("no tar");
    await chunked(new TextEncoder().encode("no tar")).pipeTo(blob.writable);
    const diffId = await digestOf(new Uint8Array([1]));
    const descriptor = await blob.commit({ mediaType: mediaTypes.layerGzip, diffId });
    await assertRejects(
      async () => await writer.finish(await imageOf([{ descriptor, diffId }]), namesOf("bima/unpack")),
      ContainerdError,
      `Cannot unpack layer "${descriptor.digest}" with snapshotter "overlayfs": `,
    );
  }
  assertEquals([...await daemon.leftovers(), ...await daemon.orphans()], []);
});

Deno.test("finish() says when the process of a snapshotter is not there", async () => {
  const config = '[proxy_plugins.ghost]\ntype = "snapshot"\naddress = "/nowhere/ghost.sock"';
  await using daemon = await Daemon.start({ config });
  {
    await using writer = await openContainerd({
      address: daemon.address,
      snapshotter: "ghost",
      timeout: 1000,
    });
    const layer = await writeLayer(writer, await layerOf({ "kernel": "ELF" }));
    const error = await assertRejects(
      async () => await writer.finish(await imageOf([layer]), namesOf("bima/unpack")),
      ContainerdError,
      "/nowhere/ghost.sock",
    );
    assertEquals([error.name, error.code], ["ContainerdError", "Unavailable"]);
  }
  assertEquals([...await daemon.leftovers(), ...await daemon.orphans()], []);
});

Deno.test("finish() stops between two layers when the signal fires", async () => {
  await using daemon = await Daemon.start();
  const controller = new AbortController();
  {
    await using writer = await openContainerd({
      address: daemon.address,
      signal: controller.signal,
      onEvent: (event) => event.kind === "unpacked" && controller.abort(new Error("interrupted")),
    });
    const layers = [
      await writeLayer(writer, await layerOf({ "a": "a" })),
      await writeLayer(writer, await layerOf({ "b": "b" })),
    ];
    await assertRejects(
      async () => await writer.finish(await imageOf(layers), namesOf("bima/unpack")),
      Error,
      "interrupted",
    );
  }
  assertEquals([...await daemon.leftovers(), ...await daemon.orphans()], []);
  assertEquals(await daemon.images(), new Map());
});

Deno.test("ready() unpacks a layer before the image is finished", async () => {
  await using daemon = await Daemon.start();
  const told: boolean[] = [];
  await using writer = await openContainerd({
    address: daemon.address,
    onEvent: (event) => event.kind === "unpacked" && told.push(event.how === "present"),
  });
  const layers = [];
  for (const name of ["a", "b", "c"]) layers.push(await writeLayer(writer, await layerOf({ [name]: name })));
  const [a, b] = layers as [Layer, Layer];
  writer.ready?.(b, 1);
  writer.ready?.(a, 0);
  await daemon.until((await chainIds([a.diffId, b.diffId]))[1] ?? "", "snapshots", "ls");
  const image = await imageOf(layers);
  await writer.finish(image, namesOf("bima/unpack"));
  assertEquals(told, [false, false, false]);
  assertEquals(await snapshots(daemon, "overlayfs"), await chainOf(image));
  assertEquals([...await daemon.leftovers(), ...await daemon.orphans()], []);
});

Deno.test("ready() does no harm when the layers come in another order, or not at all", async () => {
  await using daemon = await Daemon.start();
  await using writer = await openContainerd({ address: daemon.address });
  const layers = [];
  for (const name of ["a", "b", "c"]) layers.push(await writeLayer(writer, await layerOf({ [name]: name })));
  const [a, b, c] = layers as [Layer, Layer, Layer];
  for (const [index, layer] of [a, c].entries()) writer.ready?.(layer, index);
  const image = await imageOf([b, a]);
  await writer.finish(image, namesOf("bima/unpack"));
  assertEquals(await snapshots(daemon, "overlayfs"), await chainOf(image));
  assertEquals([...await daemon.leftovers(), ...await daemon.orphans()], []);
});

Deno.test("ready() of a layer that cannot be unpacked fails in finish()", async () => {
  await using daemon = await Daemon.start();
  {
    await using writer = await openContainerd({ address: daemon.address });
    const input = await layerOf({ "kernel": "ELF" });
    const layer = await writeLayer(writer, { ...input, diffId: await digestOf(new Uint8Array([1])) });
    writer.ready?.(layer, 0);
    await assertRejects(
      async () => await writer.finish(await imageOf([layer]), namesOf("bima/unpack")),
      DigestMismatchError,
    );
  }
  assertEquals([...await daemon.leftovers(), ...await daemon.orphans()], []);
});

Deno.test("disposing in the middle of early unpacking leaves nothing", async () => {
  await using daemon = await Daemon.start();
  {
    await using writer = await openContainerd({ address: daemon.address });
    const layer = await writeLayer(writer, await layerOf({ "kernel": new Uint8Array(100_000_000) }));
    writer.ready?.(layer, 0);
    await daemon.until("extract-", "snapshots", "ls");
  }
  assertEquals([...await daemon.leftovers(), ...await daemon.orphans()], []);
});

/** Makes containerd collect garbage, by giving back a lease of its own. */
async function collect(daemon: Daemon): Promise<void> {
  await daemon.ctr("leases", "create", "--id", "collect");
  await daemon.ctr("leases", "delete", "--sync", "collect");
}

/** Writes a file into the content store as `ctr` does it. */
async function ingest(daemon: Daemon, path: string, digest: string): Promise<void> {
  const process = daemon.spawnCtr("content", "ingest", "--expected-digest", digest, `test-${digest}`);
  using file = await Deno.open(path);
  await file.readable.pipeTo(process.stdin);
  assertEquals((await process.status).code, 0);
}
