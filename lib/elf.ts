/**
 * ELF files (System V ABI, chapters 4 and 5): which machine a kernel is for, and whether the file is whole.
 *
 * @module
 */
import { BinaryError, requireWhole } from "./binary/error.ts";
import { type ElfLayout, elfPlatform, layoutName } from "./binary/elf_machine.ts";
import type { Platform } from "./platform.ts";

/** A table of the file: as many entries of one size as it has. */
export interface ElfTable {
  /** Where it starts, in bytes; may be anything in a damaged file. */
  readonly offset: bigint;
  /** The number of entries. */
  readonly count: number;
  /** The size of one entry in bytes. */
  readonly entrySize: number;
}

/** What the header of an ELF file says. */
export interface ElfHeader {
  /** Word size and byte order. */
  readonly layout: ElfLayout;
  /** The platform of an image that boots this file. */
  readonly platform: Platform;
  /** For people: `ELF 64-bit little-endian, aarch64`. */
  readonly description: string;
  /** The program headers; the table lies inside the file, {@linkcode checkElfContents} looks at its entries. */
  readonly segments: ElfTable;
  /** The section headers; none in many files, and not needed to boot. */
  readonly sections: ElfTable;
}

/** Offsets of the fields that are read, by word size (figure 4-3). */
const fields = {
  32: { size: 52, phoff: 28, shoff: 32, phentsize: 42, segment: 32 },
  64: { size: 64, phoff: 32, shoff: 40, phentsize: 54, segment: 56 },
} as const;

const types: Readonly<Record<number, string>> = {
  0: "a file without a type",
  1: "a relocatable object file (ET_REL)",
  4: "a core dump (ET_CORE)",
};

const magic = [0x7f, 0x45, 0x4c, 0x46];
const loadable = 1;

/** @returns whether the bytes start with ELF's magic number */
export function isElf(head: Uint8Array): boolean {
  return magic.every((byte, index) => head[index] === byte);
}

/**
 * Reads the header of an ELF file.
 *
 * @param head the first bytes, at least 64 unless the file is shorter
 * @param size the size of the file in bytes; infinite when it is unknown
 * @throws {BinaryError} when the file cannot boot, is truncated, or is for a machine that bima does not know
 */
export function parseElfHeader(head: Uint8Array, size: number): ElfHeader {
  const known = Math.min(size, head.byteLength);
  requireWhole("the ELF identification", 16, known);
  const layout = layoutOf(head);
  const wide = layout.startsWith("64");
  const little = layout.endsWith("le");
  const field = fields[wide ? 64 : 32];
  requireWhole("the ELF header", field.size, known);
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const half = (offset: number): number => view.getUint16(offset, little);
  const address = (offset: number): bigint =>
    wide ? view.getBigUint64(offset, little) : BigInt(view.getUint32(offset, little));

  const version = view.getUint32(20, little);
  if (version !== 1) throw new BinaryError(`ELF version ${version} in its header, expected 1`);
  checkType(half(16));
  const { platform, name } = elfPlatform(half(18), layout);
  const segments = {
    offset: address(field.phoff),
    entrySize: half(field.phentsize),
    count: half(field.phentsize + 2),
  };
  checkSegmentTable(segments, field.segment, size);
  const sections = {
    offset: address(field.shoff),
    entrySize: half(field.phentsize + 4),
    count: half(field.phentsize + 6),
  };
  return { layout, platform, segments, sections, description: `ELF ${layoutName(layout)}, ${name}` };
}

/**
 * Checks that everything a loader would read is in the file, and the section table as well: it is the last thing in
 * most files, so that a copy which was cut off anywhere is noticed.
 *
 * @param header the file's header
 * @param table the program headers: the bytes that `header.segments` names
 * @param size the size of the file in bytes; infinite when it is unknown
 * @throws {BinaryError} when a segment to load or the section table ends behind the file, or nothing is to load
 */
export function checkElfContents(header: ElfHeader, table: Uint8Array, size: number): void {
  const { count, entrySize } = header.segments;
  requireWhole("the program header table", count * entrySize, table.byteLength);
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const wide = header.layout.startsWith("64");
  const little = header.layout.endsWith("le");
  let loads = 0;
  for (let index = 0; index < count; index++) {
    const at = index * entrySize;
    if (view.getUint32(at, little) !== loadable) continue;
    loads++;
    const word = (wideOffset: number, offset: number): bigint =>
      wide ? view.getBigUint64(at + wideOffset, little) : BigInt(view.getUint32(at + offset, little));
    const length = word(32, 16);
    const memory = word(40, 20);
    if (length > memory) {
      throw new BinaryError(`damaged: segment ${index} has ${length} bytes for ${memory} bytes of memory`);
    }
    if (length > 0n) requireWhole(`segment ${index}`, word(8, 4) + length, size);
  }
  if (loads === 0) {
    throw new BinaryError(`an ELF file with nothing to load: none of its ${count} segments is PT_LOAD`);
  }
  const { sections } = header;
  if (sections.offset !== 0n && sections.count > 0) requireWhole("the section table", endOf(sections), size);
}

function layoutOf(head: Uint8Array): ElfLayout {
  const [bits, order, version] = head.subarray(4, 7);
  if (version !== 1) throw new BinaryError(`ELF version ${version} in its identification, expected 1`);
  if (bits !== 1 && bits !== 2) {
    throw new BinaryError(`ELF class ${bits}, expected 1 (32-bit) or 2 (64-bit)`);
  }
  if (order !== 1 && order !== 2) {
    throw new BinaryError(`ELF data encoding ${order}, expected 1 (little-endian) or 2 (big-endian)`);
  }
  return `${bits === 1 ? 32 : 64}${order === 1 ? "le" : "be"}`;
}

function checkType(type: number): void {
  if (type === 2 || type === 3) return;
  throw new BinaryError(`${types[type] ?? `an ELF file of type ${type}`} cannot boot`, {
    hint:
      "expected an ELF executable (ET_EXEC) or position-independent executable (ET_DYN): the linker's result",
  });
}

function checkSegmentTable(table: ElfTable, entrySize: number, size: number): void {
  if (table.count === 0 || table.offset === 0n) {
    throw new BinaryError("an ELF file without program headers cannot boot", {
      hint: "link it with a linker script or the linker's defaults, so that it has segments to load",
    });
  }
  if (table.count === 0xffff) throw new BinaryError("an ELF file with more than 65534 program headers");
  if (table.entrySize !== entrySize) {
    throw new BinaryError(`damaged: program headers of ${table.entrySize} bytes, expected ${entrySize}`);
  }
  requireWhole("the program header table", endOf(table), size);
}

function endOf(table: ElfTable): bigint {
  return table.offset + BigInt(table.count * table.entrySize);
}
