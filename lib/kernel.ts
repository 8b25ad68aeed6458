/**
 * The boot formats of Linux, which other kernels use as well: `bzImage` (Documentation/arch/x86/boot.rst), the
 * arm64 and RISC-V `Image` (Documentation/arch/{arm64/booting,riscv/boot-image-header}.rst), and EFI zboot.
 *
 * @module
 */
import { requireWhole } from "./binary/error.ts";
import type { Platform } from "./platform.ts";

/** What the header of a kernel says. */
export interface KernelHeader {
  /** Which of the formats it is. */
  readonly format: "bzimage" | "arm64-image" | "riscv-image";
  /** The platform of an image that boots this file. */
  readonly platform: Platform;
  /** For people. */
  readonly description: string;
}

/** The compressed kernel inside an EFI zboot image. */
export interface ZbootPayload {
  /** How it is compressed, such as `gzip` or `zstd22`. */
  readonly compression: string;
  /** Where it ends in the file, in bytes. */
  readonly end: number;
}

/**
 * Recognises the header of a kernel.
 *
 * @param head the first bytes, at least 1024 unless the file is shorter
 * @param size the size of the file in bytes; infinite when it is unknown
 * @returns what it says; `undefined` when the file is none of these formats
 * @throws {BinaryError} when it is one of them and truncated
 */
export function parseKernelHeader(head: Uint8Array, size: number): KernelHeader | undefined {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (hasText(head, 0x202, "HdrS") && view.getUint16(0x1fe, true) === 0xaa55) return bzImage(view, size);
  if (hasText(head, 56, "ARM\x64")) {
    return {
      format: "arm64-image",
      platform: { os: "linux", architecture: "arm64" },
      description: `ARM64 Image, ${byteOrder(view, 24)}`,
    };
  }
  if (hasText(head, 56, "RSC\x05")) {
    return {
      format: "riscv-image",
      platform: { os: "linux", architecture: "riscv64" },
      description: `RISC-V Image, ${byteOrder(view, 24)}`,
    };
  }
  return undefined;
}

/**
 * Recognises EFI zboot: a PE file that decompresses the kernel inside.
 *
 * @param head the first bytes, at least 64 unless the file is shorter
 * @param size the size of the file in bytes; infinite when it is unknown
 * @returns where the kernel is; `undefined` when it is something else
 * @throws {BinaryError} when the kernel inside is truncated
 */
export function parseZboot(head: Uint8Array, size: number): ZbootPayload | undefined {
  if (!hasText(head, 0, "MZ") || !hasText(head, 4, "zimg") || head.byteLength < 64) return undefined;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const end = view.getUint32(8, true) + view.getUint32(12, true);
  requireWhole("the compressed kernel", end, size);
  const compression = new TextDecoder("latin1").decode(head.subarray(24, 56)).replace(/[^!-~].*$/s, "");
  return { compression, end };
}

function bzImage(view: DataView, size: number): KernelHeader {
  const known = Math.min(size, view.byteLength);
  requireWhole("the x86 boot header", 0x238, known);
  // Zero stands for 4, from a time before the field.
  const setupSectors = view.getUint8(0x1f1) || 4;
  const version = view.getUint16(0x206, true);
  const paragraphs = view.getUint32(0x1f4, true);
  // The size is rounded up to 16 bytes, and not every kernel is padded to that.
  requireWhole("the kernel's code", (setupSectors + 1) * 512 + Math.max(paragraphs * 16 - 15, 0), size);
  const wide = version >= 0x20c && (view.getUint16(0x236, true) & 1) === 1;
  const name = (view.getUint8(0x211) & 1) === 1 ? "bzImage" : "zImage";
  const protocol = `boot protocol ${version >> 8}.${String(version & 0xff).padStart(2, "0")}`;
  return {
    format: "bzimage",
    platform: { os: "linux", architecture: "amd64" },
    description: `x86 ${name}, ${protocol}, ${wide ? "64" : "32"}-bit entry`,
  };
}

function byteOrder(view: DataView, flagsAt: number): string {
  return (view.getUint8(flagsAt) & 1) === 1 ? "big-endian" : "little-endian";
}

function hasText(bytes: Uint8Array, offset: number, text: string): boolean {
  return [...text].every((char, index) => bytes[offset + index] === char.charCodeAt(0));
}
