/**
 * The work that {@linkcode GzipPool} hands out, and the source of the workers that do it.
 *
 * The workers' module is a `data:` URL. So it is found wherever the program runs from (its sources, a bundle, a
 * compiled executable, a URL), and starting it takes no permission.
 *
 * @module
 */

/** How much input is compressed at once, in bytes. It decides the output's bytes, so it never changes. */
export const blockSize = 1 << 20;

/** How far back a block may refer, in bytes (RFC 1951, section 2). */
export const windowSize = 1 << 15;

/** How large the buffer of a block is, in bytes: its dictionary, itself, and room for what does not shrink. */
export const bufferSize = windowSize + blockSize;

/** One block to compress. */
export interface GzipBlock {
  /** Has {@linkcode bufferSize} bytes: the dictionary, then the block. The output takes their place. */
  readonly buffer: ArrayBuffer;
  /** How long the dictionary is, in bytes: where the block begins. */
  readonly start: number;
  /** Where the block ends. */
  readonly end: number;
  /** Whether it is the last one of its stream. Another one ends with a sync flush, so that one can follow. */
  readonly last: boolean;
  /** From 1 (fast) to 9 (small). */
  readonly level: number;
}

/** What a worker answers for a block. */
export interface GzipAnswer {
  /** The buffer of the block. */
  readonly buffer: ArrayBuffer;
  /** How many bytes at its beginning are the output. */
  readonly size: number;
}

/** What `wasm/deflate.ts` exports. */
interface DeflateExports {
  readonly memory: WebAssembly.Memory;
  input(): number;
  output(): number;
  deflate(start: number, end: number, last: number, level: number): number;
}

/**
 * Makes a compressor. Its text is also part of the worker's source, so it may use nothing from outside of itself.
 *
 * @param module the compiled `wasm/deflate.ts`
 * @returns a function that puts raw DEFLATE data in the place of a block and says how many bytes they are
 */
export function createCompressor(module: WebAssembly.Module): (block: GzipBlock) => number {
  const wasm = new WebAssembly.Instance(module).exports as unknown as DeflateExports;
  const memory = new Uint8Array(wasm.memory.buffer);
  return ({ buffer, start, end, last, level }) => {
    const bytes = new Uint8Array(buffer);
    memory.set(bytes.subarray(0, end), wasm.input());
    const size = wasm.deflate(start, end, last ? 1 : 0, level);
    bytes.set(memory.subarray(wasm.output(), wasm.output() + size));
    return size;
  };
}

/**
 * Where workers get their module from. First they want the compiled `wasm/deflate.ts`, which they confirm with
 * `true`; then every {@linkcode GzipBlock} is answered with a {@linkcode GzipAnswer}, in order.
 *
 * @returns a `data:` URL
 */
export function workerUrl(): string {
  const source = `
    const create = ${createCompressor};
    let compress;
    onmessage = ({ data }) => {
      if (compress === undefined) {
        compress = create(data);
        postMessage(true);
      } else {
        const size = compress(data);
        postMessage({ buffer: data.buffer, size }, [data.buffer]);
      }
    };`;
  return `data:text/javascript;base64,${btoa(source)}`;
}
