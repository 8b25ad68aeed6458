/**
 * ELF's machine numbers (`e_machine`) and the platforms they stand for.
 *
 * @module
 */
import { BinaryError } from "./error.ts";
import type { Platform } from "../platform.ts";

/** Word size and byte order of an ELF file: `64le` is 64-bit little-endian. */
export type ElfLayout = "32le" | "32be" | "64le" | "64be";

interface Machine {
  readonly name: string;
  /** Go's name (and variant) for each layout that exists. */
  readonly platforms: Readonly<Partial<Record<ElfLayout, readonly [architecture: string, variant?: string]>>>;
  /** What a person should know about it. */
  readonly note?: string;
}

const machines: ReadonlyMap<number, Machine> = new Map<number, Machine>([
  // QEMU's multiboot loader only takes 32-bit files, also for kernels that switch to 64 bits later.
  [3, {
    name: "x86",
    platforms: { "32le": ["amd64"] },
    note: "counts as amd64, because multiboot kernels are 32-bit",
  }],
  [8, {
    name: "MIPS",
    platforms: { "32le": ["mipsle"], "32be": ["mips"], "64le": ["mips64le"], "64be": ["mips64"] },
  }],
  [21, { name: "64-bit PowerPC", platforms: { "64le": ["ppc64le"], "64be": ["ppc64"] } }],
  [22, { name: "S/390", platforms: { "64be": ["s390x"] } }],
  // The ABI version does not tell v6 from v7, and no machine with a hypervisor is older than v7.
  [40, { name: "Arm", platforms: { "32le": ["arm", "v7"] } }],
  [62, { name: "x86-64", platforms: { "64le": ["amd64"], "32le": ["amd64"] } }],
  [183, { name: "aarch64", platforms: { "64le": ["arm64"] } }],
  [243, { name: "RISC-V", platforms: { "64le": ["riscv64"] } }],
  [258, { name: "LoongArch", platforms: { "64le": ["loong64"] } }],
]);

/** Machines that turn up by mistake; naming them says more than their number. */
const foreign: ReadonlyMap<number, string> = new Map([
  [0, "no machine"],
  [2, "SPARC"],
  [4, "Motorola 68000"],
  [15, "PA-RISC"],
  [18, "SPARC32+"],
  [20, "32-bit PowerPC"],
  [42, "SuperH"],
  [43, "SPARC v9"],
  [50, "IA-64"],
  [83, "Atmel AVR"],
  [92, "OpenRISC"],
  [94, "Tensilica Xtensa (ESP32)"],
  [105, "MSP430"],
  [164, "Hexagon"],
  [189, "MicroBlaze"],
  [190, "NVIDIA CUDA"],
  [195, "ARC v2"],
  [224, "AMD GPU"],
  [247, "BPF"],
  [252, "C-SKY"],
  [0x9026, "Alpha"],
]);

/** What an ELF header says about the machine. */
export interface ElfPlatform {
  readonly platform: Platform;
  /** For people, such as `aarch64`. */
  readonly name: string;
}

/**
 * @param code `e_machine`
 * @param layout word size and byte order
 * @returns the platform of an image with this binary
 * @throws {BinaryError} when OCI images have no name for it, or the layout does not exist on that machine
 */
export function elfPlatform(code: number, layout: ElfLayout): ElfPlatform {
  const machine = machines.get(code);
  if (machine === undefined) {
    const name = foreign.get(code);
    const found = name === undefined ? `machine ${code}` : `${name} (machine ${code})`;
    throw new BinaryError(`an ELF file for ${found}, which bima does not support`, {
      hint: `supported are ELF files for ${[...machines.values()].map(({ name }) => name).join(", ")}`,
    });
  }
  const known = machine.platforms[layout];
  if (known === undefined) {
    const expected = Object.keys(machine.platforms).map(layoutName).join(" or ");
    throw new BinaryError(
      `an ELF file for ${layoutName(layout)} ${machine.name}; expected ${expected} for that machine`,
    );
  }
  const [architecture, variant] = known;
  return {
    platform: { os: "linux", architecture, ...(variant === undefined ? {} : { variant }) },
    name: machine.note === undefined ? machine.name : `${machine.name} (${machine.note})`,
  };
}

/** @returns `64-bit little-endian` for `64le` */
export function layoutName(layout: string): string {
  return `${layout.slice(0, 2)}-bit ${layout.endsWith("le") ? "little" : "big"}-endian`;
}
