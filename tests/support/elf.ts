/**
 * Small ELF files for the cases that no real file has.
 *
 * @module
 */

/** What to build; the default is a minimal, valid kernel for x86-64. */
export interface ElfOptions {
  /** Default: 64. */
  readonly bits?: 32 | 64;
  /** Default: true. */
  readonly little?: boolean;
  /** `e_type`. Default: 2, an executable. */
  readonly type?: number;
  /** `e_machine`. Default: 62, x86-64. */
  readonly machine?: number;
  /** `e_version`. Default: 1. */
  readonly version?: number;
  /** `e_phoff`. Default: behind the header. */
  readonly programHeaders?: bigint;
  /** `e_phentsize`. Default: the right one. */
  readonly entrySize?: number;
  /** `e_phnum`. Default: the number of segments. */
  readonly count?: number;
  /** `e_shoff`, with one section. Default: none. */
  readonly sections?: bigint;
  /** Default: one PT_LOAD of 16 bytes. */
  readonly segments?: readonly ElfSegment[];
}

/** One program header. */
export interface ElfSegment {
  /** `p_type`. Default: 1, PT_LOAD. */
  readonly type?: number;
  /** `p_offset`. Default: 0. */
  readonly offset?: bigint;
  /** `p_filesz`. Default: 16. */
  readonly length?: bigint;
  /** `p_memsz`. Default: as long as in the file. */
  readonly memory?: bigint;
}

/** @returns the bytes of an ELF file: its header and its program headers, nothing else */
export function elfFile(options: ElfOptions = {}): Uint8Array<ArrayBuffer> {
  const { bits = 64, little = true, segments = [{}] } = options;
  const wide = bits === 64;
  const headerSize = wide ? 64 : 52;
  const entrySize = wide ? 56 : 32;
  const bytes = new Uint8Array(headerSize + segments.length * entrySize);
  const view = new DataView(bytes.buffer);
  const half = (at: number, value: number): void => view.setUint16(at, value, little);
  const word = (at: number, value: bigint): void =>
    wide ? view.setBigUint64(at, value, little) : view.setUint32(at, Number(value), little);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, little ? 1 : 2, 1]);
  half(16, options.type ?? 2);
  half(18, options.machine ?? 62);
  view.setUint32(20, options.version ?? 1, little);
  word(wide ? 32 : 28, options.programHeaders ?? BigInt(headerSize));
  word(wide ? 40 : 32, options.sections ?? 0n);
  const counts = wide ? 54 : 42;
  half(counts, options.entrySize ?? entrySize);
  half(counts + 2, options.count ?? segments.length);
  half(counts + 4, wide ? 64 : 40);
  half(counts + 6, options.sections === undefined ? 0 : 1);
  segments.forEach(({ type = 1, offset = 0n, length = 16n, memory = length }, index) => {
    const at = headerSize + index * entrySize;
    view.setUint32(at, type, little);
    word(at + (wide ? 8 : 4), offset);
    word(at + (wide ? 32 : 16), length);
    word(at + (wide ? 40 : 20), memory);
  });
  return bytes;
}
