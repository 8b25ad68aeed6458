import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { BinaryError } from "../lib/binary/error.ts";
import { checkPeSections, isMz, parsePeHeader, peHeaderSize, peOffset, peSectionSize } from "../lib/pe.ts";
import { formatPlatform } from "../lib/platform.ts";
import { realFile } from "./support/fixtures.ts";

const efi = await Deno.readFile(realFile("amd64-boot.efi"));
const start = peOffset(efi, efi.byteLength);

/** The real file's PE header with a 16-bit field changed. */
function headerWith(at: number, value: number): Uint8Array {
  const bytes = efi.slice(start, start + peHeaderSize);
  new DataView(bytes.buffer).setUint16(at, value, true);
  return bytes;
}

function reasonOf(run: () => unknown): string {
  return assertThrows(run, BinaryError).reason;
}

const machines: readonly [code: number, platform: string, name: string][] = [
  [0x8664, "linux/amd64", "x86-64"],
  [0xaa64, "linux/arm64", "aarch64"],
  [0x01c2, "linux/arm/v7", "Arm (Thumb)"],
  [0x01c4, "linux/arm/v7", "Arm (Thumb-2)"],
  [0x5064, "linux/riscv64", "64-bit RISC-V"],
  [0x6264, "linux/loong64", "64-bit LoongArch"],
];

for (const [code, platform, name] of machines) {
  Deno.test(`parsePeHeader() takes machine 0x${code.toString(16)} for ${platform}`, () => {
    const header = parsePeHeader(headerWith(4, code), start);
    assertEquals(formatPlatform(header.platform), platform);
    assertEquals(header.description, `PE EFI application, ${name}`);
  });
}

Deno.test("parsePeHeader() names a machine that it does not support", () => {
  const error = assertThrows(() => parsePeHeader(headerWith(4, 0x014c), start), BinaryError);
  assertEquals(
    error.reason,
    "a PE file for 32-bit x86 (i386), machine 0x014c, which bima does not support",
  );
  assertStringIncludes(error.hint ?? "", "x86-64, aarch64");
  assertEquals(
    reasonOf(() => parsePeHeader(headerWith(4, 0x0777), start)),
    "a PE file for machine 0x0777, which bima does not support",
  );
});

Deno.test("parsePeHeader() says what kind of program it is", () => {
  const kind = (subsystem: number): string => parsePeHeader(headerWith(92, subsystem), start).description;
  assertEquals(kind(3), "PE Windows console program, x86-64");
  assertEquals(kind(12), "PE EFI runtime driver, x86-64");
  assertEquals(kind(77), "PE for subsystem 77, x86-64");
});

Deno.test("parsePeHeader() refuses DOS programs and object files", () => {
  assertEquals(
    reasonOf(() => parsePeHeader(headerWith(0, 0x454e), 128)),
    'a DOS program ("MZ" without a PE header at 128) cannot boot',
  );
  const object = "a PE file without an optional header, so an object file, cannot boot";
  assertEquals(reasonOf(() => parsePeHeader(headerWith(20, 0), start)), object);
  assertEquals(reasonOf(() => parsePeHeader(headerWith(24, 0x107), start)), object);
});

Deno.test("parsePeHeader() never reads behind the bytes it is given", () => {
  for (let length = 0; length < peHeaderSize; length++) {
    assertEquals(
      reasonOf(() => parsePeHeader(efi.subarray(start, start + length), start)),
      `truncated: the PE header ends at ${peHeaderSize}, the file has ${length} bytes`,
    );
  }
});

Deno.test("peOffset() refuses a file that ends before its PE header", () => {
  assertEquals(
    reasonOf(() => peOffset(efi.subarray(0, 40), 40)),
    "truncated: the DOS header ends at 64, the file has 40 bytes",
  );
  assertEquals(
    reasonOf(() => peOffset(efi, start + 10)),
    `truncated, or a DOS program: its PE header would end at ${start + peHeaderSize}, ` +
      `the file has ${start + 10} bytes`,
  );
});

Deno.test("checkPeSections() says which section is not in the file", () => {
  const { sectionOffset, sectionCount } = parsePeHeader(efi.subarray(start, start + peHeaderSize), start);
  const table = efi.slice(sectionOffset, sectionOffset + sectionCount * peSectionSize);
  const view = new DataView(table.buffer);
  const last = (sectionCount - 1) * peSectionSize;
  const end = view.getUint32(last + 20, true) + view.getUint32(last + 8, true);
  const name = new TextDecoder().decode(table.subarray(last, last + 8)).replaceAll("\0", "");
  checkPeSections(table, end);
  assertEquals(
    reasonOf(() => checkPeSections(table, end - 1)),
    `truncated: section ${sectionCount - 1} (${name}) ends at ${end}, the file has ${end - 1} bytes`,
  );
  // Without a size in memory, the size in the file counts; without either, the section is not there.
  view.setUint32(last + 8, 0, true);
  const raw = view.getUint32(last + 20, true) + view.getUint32(last + 16, true);
  assertStringIncludes(reasonOf(() => checkPeSections(table, raw - 1)), `ends at ${raw},`);
  view.setUint32(last + 16, 0, true);
  checkPeSections(table.subarray(last), 0);
});

Deno.test("isMz() looks at both bytes", () => {
  assertEquals(isMz(efi), true);
  assertEquals(isMz(new TextEncoder().encode("MY")), false);
  assertEquals(isMz(new Uint8Array()), false);
});
