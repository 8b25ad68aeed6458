/** Layers: one pass, the same bytes, and keys that change with their input. */
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { openContext } from "../lib/context.ts";
import { type Digest, digestOf } from "../lib/digest.ts";
import { PathError } from "../lib/errors.ts";
import { GzipPool } from "../lib/gzip.ts";
import { layerKey, type LayerOptions, openLayer, sizeOf, type WrittenLayer } from "../lib/layer.ts";
import { type Layer, mediaTypes } from "../lib/oci.ts";
import type { LayerTree } from "../lib/rootfs.ts";
import type { FileNode, ImageNode } from "../lib/tree.ts";
import type { BlobInfo, BlobOptions, ImageWriter } from "../lib/writer.ts";
import { Folder } from "./support/bima.ts";
import { noise } from "./support/image.ts";

const common = { mode: 0o644, uid: 0, gid: 0, mtime: 0 };

function bytesNode(bytes: Uint8Array<ArrayBuffer>): FileNode {
  return { ...common, kind: "file", size: bytes.byteLength, content: { kind: "bytes", bytes } };
}

const tree: LayerTree = new Map<string, ImageNode>([
  ["dir", { ...common, kind: "directory", mode: 0o755 }],
  ["dir/large", bytesNode(noise((3 << 20) + 5))],
  ["dir/link", { ...common, kind: "symlink", target: "large" }],
  ["small", bytesNode(new TextEncoder().encode("small"))],
]);

/** A destination in memory that writes down what it is asked to do. */
class Memory implements ImageWriter {
  readonly parallel = true;
  readonly calls: string[] = [];
  readonly hints: (number | undefined)[] = [];
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array();
  info: BlobInfo | undefined;

  /** @param known what it has under every key; @param fails what each write fails with */
  constructor(readonly known?: Layer, readonly fails?: Error) {}

  has() {
    return Promise.resolve(false);
  }

  reuse(key: string) {
    this.calls.push(`reuse ${key}`);
    return Promise.resolve(this.known);
  }

  blob(ref: string, { sizeHint }: BlobOptions = {}) {
    this.calls.push(`blob ${ref}`);
    this.hints.push(sizeHint);
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    const writable = new WritableStream<Uint8Array<ArrayBuffer>>({
      write: (chunk) => {
        if (this.fails !== undefined) throw this.fails;
        chunks.push(chunk);
      },
    });
    return Promise.resolve({
      writable,
      commit: async (info: BlobInfo) => {
        this.calls.push("commit");
        this.info = info;
        this.bytes = await new Blob(chunks).bytes();
        return { mediaType: info.mediaType, digest: await digestOf(this.bytes), size: this.bytes.byteLength };
      },
      abort: () => {
        this.calls.push("abort");
        return Promise.resolve();
      },
    });
  }

  finish(): never {
    throw new Error("not part of a layer");
  }

  async [Symbol.asyncDispose]() {}
}

/** Opens, sends and commits a layer. */
async function writeLayer(
  tree: LayerTree,
  writer: ImageWriter,
  options: Omit<LayerOptions, "title" | "place">,
): Promise<WrittenLayer> {
  const place = { position: 0, below: () => undefined };
  const layer = await openLayer(tree, writer, { title: "COPY . /", place, ...options });
  await layer.send();
  return await layer.commit();
}

async function gunzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).bytes();
}

Deno.test("a layer names the blob and the tar inside by what was written", async () => {
  using pool = new GzipPool({ workers: 0 });
  const writer = new Memory();
  const layer = await writeLayer(tree, writer, { pool, level: 6 });
  const tar = await gunzip(writer.bytes);
  assertEquals(layer, {
    descriptor: {
      mediaType: mediaTypes.layerGzip,
      digest: await digestOf(writer.bytes),
      size: writer.bytes.byteLength,
    },
    diffId: await digestOf(tar),
    reused: false,
  });
  const key = layerKey(tree, 6);
  assertEquals(writer.calls, [`reuse ${key}`, `blob layer-${key}`, "commit"]);
  assertEquals(writer.info, { mediaType: mediaTypes.layerGzip, diffId: layer.diffId, key: key ?? "" });
  assert((writer.hints[0] ?? 0) >= tar.byteLength, "the hint is an upper bound");
});

Deno.test("a layer bounds the size of a tar with long names and targets from above", async () => {
  using pool = new GzipPool({ workers: 0 });
  const long = "ü/".repeat(1300);
  const trees: LayerTree[] = [
    new Map(),
    new Map([[`${long}x`, bytesNode(new Uint8Array(1))]]),
    new Map([["x", { ...common, uid: 3_000_000, mtime: -1, kind: "symlink", target: long }]]),
  ];
  for (const tree of trees) {
    const writer = new Memory();
    await writeLayer(tree, writer, { pool, level: 1 });
    assert((writer.hints[0] ?? 0) >= (await gunzip(writer.bytes)).byteLength);
  }
});

Deno.test("a layer gives the same bytes whatever the pool", async () => {
  const digests = new Set<Digest>();
  for (const workers of [0, 1, 2, 3]) {
    using pool = new GzipPool({ workers });
    for (let run = 0; run < 2; run++) {
      const { descriptor } = await writeLayer(tree, new Memory(), { pool, level: 6 });
      digests.add(descriptor.digest);
    }
  }
  assertEquals(digests.size, 1);
});

Deno.test("a layer takes the destination's own layer for the same key", async () => {
  using pool = new GzipPool({ workers: 0 });
  const digest: Digest = `sha256:${"1".repeat(64)}`;
  const known = { descriptor: { mediaType: mediaTypes.layerGzip, digest, size: 1 }, diffId: digest };
  const writer = new Memory(known);
  assertEquals(await writeLayer(tree, writer, { pool, level: 6 }), { ...known, reused: true });
  assertEquals(writer.calls, [`reuse ${layerKey(tree, 6)}`]);
});

Deno.test("a layer does not ask for a layer of files that were just written", async () => {
  using pool = new GzipPool({ workers: 0 });
  using folder = new Folder({ file: "fresh" });
  const node = openContext(folder.path).node("file");
  assert(node?.kind === "file");
  const writer = new Memory();
  await writeLayer(new Map([["file", node]]), writer, { pool, level: 6 });
  assertEquals(writer.calls.map((call) => call.replace(/[0-9a-f-]{36}$/, "UUID")), [
    "blob layer-UUID",
    "commit",
  ]);
  assertEquals(Object.hasOwn(writer.info ?? {}, "key"), false);
});

Deno.test("a layer tells how many bytes of the tar went by", async () => {
  using pool = new GzipPool({ workers: 0 });
  const writer = new Memory();
  let sum = 0;
  await writeLayer(tree, writer, { pool, level: 1, onBytes: (count) => void (sum += count) });
  assertEquals(sum, (await gunzip(writer.bytes)).byteLength);
});

Deno.test("a layer takes the blob back when a file fails in the middle", async () => {
  using folder = new Folder({ a: noise(2 << 20), b: noise(3 << 20) });
  const context = openContext(folder.path);
  const nodes = new Map<string, FileNode>();
  for (const name of ["a", "b"]) {
    const node = context.node(name);
    if (node?.kind === "file") nodes.set(name, node);
  }
  folder.write("b", "short");
  for (const workers of [0, 2]) {
    using pool = new GzipPool({ workers });
    const writer = new Memory();
    const error = await assertRejects(() => writeLayer(nodes, writer, { pool, level: 1 }), PathError);
    assertEquals(
      error.message,
      `Cannot read "b": it changed during the build: it has 5 bytes now, it had ${3 << 20}`,
    );
    assertEquals(writer.calls.slice(-1), ["abort"]);
    assert(!writer.calls.includes("commit"));
  }
});

Deno.test("a layer takes the blob back when the destination fails", async () => {
  using pool = new GzipPool({ workers: 1 });
  const writer = new Memory(undefined, new RangeError("full"));
  await assertRejects(() => writeLayer(tree, writer, { pool, level: 1 }), RangeError, "full");
  assertEquals(writer.calls.slice(2), ["abort"]);
});

Deno.test("a layer takes the blob back when it is told to stop, before or in the middle", async () => {
  for (const before of [true, false]) {
    using pool = new GzipPool({ workers: 1 });
    const stop = new AbortController();
    const reason = new RangeError("stopped");
    if (before) stop.abort(reason);
    const writer = new Memory();
    const onBytes = (): void => stop.abort(reason);
    const { signal } = stop;
    await assertRejects(
      () => writeLayer(tree, writer, { pool, level: 1, signal, onBytes }),
      RangeError,
      "stopped",
    );
    assertEquals(writer.calls.slice(2), ["abort"]);
  }
});

Deno.test("a layer ends when the listener throws", async () => {
  using pool = new GzipPool({ workers: 0 });
  const writer = new Memory();
  const onBytes = (): never => {
    throw new RangeError("listener");
  };
  await assertRejects(() => writeLayer(tree, writer, { pool, level: 1, onBytes }), RangeError, "listener");
  assertEquals(writer.calls.slice(2), ["abort"]);
});

const now = 1_700_000_000_000;
const identity = { device: 1, inode: 2, mtime: now - 60_000, ctime: now - 60_000 };

function diskNode(
  changes: Partial<FileNode> = {},
  other: Partial<typeof identity> = {},
  path = "/f",
): FileNode {
  const content = { kind: "disk", path, title: "f", identity: { ...identity, ...other } } as const;
  return { ...common, kind: "file", size: 3, content, ...changes };
}

function key(nodes: Readonly<Record<string, ImageNode>>, level = 6): string | undefined {
  return layerKey(new Map(Object.entries(nodes)), level, now);
}

Deno.test("layerKey() changes with everything that a layer is made of", () => {
  const text = (content: string): FileNode => bytesNode(new TextEncoder().encode(content));
  const directory: ImageNode = { ...common, kind: "directory" };
  const link: ImageNode = { ...common, kind: "symlink", target: "t" };
  const keys = [
    key({}),
    key({}, 5),
    key({ f: diskNode() }),
    key({ f: diskNode() }, 5),
    key({ g: diskNode() }),
    key({ f: diskNode({ mode: 0o755 }) }),
    key({ f: diskNode({ uid: 1 }) }),
    key({ f: diskNode({ gid: 1 }) }),
    key({ f: diskNode({ mtime: 1 }) }),
    key({ f: diskNode({ size: 4 }) }),
    key({ f: diskNode({}, { device: 9 }) }),
    key({ f: diskNode({}, { inode: 9 }) }),
    key({ f: diskNode({}, { mtime: identity.mtime - 1 }) }),
    key({ f: diskNode({}, { ctime: identity.ctime - 1 }) }),
    key({ f: diskNode({}, {}, "/other") }),
    key({ f: text("a") }),
    key({ f: text("b") }),
    key({ f: text("") }),
    key({ f: directory }),
    key({ f: { ...directory, mode: 0o700 } }),
    key({ f: link }),
    key({ f: { ...link, target: "u" } }),
    key({ f: directory, g: directory }),
    key({ f: { ...link, target: '"],["g' } }),
  ];
  assertEquals(keys.filter((one, index) => one === undefined || keys.indexOf(one) !== index), []);
  assert(keys.every((one) => /^[0-9a-f]{64}$/.test(one ?? "")));
});

Deno.test("layerKey() is the same for the same input", () => {
  assertEquals(
    key({ a: diskNode(), b: bytesNode(noise(5)) }),
    key({ a: diskNode(), b: bytesNode(noise(5)) }),
  );
  // The times are those of the files, not that of the build.
  assertEquals(layerKey(new Map([["f", diskNode()]]), 6, now + 1e9), key({ f: diskNode() }));
});

Deno.test("layerKey() gives none for files that changed less than three seconds ago, or in the future", () => {
  for (const attribute of ["mtime", "ctime"]) {
    const at = (time: number) => key({ a: diskNode(), f: diskNode({}, { [attribute]: time }) });
    for (const time of [now - 2999, now - 1, now, now + 1, now + 1e9]) assertEquals(at(time), undefined);
    assertNotEquals(at(now - 3000), undefined);
  }
});

Deno.test("layerKey() takes the attributes of a real file", () => {
  using folder = new Folder({ f: "text" });
  const keys = [];
  for (
    const change of [() => {}, () => Deno.chmodSync(folder.at("f"), 0o600), () => folder.write("f", "TEXT")]
  ) {
    change();
    const node = openContext(folder.path).node("f");
    assert(node?.kind === "file");
    keys.push(layerKey(new Map([["f", node]]), 6, Date.now() + 10_000));
    assertEquals(layerKey(new Map([["f", node]]), 6), undefined, "it is fresh");
  }
  assert(keys[0] !== undefined && keys[0] !== keys[1]);
});

Deno.test("sizeOf() adds up the files", () => {
  assertEquals(sizeOf(tree), (3 << 20) + 5 + 5);
  assertEquals(sizeOf(new Map()), 0);
});
