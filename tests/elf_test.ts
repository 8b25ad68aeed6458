import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { BinaryError } from "../lib/binary/error.ts";
import { checkElfContents, type ElfHeader, isElf, parseElfHeader } from "../lib/elf.ts";
import { formatPlatform } from "../lib/platform.ts";
import { elfFile, type ElfOptions } from "./support/elf.ts";

/** What {@linkcode identifyBinary} does with an ELF file, on bytes in memory. */
function parse(options: ElfOptions, size?: number): ElfHeader {
  const bytes = elfFile(options);
  const header = parseElfHeader(bytes, size ?? bytes.byteLength);
  const start = Number(header.segments.offset);
  const table = bytes.subarray(start, start + header.segments.count * header.segments.entrySize);
  checkElfContents(header, table, size ?? bytes.byteLength);
  return header;
}

function reasonOf(options: ElfOptions, size?: number): string {
  return assertThrows(() => parse(options, size), BinaryError).reason;
}

const known: readonly [machine: number, bits: 32 | 64, little: boolean, platform: string, name: string][] = [
  [3, 32, true, "linux/amd64", "x86 (counts as amd64, because multiboot kernels are 32-bit)"],
  [8, 32, false, "linux/mips", "MIPS"],
  [8, 32, true, "linux/mipsle", "MIPS"],
  [8, 64, false, "linux/mips64", "MIPS"],
  [8, 64, true, "linux/mips64le", "MIPS"],
  [21, 64, false, "linux/ppc64", "64-bit PowerPC"],
  [21, 64, true, "linux/ppc64le", "64-bit PowerPC"],
  [22, 64, false, "linux/s390x", "S/390"],
  [40, 32, true, "linux/arm/v7", "Arm"],
  [62, 32, true, "linux/amd64", "x86-64"],
  [62, 64, true, "linux/amd64", "x86-64"],
  [183, 64, true, "linux/arm64", "aarch64"],
  [243, 64, true, "linux/riscv64", "RISC-V"],
  [258, 64, true, "linux/loong64", "LoongArch"],
];

for (const [machine, bits, little, platform, name] of known) {
  const order = little ? "little" : "big";
  Deno.test(`parseElfHeader() takes machine ${machine}, ${bits}-bit ${order}-endian for ${platform}`, () => {
    const header = parse({ machine, bits, little });
    assertEquals(formatPlatform(header.platform), platform);
    assertEquals(header.description, `ELF ${bits}-bit ${order}-endian, ${name}`);
  });
}

Deno.test("parseElfHeader() refuses every other word size and byte order of these machines", () => {
  const numbers = new Set(known.map(([machine]) => machine));
  const combinations = ([32, 64] as const).flatMap((bits) =>
    [true, false].map((little) => ({ bits, little }))
  );
  let refused = 0;
  for (const machine of numbers) {
    for (const { bits, little } of combinations) {
      if (known.some((one) => one[0] === machine && one[1] === bits && one[2] === little)) continue;
      assertStringIncludes(reasonOf({ machine, bits, little }), "for that machine");
      refused++;
    }
  }
  assertEquals(refused, 9 * 4 - known.length);
});

Deno.test("parseElfHeader() says which layout a machine should have", () => {
  assertEquals(
    reasonOf({ machine: 243, bits: 32 }),
    "an ELF file for 32-bit little-endian RISC-V; expected 64-bit little-endian for that machine",
  );
  assertEquals(
    reasonOf({ machine: 21, bits: 32, little: false }),
    "an ELF file for 32-bit big-endian 64-bit PowerPC; " +
      "expected 64-bit little-endian or 64-bit big-endian for that machine",
  );
});

Deno.test("parseElfHeader() names a machine that it does not support", () => {
  const sparc = assertThrows(() => parse({ machine: 43, little: false }), BinaryError);
  assertEquals(
    sparc.message,
    "Cannot use the binary: an ELF file for SPARC v9 (machine 43), which bima does not support",
  );
  assertStringIncludes(sparc.hint ?? "", "x86-64, aarch64, RISC-V");
  assertEquals(reasonOf({ machine: 4711 }), "an ELF file for machine 4711, which bima does not support");
});

Deno.test("parseElfHeader() refuses files that are no executables, by their name", () => {
  assertEquals(reasonOf({ type: 0 }), "a file without a type cannot boot");
  assertEquals(reasonOf({ type: 1 }), "a relocatable object file (ET_REL) cannot boot");
  assertEquals(reasonOf({ type: 4 }), "a core dump (ET_CORE) cannot boot");
  assertEquals(reasonOf({ type: 0xfe00 }), "an ELF file of type 65024 cannot boot");
  assertEquals(parse({ type: 3 }).platform.architecture, "amd64");
});

Deno.test("parseElfHeader() refuses versions, classes and encodings that do not exist", () => {
  const patched = (at: number, value: number): string => {
    const bytes = elfFile();
    bytes[at] = value;
    return assertThrows(() => parseElfHeader(bytes, bytes.byteLength), BinaryError).reason;
  };
  assertEquals(patched(4, 0), "ELF class 0, expected 1 (32-bit) or 2 (64-bit)");
  assertEquals(patched(5, 3), "ELF data encoding 3, expected 1 (little-endian) or 2 (big-endian)");
  assertEquals(patched(6, 9), "ELF version 9 in its identification, expected 1");
  assertEquals(reasonOf({ version: 2 }), "ELF version 2 in its header, expected 1");
});

Deno.test("parseElfHeader() says which part of the header is missing", () => {
  for (const bits of [32, 64] as const) {
    const bytes = elfFile({ bits, machine: bits === 32 ? 3 : 62 });
    const headerSize = bits === 32 ? 52 : 64;
    for (let size = 4; size < bytes.byteLength; size++) {
      const { reason } = assertThrows(() => parseElfHeader(bytes.subarray(0, size), size), BinaryError);
      const part = size < 16
        ? "the ELF identification ends at 16"
        : size < headerSize
        ? `the ELF header ends at ${headerSize}`
        : `the program header table ends at ${bytes.byteLength}`;
      assertEquals(reason, `truncated: ${part}, the file has ${size} bytes`);
    }
  }
});

Deno.test("parseElfHeader() refuses a file without usable program headers", () => {
  const none = "an ELF file without program headers cannot boot";
  assertEquals(reasonOf({ segments: [] }), none);
  assertEquals(reasonOf({ programHeaders: 0n }), none);
  assertEquals(reasonOf({ entrySize: 0 }), "damaged: program headers of 0 bytes, expected 56");
  assertEquals(reasonOf({ count: 0xffff }), "an ELF file with more than 65534 program headers");
  assertEquals(
    reasonOf({ programHeaders: 2n ** 64n - 1n }),
    "truncated: the program header table ends at 18446744073709551671, the file has 120 bytes",
  );
});

Deno.test("checkElfContents() says which segment is not in the file", () => {
  const segments = [{}, { type: 4, offset: 1n << 40n }, { offset: 16384n, length: 65536n }];
  assertEquals(
    reasonOf({ segments }, 4096),
    "truncated: segment 2 ends at 81920, the file has 4096 bytes",
  );
  assertEquals(reasonOf({ segments }, 81919), "truncated: segment 2 ends at 81920, the file has 81919 bytes");
  assertEquals(parse({ segments }, 81920).segments.count, 3);
});

Deno.test("checkElfContents() lets a segment without bytes lie anywhere", () => {
  const bss = { offset: 1n << 60n, length: 0n, memory: 4096n };
  assertEquals(parse({ segments: [{}, bss] }).segments.count, 2);
});

Deno.test("checkElfContents() refuses a file in which nothing is loaded or a segment outgrows its memory", () => {
  assertEquals(
    reasonOf({ segments: [{ type: 4 }, { type: 6 }] }),
    "an ELF file with nothing to load: none of its 2 segments is PT_LOAD",
  );
  assertEquals(
    reasonOf({ segments: [{ length: 16n, memory: 8n }] }),
    "damaged: segment 0 has 16 bytes for 8 bytes of memory",
  );
});

Deno.test("checkElfContents() wants the section table inside the file when there is one", () => {
  assertEquals(
    reasonOf({ sections: 1000n }, 1063),
    "truncated: the section table ends at 1064, the file has 1063 bytes",
  );
  assertEquals(parse({ sections: 1000n }, 1064).sections.count, 1);
});

Deno.test("checkElfContents() accepts everything beyond what is known of a compressed file", () => {
  const header = parse({ segments: [{ offset: 1n << 50n }], sections: 1n << 62n }, Infinity);
  assertEquals(header.platform.architecture, "amd64");
});

Deno.test("isElf() looks at all four bytes", () => {
  assertEquals(isElf(new TextEncoder().encode("\x7fELF")), true);
  assertEquals(isElf(new TextEncoder().encode("\x7fELG")), false);
  assertEquals(isElf(new Uint8Array([0x7f, 0x45, 0x4c])), false);
});
