/**
 * Portable executables (Microsoft's PE format specification): EFI applications and kernels with an EFI stub.
 *
 * @module
 */
import { BinaryError, requireWhole } from "./binary/error.ts";
import type { Platform } from "./platform.ts";

/** What the COFF header of a PE file says. */
export interface PeHeader {
  /** The platform of an image that boots this file. */
  readonly platform: Platform;
  /** For people: `PE EFI application, x86-64`. */
  readonly description: string;
  /** Where the section table starts, in bytes. */
  readonly sectionOffset: number;
  /** The number of its entries, 40 bytes each. */
  readonly sectionCount: number;
}

/** The size of one entry of the section table in bytes. */
export const peSectionSize = 40;

/** The bytes to read at {@linkcode peOffset}: signature, COFF header, optional header up to the subsystem. */
export const peHeaderSize = 24 + 70;

interface Machine {
  readonly name: string;
  readonly platform: readonly [architecture: string, variant?: string];
}

const machines: ReadonlyMap<number, Machine> = new Map<number, Machine>([
  [0x8664, { name: "x86-64", platform: ["amd64"] }],
  [0xaa64, { name: "aarch64", platform: ["arm64"] }],
  [0x01c2, { name: "Arm (Thumb)", platform: ["arm", "v7"] }],
  [0x01c4, { name: "Arm (Thumb-2)", platform: ["arm", "v7"] }],
  [0x5064, { name: "64-bit RISC-V", platform: ["riscv64"] }],
  [0x6264, { name: "64-bit LoongArch", platform: ["loong64"] }],
]);

/** Machines that bima refuses by name; i386 among them, because the firmware of a 64-bit machine cannot start it. */
const foreign: ReadonlyMap<number, string> = new Map([
  [0x014c, "32-bit x86 (i386)"],
  [0x01c0, "Arm before v7"],
  [0x0200, "IA-64"],
  [0x0ebc, "EFI byte code"],
  [0x5032, "32-bit RISC-V"],
  [0x5128, "128-bit RISC-V"],
  [0x6232, "32-bit LoongArch"],
  [0xa641, "ARM64EC"],
]);

const subsystems: ReadonlyMap<number, string> = new Map([
  [1, "native program"],
  [2, "Windows program"],
  [3, "Windows console program"],
  [10, "EFI application"],
  [11, "EFI boot service driver"],
  [12, "EFI runtime driver"],
]);

/** @returns whether the bytes start with the magic number of DOS programs, as every PE file does */
export function isMz(head: Uint8Array): boolean {
  return head[0] === 0x4d && head[1] === 0x5a;
}

/**
 * Finds the PE header.
 *
 * @param head the first bytes, at least 64 unless the file is shorter
 * @param size the size of the file in bytes; infinite when it is unknown
 * @returns the offset of the signature `PE\0\0`, inside the file
 * @throws {BinaryError} when the file ends before that
 */
export function peOffset(head: Uint8Array, size: number): number {
  requireWhole("the DOS header", 64, Math.min(size, head.byteLength));
  const offset = new DataView(head.buffer, head.byteOffset, head.byteLength).getUint32(60, true);
  const end = offset + peHeaderSize;
  if (end > size) {
    // In a DOS program these four bytes may be anything.
    throw new BinaryError(
      `truncated, or a DOS program: its PE header would end at ${end}, the file has ${size} bytes`,
    );
  }
  return offset;
}

/**
 * Reads the headers of a PE file.
 *
 * @param bytes {@linkcode peHeaderSize} bytes at {@linkcode peOffset}
 * @param offset where they start in the file
 * @throws {BinaryError} when it is no PE file, cannot boot, or is for a machine that bima does not know
 */
export function parsePeHeader(bytes: Uint8Array, offset: number): PeHeader {
  requireWhole("the PE header", peHeaderSize, bytes.byteLength);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== 0x50450000) {
    throw new BinaryError(`a DOS program ("MZ" without a PE header at ${offset}) cannot boot`);
  }
  const machine = machineOf(view.getUint16(4, true));
  const optionalSize = view.getUint16(20, true);
  const optionalMagic = view.getUint16(24, true);
  if (optionalSize < 70 || (optionalMagic !== 0x10b && optionalMagic !== 0x20b)) {
    throw new BinaryError("a PE file without an optional header, so an object file, cannot boot");
  }
  const subsystem = view.getUint16(24 + 68, true);
  const kind = subsystems.get(subsystem) ?? `for subsystem ${subsystem}`;
  const [architecture, variant] = machine.platform;
  return {
    platform: { os: "linux", architecture, ...(variant === undefined ? {} : { variant }) },
    description: `PE ${kind}, ${machine.name}`,
    sectionOffset: offset + 24 + optionalSize,
    sectionCount: view.getUint16(6, true),
  };
}

/**
 * Checks that the bytes of all sections are in the file.
 *
 * @param table the section table: `sectionCount` entries of {@linkcode peSectionSize} bytes
 * @param size the size of the file in bytes; infinite when it is unknown
 * @throws {BinaryError} when a section ends behind the file
 */
export function checkPeSections(table: Uint8Array, size: number): void {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  for (let at = 0; at + peSectionSize <= table.byteLength; at += peSectionSize) {
    const virtual = view.getUint32(at + 8, true);
    const raw = view.getUint32(at + 16, true);
    // Raw sizes are rounded up; firmware only loads what has a place in memory.
    const length = virtual === 0 ? raw : Math.min(raw, virtual);
    if (length === 0) continue;
    const name = new TextDecoder("latin1").decode(table.subarray(at, at + 8)).replace(/[^!-~].*$/s, "");
    requireWhole(`section ${at / peSectionSize} (${name})`, view.getUint32(at + 20, true) + length, size);
  }
}

function machineOf(code: number): Machine {
  const machine = machines.get(code);
  if (machine !== undefined) return machine;
  const hex = `machine 0x${code.toString(16).padStart(4, "0")}`;
  const name = foreign.get(code);
  throw new BinaryError(
    `a PE file for ${name === undefined ? hex : `${name}, ${hex}`}, which bima does not support`,
    { hint: `supported are PE files for ${[...machines.values()].map(({ name }) => name).join(", ")}` },
  );
}
