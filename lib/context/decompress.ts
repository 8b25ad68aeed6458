/**
 * Streams that may be compressed: gzip and zstd are recognised by their first bytes.
 *
 * @module
 */
import { pipeline, Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { BimaError, messageOf } from "../errors.ts";

/** The first bytes of each form. zstd may also begin with a skippable frame (RFC 8878, section 3.1). */
const forms = [
  { name: "gzip", magic: [0x1f, 0x8b], open: createGunzip },
  { name: "zstd", magic: [0x28, 0xb5, 0x2f, 0xfd], open: createZstdDecompress },
  { name: "zstd", magic: [undefined, 0x2a, 0x4d, 0x18], open: createZstdDecompress },
  { name: "bzip2", magic: [0x42, 0x5a, 0x68] },
  { name: "xz", magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a] },
  { name: "lzip", magic: [0x4c, 0x5a, 0x49, 0x50] },
  { name: "zip", magic: [0x50, 0x4b, 0x03, 0x04] },
] as const;

/** As many bytes as the longest magic has. */
const headLength = 5;

/** Bytes that are too many, damaged or of a form that cannot be read. */
export class FormatError extends BimaError {}

/**
 * Reads a stream to its end.
 *
 * @param stream what to read; it is cancelled when the caller stops early
 * @param signal stops the reading. Default: never
 * @returns the bytes, decompressed when they were compressed
 * @throws {FormatError} when they are damaged, or compressed with something else
 */
export async function* decompressed(
  stream: ReadableStream<Uint8Array>,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const chunks = readChunks(stream, signal);
  const head: Uint8Array[] = [];
  let length = 0;
  while (length < headLength) {
    const { value, done } = await chunks.next();
    if (done) break;
    head.push(value);
    length += value.byteLength;
  }
  const first = new Uint8Array(head.flatMap((chunk) => [...chunk.subarray(0, headLength)]));
  const form = forms.find(({ magic }) => magic.every((byte, at) => byte === undefined || byte === first[at]));
  const whole = prepend(head, chunks);
  if (form === undefined) return yield* whole;
  if (!("open" in form)) {
    await whole.return();
    throw new FormatError(`it is compressed with ${form.name}, expected a plain tar, gzip or zstd`);
  }
  yield* through(form, whole);
}

async function* through(
  { name, open }: { readonly name: string; readonly open: () => ReturnType<typeof createGunzip> },
  chunks: AsyncGenerator<Uint8Array, void, void>,
): AsyncGenerator<Uint8Array, void, void> {
  const source = Readable.from(chunks, { objectMode: false });
  const stage = open();
  let unreadable: unknown;
  source.on("error", (error: unknown) => unreadable = error);
  using _caught = catchThrown(stage);
  // Errors come out of the stage, in the loop below.
  pipeline(source, stage, () => {});
  try {
    for await (const chunk of stage) yield chunk;
  } catch (error) {
    if (unreadable !== undefined) throw unreadable;
    throw new FormatError(`its ${name} data is damaged: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * The runtime throws zstd's errors where nobody can catch them, instead of emitting them (Deno 2.7 to 2.9). They are
 * brought back to the stage for as long as it is in use.
 */
function catchThrown(stage: ReturnType<typeof createGunzip>): Disposable {
  const bring = (event: ErrorEvent): void => {
    if (!/zstd/i.test(event.message)) return;
    event.preventDefault();
    stage.destroy(new Error(messageOf(event.error)));
  };
  addEventListener("error", bring);
  return { [Symbol.dispose]: () => removeEventListener("error", bring) };
}

async function* prepend(
  head: readonly Uint8Array[],
  rest: AsyncGenerator<Uint8Array, void, void>,
): AsyncGenerator<Uint8Array, void, void> {
  try {
    yield* head;
    yield* rest;
  } finally {
    await rest.return();
  }
}

/** The chunks of a stream; a read that waits is given up when the signal fires. */
export async function* readChunks(
  stream: ReadableStream<Uint8Array>,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const reader = stream.getReader();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal?.reason);
  aborted.catch(() => {});
  signal?.addEventListener("abort", stop);
  try {
    signal?.throwIfAborted();
    for (;;) {
      const { value, done } = await Promise.race([reader.read(), aborted]);
      if (done) return;
      if (value.byteLength > 0) yield value;
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    // Not awaited: it waits for a read that is under way, and nobody may ever write to a terminal or pipe.
    reader.cancel().catch(() => {});
  }
}
