/**
 * What a unikernel's binary is: its format and the platform that it boots on, from as few bytes as possible.
 *
 * @module
 */
import { BinaryError, requireWhole } from "./binary/error.ts";
import { type ByteSource, fileSource, prefixSource, type ReadAt } from "./binary/byte_source.ts";
import { checkElfContents, isElf, parseElfHeader } from "./elf.ts";
import { foreignFormat, showBytes } from "./binary/foreign.ts";
import { gunzipHead, isGzip } from "./binary/gunzip_head.ts";
import { parseKernelHeader, parseZboot } from "./kernel.ts";
import {
  checkPeSections,
  isMz,
  parsePeHeader,
  type PeHeader,
  peHeaderSize,
  peOffset,
  peSectionSize,
} from "./pe.ts";
import type { Platform } from "./platform.ts";

export { BinaryError } from "./binary/error.ts";
export type { ReadAt } from "./binary/byte_source.ts";

/** The formats of binaries that bima recognises. A kernel wrapped in gzip has the format of what is inside. */
export const binaryFormats = ["elf", "pe", "arm64-image", "riscv-image", "bzimage"] as const;

/** One of {@linkcode binaryFormats}. */
export type BinaryFormat = typeof binaryFormats[number];

/** What a binary is. */
export interface BinaryInfo {
  /** How it is stored. */
  readonly format: BinaryFormat;
  /** What it boots on; the system is always `linux`, see {@linkcode Platform}. */
  readonly platform: Platform;
  /** For people, such as `ELF 64-bit little-endian, aarch64`. */
  readonly description: string;
}

/** Options of {@linkcode identifyBinary}. */
export interface IdentifyOptions {
  /** The file's name for messages. Default: none. */
  readonly file?: string;
}

/** How much of a compressed kernel is looked at, before and after decompression, in bytes. */
const gzipWindow = 65536;

/**
 * Finds out which machine a binary is for, and refuses one that is damaged or cannot boot.
 *
 * Reads 4096 bytes in the common case, and tables that lie further on.
 *
 * @param read reads from the binary
 * @param size its size in bytes
 * @param options a name for messages
 * @returns format, platform and a description
 * @throws {BinaryError} that says what was found; what `read` throws is passed on
 *
 * @example
 * ```ts
 * import { identifyBinary, type ReadAt } from "./binary.ts";
 *
 * const bytes = await Deno.readFile("examples/hello/hello.elf");
 * const read: ReadAt = (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length));
 * const { platform } = await identifyBinary(read, bytes.byteLength);
 * console.log(platform.architecture); // amd64
 * ```
 */
export async function identifyBinary(
  read: ReadAt,
  size: number,
  options: IdentifyOptions = {},
): Promise<BinaryInfo> {
  try {
    return await identify(await fileSource(read, size));
  } catch (error) {
    if (error instanceof BinaryError && options.file !== undefined) throw error.named(options.file);
    throw error;
  }
}

async function identify(source: ByteSource): Promise<BinaryInfo> {
  const { head } = source;
  if (head.byteLength === 0) throw new BinaryError("it is empty");
  if (isGzip(head)) return await identifyGzip(source);
  return await identifyPlain(source) ?? refuse(head);
}

async function identifyPlain(source: ByteSource): Promise<BinaryInfo | undefined> {
  const { head, size } = source;
  if (isElf(head)) return await identifyElf(source);
  const kernel = parseKernelHeader(head, size);
  if (kernel !== undefined) {
    // An Image with an EFI stub is a PE file as well, and only that says how long it must be.
    if (kernel.format !== "bzimage" && isMz(head)) await readPe(source);
    return kernel;
  }
  if (!isMz(head)) return undefined;
  const pe = await readPe(source);
  const zboot = parseZboot(head, size);
  const inside = zboot === undefined ? "" : `, with a kernel compressed by ${zboot.compression}`;
  return { format: "pe", platform: pe.platform, description: pe.description + inside };
}

async function identifyElf(source: ByteSource): Promise<BinaryInfo> {
  const header = parseElfHeader(source.head, source.size);
  const { offset, count, entrySize } = header.segments;
  const table = await source.bytes(Number(offset), count * entrySize);
  if (table !== undefined) checkElfContents(header, table, source.size);
  return { format: "elf", platform: header.platform, description: header.description };
}

async function readPe(source: ByteSource): Promise<PeHeader> {
  const offset = peOffset(source.head, source.size);
  const bytes = await source.bytes(offset, peHeaderSize);
  if (bytes === undefined) throw new BinaryError(`a PE header at ${offset}, further on than bima looks`);
  const header = parsePeHeader(bytes, offset);
  const length = header.sectionCount * peSectionSize;
  requireWhole("the section table", header.sectionOffset + length, source.size);
  const table = await source.bytes(header.sectionOffset, length);
  if (table !== undefined) checkPeSections(table, source.size);
  return header;
}

async function identifyGzip(source: ByteSource): Promise<BinaryInfo> {
  const input = await source.bytes(0, Math.min(gzipWindow, source.size)) ?? source.head;
  const { bytes, end } = await gunzipHead(input, gzipWindow);
  if (end === "cut" && input.byteLength === source.size) {
    throw new BinaryError(`truncated: the gzip data goes on, the file has ${source.size} bytes`);
  }
  if (bytes.byteLength === 0) throw new BinaryError("gzip data with nothing inside");
  const inner = prefixSource(bytes, end === "whole" ? bytes.byteLength : Infinity);
  try {
    const info = await identifyPlain(inner) ?? refuse(bytes);
    return { ...info, description: `gzip-compressed ${info.description}` };
  } catch (error) {
    if (!(error instanceof BinaryError)) throw error;
    throw new BinaryError(`gzip data; inside: ${error.reason}`, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
    });
  }
}

function refuse(head: Uint8Array): never {
  const foreign = foreignFormat(head);
  const found = `${foreign?.name ?? "an unknown format"}, it starts with ${showBytes(head)}`;
  throw new BinaryError(
    `${found}; expected ELF, PE, an ARM64 or RISC-V Image or an x86 bzImage`,
    foreign?.hint === undefined ? {} : { hint: foreign.hint },
  );
}
