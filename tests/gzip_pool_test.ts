/** The workers of the gzip stage: when they start, where they are found, and what happens when they do not work. */
import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { digestOf } from "../lib/digest.ts";
import { BimaError, UsageError } from "../lib/errors.ts";
import { GzipPool, GzipStream } from "../lib/gzip.ts";
import { gzip, MiB, mixture, readyPool } from "./support/gzip.ts";

/** Runs with another Worker class in the place of the runtime's. */
async function withWorker(replacement: unknown, run: () => Promise<void>): Promise<void> {
  const original = globalThis.Worker;
  Object.assign(globalThis, { Worker: replacement });
  try {
    await run();
  } finally {
    Object.assign(globalThis, { Worker: original });
  }
}

/** A Worker class whose workers run this source, whatever they are asked to run. */
function workerWith(source: string): unknown {
  const Original = globalThis.Worker;
  return function () {
    return new Original(`data:text/javascript,${encodeURIComponent(source)}`, { type: "module" });
  };
}

const input = mixture(9 * MiB);

async function digestWithout(): Promise<string> {
  using pool = new GzipPool({ workers: 0 });
  return await digestOf(await gzip([input], { pool, level: 1 }));
}

Deno.test("GzipPool starts no worker for little, and all of them for much", async () => {
  using little = new GzipPool({ workers: 2 });
  await gzip([mixture(3 * MiB)], { pool: little, level: 9 });
  // A worker would be ready by then.
  using much = await readyPool(2);
  assertEquals([little.workers, much.workers], [0, 2]);
});

Deno.test("GzipPool refuses a number of workers that is none", () => {
  for (const workers of [-1, 0.5, NaN]) {
    assertThrows(
      () => new GzipPool({ workers }),
      UsageError,
      `Cannot compress with ${workers} workers: expected`,
    );
  }
});

Deno.test("GzipPool does without workers where none can be made", async () => {
  const refuse = function () {
    throw new Error("no workers here");
  };
  await withWorker(refuse, async () => {
    using pool = new GzipPool({ workers: 2 });
    assertEquals(await digestOf(await gzip([input], { pool, level: 1 })), await digestWithout());
    assertEquals(pool.workers, 0);
  });
});

Deno.test("GzipPool does without workers that never get ready", async () => {
  await withWorker(workerWith("onmessage = () => {};"), async () => {
    using pool = new GzipPool({ workers: 2 });
    assertEquals(await digestOf(await gzip([input], { pool, level: 1 })), await digestWithout());
    assertEquals(pool.workers, 0);
  });
});

Deno.test("GzipPool fails what it has not finished when it is disposed of, and what comes later", async () => {
  const pool = new GzipPool({ workers: 2 });
  const chunks = ReadableStream.from((function* () {
    for (let chunk = 0;; chunk++) {
      if (chunk === 20) pool[Symbol.dispose]();
      yield mixture(MiB);
    }
  })());
  const packed = chunks.pipeThrough(new GzipStream({ pool, level: 1 }));
  await assertRejects(
    () => new Response(packed).arrayBuffer(),
    BimaError,
    "Cannot compress: the pool is closed",
  );
  await assertRejects(() => gzip([input], { pool }), BimaError, "Cannot compress: the pool is closed");
});

/** A program that compresses with two workers, and says how many there were and what the digest or the error is. */
const program = `
  import { createHash } from "node:crypto";
  import { GzipPool, GzipStream } from ${JSON.stringify(new URL("../lib/gzip.ts", import.meta.url))};
  const hash = createHash("sha256");
  using pool = new GzipPool({ workers: 2 });
  const bytes = new Uint8Array(1 << 20).map((_, index) => index * index >> 7);
  const stream = () => ReadableStream.from(Array(20).fill(bytes)).pipeThrough(new GzipStream({ pool, level: 6 }));
  try {
    for await (const chunk of stream()) hash.update(chunk);
    // Enough to do for workers to come up, if they can.
    for (let round = 0; round < 20 && pool.workers < 2; round++) await stream().pipeTo(new WritableStream());
    console.log(pool.workers, hash.digest("hex"));
  } catch (error) {
    console.log(pool.workers, error.name, error.message);
  }
`;

async function deno(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).trim();
}

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("GzipPool finds its workers without a permission, from the sources and in a bundle", async () => {
  await withFolder(async (folder) => {
    const source = `${folder}/program.ts`;
    const bundle = `${folder}/bundle.js`;
    await Deno.writeTextFile(source, program);
    await deno("bundle", "--quiet", "--no-config", "--minify", "--output", bundle, source);
    const fromSource = await deno("run", "--no-config", "--no-prompt", source);
    const fromBundle = await deno("run", "--no-config", "--no-prompt", bundle);
    assertMatch(fromSource, /^2 [0-9a-f]{64}$/);
    assertEquals(fromBundle, fromSource);
  });
});

/** Runs the program with workers that have another source. In a process of its own: what workers throw is printed. */
async function runWith(workerSource: string): Promise<string> {
  const url = `data:text/javascript,${encodeURIComponent(workerSource)}`;
  const replace = `
    const Original = Worker;
    globalThis.Worker = function () {
      return new Original(${JSON.stringify(url)}, { type: "module" });
    };`;
  let output = "";
  await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/program.ts`, replace + program);
    output = await deno("run", "--no-config", "--no-prompt", `${folder}/program.ts`);
  });
  return output;
}

Deno.test("GzipPool does without workers that fail before they are ready", async () => {
  assertMatch(await runWith("throw new Error('no memory');"), /^0 [0-9a-f]{64}$/);
  assertMatch(await runWith("onmessage = () => { throw new Error('no memory'); };"), /^0 [0-9a-f]{64}$/);
  assertMatch(await runWith("this is no program"), /^0 [0-9a-f]{64}$/);
});

Deno.test("GzipPool reports a worker that fails at work", async () => {
  const output = await runWith(`
    let ready = false;
    onmessage = () => {
      if (ready) throw new Error("out of memory");
      ready = true;
      postMessage(true);
    };`);
  assertMatch(output, /^\d BimaError Cannot compress: a worker failed: Uncaught .*out of memory/);
});
