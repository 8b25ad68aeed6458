import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { BinaryError, identifyBinary } from "../lib/binary.ts";
import { foreignFormat, showBytes } from "../lib/binary/foreign.ts";
import { readerOf } from "./support/bytes.ts";

/** Bytes from text in which each character is one byte, with zeros after it. */
function bytesOf(text: string, size = text.length): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  bytes.set([...text].map((char) => char.charCodeAt(0)));
  return bytes;
}

/** The bytes with text at an offset. */
function withText(offset: number, text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4096).fill(0x80);
  bytes.set(bytesOf(text), offset);
  return bytes;
}

/** The magic numbers of what people might name by mistake. */
const formats: readonly [bytes: Uint8Array<ArrayBuffer>, name: string][] = [
  [bytesOf("\xcf\xfa\xed\xfe\x0c\0\0\x01", 32), "a Mach-O file"],
  [bytesOf("\xfe\xed\xfa\xce", 32), "a Mach-O file"],
  [bytesOf("\xca\xfe\xba\xbe\0\0\0\x02", 64), "a Mach-O universal file or a Java class"],
  [bytesOf("#!/bin/sh\n"), "a script"],
  [bytesOf("!<arch>\ndebian-binary   "), "an ar archive (a static library or a Debian package)"],
  [bytesOf("\0asm\x01\0\0\0"), "a WebAssembly module"],
  [bytesOf("PK\x03\x04\x14\0", 64), "a zip archive"],
  [bytesOf("\x28\xb5\x2f\xfd", 64), "data compressed with zstd"],
  [bytesOf("\x04\x22\x4d\x18", 64), "data compressed with lz4"],
  [bytesOf("UF2\n\x57\x51\x5d\x9e", 512), "a UF2 firmware image"],
  [bytesOf("\xe9\x06\x02\x20", 64), "an ESP32 firmware image"],
  [bytesOf("\xd0\x0d\xfe\xed", 64), "a device tree or FIT image"],
  [bytesOf("070701000000", 110), "a cpio archive, such as an initrd"],
  [withText(257, "ustar"), "a tar archive"],
  [withText(510, "\x55\xaa"), "a boot sector or disk image"],
  [new Uint8Array(4096), "a file that starts with zeros only"],
  [new TextEncoder().encode("grüße\tan alle\r\n"), "a text file"],
  // The first 4096 bytes may end within a character.
  [new TextEncoder().encode("aé").subarray(0, 2), "a text file"],
];

for (const [bytes, name] of formats) {
  Deno.test(`identifyBinary() refuses ${name} by its name: ${showBytes(bytes.subarray(0, 4))}`, async () => {
    const { reason } = await assertRejects(
      () => identifyBinary(readerOf(bytes), bytes.byteLength),
      BinaryError,
    );
    assertEquals(
      reason,
      `${name}, it starts with ${showBytes(bytes)}; ` +
        "expected ELF, PE, an ARM64 or RISC-V Image or an x86 bzImage",
    );
  });
}

for (const [program, name] of [["xz", "xz"], ["bzip2", "bzip2"], ["lzma", "lzma"]] as const) {
  Deno.test(`foreignFormat() knows what ${program} writes and says how to go on`, async () => {
    const args = program === "lzma" ? ["--format=lzma", "-c", "/proc/self/exe"] : ["-c", "/proc/self/exe"];
    const command = new Deno.Command(program === "lzma" ? "xz" : program, { args });
    const { success, stdout } = await command.output();
    assert(success);
    const format = foreignFormat(stdout.subarray(0, 4096));
    assertEquals(format?.name, `data compressed with ${name}`);
    assertMatch(format?.hint ?? "", /^decompress it first/);
  });
}

Deno.test("foreignFormat() says that firmware is not supported", () => {
  assertMatch(
    foreignFormat(bytesOf("UF2\n", 512))?.hint ?? "",
    /firmware for microcontrollers is not supported/,
  );
  // A jump instruction starts with the same byte as an ESP32 image.
  assertEquals(foreignFormat(bytesOf("\xe9\x40\x02\x20", 64)), undefined);
});

Deno.test("identifyBinary() shows the first bytes of a file that looks like nothing", async () => {
  const bytes = bytesOf("\x90\x90Boot\xff\0", 64);
  const { reason } = await assertRejects(
    () => identifyBinary(readerOf(bytes), bytes.byteLength),
    BinaryError,
  );
  assertEquals(
    reason,
    'an unknown format, it starts with 90 90 42 6f 6f 74 ff 00 00 00 00 00 00 00 00 00 ("..Boot..........");' +
      " expected ELF, PE, an ARM64 or RISC-V Image or an x86 bzImage",
  );
});

Deno.test("identifyBinary() refuses an empty file", async () => {
  const { message } = await assertRejects(() => identifyBinary(readerOf(new Uint8Array()), 0), BinaryError);
  assertEquals(message, "Cannot use the binary: it is empty");
});
