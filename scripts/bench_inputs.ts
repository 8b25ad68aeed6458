/**
 * What is measured: build contexts, the same ones each time.
 *
 * @module
 */

/** One MiB. */
export const MiB = 1 << 20;

const labels = `
LABEL com.urunc.unikernel.hypervisor="qemu" \\
      com.urunc.unikernel.unikernelType="unikraft" \\
      com.urunc.unikernel.binary="/unikernel/kernel.elf" \\
      com.urunc.unikernel.cmdline="console=ttyS0"
`;

/** What a context is made of. */
export interface ContextShape {
  /** The size of the unikernel, in MiB; a real kernel stands at its beginning. */
  readonly kernel: number;
  /** How many small files there are beside it. */
  readonly files: number;
}

/**
 * Writes a context with a Containerfile.
 *
 * @param folder where; it is made
 * @param shape how large
 */
export async function writeContext(folder: string, { kernel, files }: ContextShape): Promise<void> {
  await Deno.mkdir(folder);
  const copies = ["FROM scratch", "COPY kernel.elf /unikernel/kernel.elf"];
  if (files > 0) copies.push("COPY files /files");
  await Deno.writeTextFile(`${folder}/Containerfile`, copies.join("\n") + labels);
  await writeKernel(`${folder}/kernel.elf`, kernel);
  if (files > 0) await writeFiles(`${folder}/files`, files);
}

/** A kernel that boots, and behind it what a large one consists of: machine code, zeros, and compressed data. */
async function writeKernel(path: string, size: number): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true });
  using code = await Deno.open(Deno.execPath());
  const codeSize = (await code.stat()).size;
  const piece = new Uint8Array(MiB);
  const next = random(size);
  await file.write(await Deno.readFile(new URL("../examples/hello/hello.elf", import.meta.url)));
  for (let index = 0; index < size; index++) {
    // Of ten pieces seven are code, two are noise and one is empty.
    const kind = index % 10;
    if (kind === 9) piece.fill(0);
    else if (kind >= 7) fillNoise(piece, next);
    else {
      await code.seek((index * MiB) % (codeSize - MiB), Deno.SeekMode.Start);
      await code.read(piece);
      // Other machine code at each turn.
      for (let at = index % 61; at < piece.length; at += 61) piece[at] = next() & 0xff;
    }
    await file.write(piece);
  }
}

/** Files of 100 to 4,000 bytes, a hundred in each directory. */
async function writeFiles(folder: string, count: number): Promise<void> {
  const next = random(count);
  const text = new TextEncoder().encode("one line of a configuration file = true\n".repeat(100));
  for (let index = 0; index < count; index++) {
    const directory = `${folder}/${String(Math.floor(index / 100)).padStart(4, "0")}`;
    if (index % 100 === 0) await Deno.mkdir(directory, { recursive: true });
    const bytes = text.slice(0, 100 + next() % 3900);
    fillNoise(bytes.subarray(0, bytes.length >> 2), next);
    Deno.writeFileSync(`${directory}/${index}.conf`, bytes);
  }
}

function fillNoise(bytes: Uint8Array<ArrayBuffer>, next: () => number): void {
  for (let at = 0; at < bytes.length; at++) bytes[at] = next() >>> 24;
}

/** @returns a generator of 32-bit numbers (xorshift, Marsaglia 2003): the same ones for the same seed */
function random(seed: number): () => number {
  let state = (seed + 1) * 0x9e3779b1 >>> 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>>= 0;
  };
}
