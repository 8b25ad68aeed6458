/** The order in which the layers of a plan are opened, sent and committed, which no destination shows from outside. */
import { assertEquals, assertRejects } from "@std/assert";
import { digestOf } from "../lib/digest.ts";
import { writeLayers } from "../lib/layers.ts";
import type { Layer } from "../lib/oci.ts";
import type { ImagePlan } from "../lib/plan.ts";
import type { FileNode } from "../lib/tree.ts";
import type { BlobInfo, BlobOptions, ImageWriter } from "../lib/writer.ts";

/** A plan with one file in each layer; its name and text are the layer's title. */
function planOf(...titles: string[]): ImagePlan {
  const layers = titles.map((title) => {
    const bytes = new TextEncoder().encode(title);
    const content = { kind: "bytes", bytes } as const;
    const file: FileNode = {
      kind: "file",
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtime: 0,
      size: bytes.byteLength,
      content,
    };
    return { title, tree: new Map([[title, file]]) };
  });
  return {
    platform: { os: "linux", architecture: "amd64" },
    layers,
    history: [],
    config: { labels: {} },
    annotations: {},
  };
}

/** A destination that writes down what happens; a commit ends when it is let go. */
class Recorder implements ImageWriter {
  readonly calls: string[] = [];
  readonly #gates = new Map<string, PromiseWithResolvers<void>>();

  constructor(
    readonly parallel: boolean,
    readonly known: (key: string) => Layer | undefined = () => undefined,
  ) {}

  /** The end of a layer's commit. */
  gate(title: string): PromiseWithResolvers<void> {
    const gate = this.#gates.get(title) ?? Promise.withResolvers<void>();
    this.#gates.set(title, gate);
    return gate;
  }

  /** Resolves when something happened. */
  async until(call: string): Promise<void> {
    while (!this.calls.includes(call)) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  has(): Promise<boolean> {
    return Promise.resolve(false);
  }

  reuse(key: string): Promise<Layer | undefined> {
    return Promise.resolve(this.known(key));
  }

  blob(_ref: string, { title = "" }: BlobOptions = {}) {
    this.calls.push(`open ${title}`);
    return Promise.resolve({
      writable: new WritableStream<Uint8Array<ArrayBuffer>>({
        close: () => void this.calls.push(`sent ${title}`),
      }),
      commit: async ({ mediaType }: BlobInfo) => {
        this.calls.push(`commit ${title}`);
        await this.gate(title).promise;
        this.calls.push(`committed ${title}`);
        return { mediaType, digest: await digestOf(new TextEncoder().encode(title)), size: 1 };
      },
      abort: () => {
        this.calls.push(`abort ${title}`);
        return Promise.resolve();
      },
    });
  }

  ready(_layer: Layer, position: number): void {
    this.calls.push(`ready ${position}`);
  }

  finish(): never {
    throw new Error("not part of the layers");
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

const options = { context: ".", tag: "t", workers: 0 };

Deno.test("writeLayers() commits a layer when the next one is open, and sends that one meanwhile", async () => {
  const writer = new Recorder(true);
  const written = writeLayers(planOf("a", "b", "c"), writer, options);
  await writer.until("commit c");
  assertEquals(writer.calls, [
    ...["open a", "sent a", "open b", "commit a", "sent b", "open c", "commit b", "sent c", "commit c"],
  ]);
  for (const title of ["c", "a", "b"]) writer.gate(title).resolve();
  const digests = (await written).map(({ descriptor }) => descriptor.digest);
  const expected = ["a", "b", "c"].map((title) => digestOf(new TextEncoder().encode(title)));
  assertEquals(digests, await Promise.all(expected), "in the order of the plan");
});

Deno.test("writeLayers() has one blob open at a time where the destination wants that", async () => {
  const writer = new Recorder(false);
  const written = writeLayers(planOf("a", "b"), writer, options);
  await writer.until("commit a");
  assertEquals(writer.calls, ["open a", "sent a", "commit a"]);
  for (const title of ["a", "b"]) writer.gate(title).resolve();
  await written;
  assertEquals(writer.calls.slice(3), [
    ...["committed a", "ready 0", "open b", "sent b", "commit b", "committed b", "ready 1"],
  ]);
});

Deno.test("writeLayers() has at most four commits under way", async () => {
  const writer = new Recorder(true);
  const written = writeLayers(planOf("a", "b", "c", "d", "e", "f"), writer, options);
  await writer.until("commit c");
  // The fifth layer waits for the first one's commit.
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(writer.calls.at(-1), "sent d");
  for (const title of ["a", "b", "c", "d", "e", "f"]) writer.gate(title).resolve();
  assertEquals((await written).length, 6);
});

Deno.test("writeLayers() announces a layer that is used again before the next one is opened", async () => {
  const known: Layer = {
    descriptor: { mediaType: "m", digest: await digestOf(new Uint8Array()), size: 0 },
    diffId: await digestOf(new Uint8Array()),
  };
  let asked = 0;
  const writer = new Recorder(true, () => asked++ === 0 ? known : undefined);
  writer.gate("b").resolve();
  const [first, second] = await writeLayers(planOf("a", "b"), writer, options);
  assertEquals([first?.reused, second?.reused], [true, false]);
  assertEquals(writer.calls.slice(0, 2), ["ready 0", "open b"]);
});

Deno.test("writeLayers() fails with the first failure, after what was under way", async () => {
  const writer = new Recorder(true);
  const written = writeLayers(planOf("a", "b", "c"), writer, options);
  await writer.until("commit c");
  writer.gate("b").reject(new RangeError("no room"));
  await writer.until("abort b");
  for (const title of ["a", "c"]) writer.gate(title).resolve();
  await assertRejects(() => written, RangeError, "no room");
  assertEquals(writer.calls.filter((call) => call.startsWith("committed")), ["committed a", "committed c"]);
});

Deno.test("writeLayers() opens nothing when it is stopped before", async () => {
  const writer = new Recorder(true);
  const signal = AbortSignal.abort(new RangeError("stopped"));
  await assertRejects(() => writeLayers(planOf("a"), writer, { ...options, signal }), RangeError, "stopped");
  assertEquals(writer.calls, []);
});
