import { assertEquals, assertThrows } from "@std/assert";
import { BinaryError } from "../lib/binary/error.ts";
import { parseKernelHeader, parseZboot } from "../lib/kernel.ts";
import { realFile } from "./support/fixtures.ts";

const bzImage = await Deno.readFile(realFile("amd64-bzImage"));
const image = await Deno.readFile(realFile("arm64-Image"));

/** The first bytes of a file, changed. */
function headOf(file: Uint8Array<ArrayBuffer>, change: (view: DataView) => void): Uint8Array {
  const head = file.slice(0, 4096);
  change(new DataView(head.buffer));
  return head;
}

function reasonOf(run: () => unknown): string {
  return assertThrows(run, BinaryError).reason;
}

Deno.test("parseKernelHeader() knows Debian's bzImage", () => {
  assertEquals(parseKernelHeader(bzImage, bzImage.byteLength), {
    format: "bzimage",
    platform: { os: "linux", architecture: "amd64" },
    description: "x86 bzImage, boot protocol 2.15, 64-bit entry",
  });
});

Deno.test("parseKernelHeader() tells 32-bit kernels and old ones from their flags", () => {
  const description = (change: (view: DataView) => void): string | undefined =>
    parseKernelHeader(headOf(bzImage, change), bzImage.byteLength)?.description;
  assertEquals(
    description((view) => view.setUint16(0x236, 0)),
    "x86 bzImage, boot protocol 2.15, 32-bit entry",
  );
  assertEquals(
    description((view) => view.setUint16(0x206, 0x20b, true)),
    "x86 bzImage, boot protocol 2.11, 32-bit entry",
  );
  assertEquals(
    description((view) => view.setUint8(0x211, 0)),
    "x86 zImage, boot protocol 2.15, 64-bit entry",
  );
});

Deno.test("parseKernelHeader() refuses a bzImage whose code is cut off", () => {
  const view = new DataView(bzImage.buffer);
  const end = (view.getUint8(0x1f1) + 1) * 512 + view.getUint32(0x1f4, true) * 16;
  // The header counts 16 bytes at a time, so up to 15 bytes may be missing.
  assertEquals(parseKernelHeader(bzImage, end - 15)?.format, "bzimage");
  assertEquals(
    reasonOf(() => parseKernelHeader(bzImage, end - 16)),
    `truncated: the kernel's code ends at ${end - 15}, the file has ${end - 16} bytes`,
  );
  assertEquals(
    reasonOf(() => parseKernelHeader(bzImage.subarray(0, 0x210), 0x210)),
    "truncated: the x86 boot header ends at 568, the file has 528 bytes",
  );
  const four = headOf(bzImage, (head) => {
    head.setUint8(0x1f1, 0);
    head.setUint32(0x1f4, 0, true);
  });
  assertEquals(reasonOf(() => parseKernelHeader(four, 2559)).startsWith("truncated"), true);
  assertEquals(parseKernelHeader(four, 2560)?.format, "bzimage");
});

Deno.test("parseKernelHeader() knows Debian's arm64 Image and its byte order", () => {
  assertEquals(parseKernelHeader(image, image.byteLength), {
    format: "arm64-image",
    platform: { os: "linux", architecture: "arm64" },
    description: "ARM64 Image, little-endian",
  });
  const big = headOf(image, (view) => view.setUint8(24, view.getUint8(24) | 1));
  assertEquals(parseKernelHeader(big, image.byteLength)?.description, "ARM64 Image, big-endian");
});

Deno.test("parseKernelHeader() knows a RISC-V Image", () => {
  const riscv = headOf(image, (view) => view.setUint32(56, 0x05435352, true));
  assertEquals(parseKernelHeader(riscv, image.byteLength), {
    format: "riscv-image",
    platform: { os: "linux", architecture: "riscv64" },
    description: "RISC-V Image, little-endian",
  });
});

Deno.test("parseKernelHeader() finds nothing in other files, however short", () => {
  assertEquals(parseKernelHeader(new Uint8Array(4096), 4096), undefined);
  for (let size = 0; size < 60; size++) {
    assertEquals(parseKernelHeader(image.subarray(0, size), size), undefined);
  }
  const unsigned = headOf(bzImage, (view) => view.setUint16(0x1fe, 0));
  assertEquals(parseKernelHeader(unsigned, bzImage.byteLength), undefined);
});

Deno.test("parseZboot() finds the kernel inside and wants all of it", () => {
  const head = headOf(image, (view) => {
    new Uint8Array(view.buffer).set(new TextEncoder().encode("MZ\0\0zimg"));
    view.setUint32(8, 1000, true);
    view.setUint32(12, 5000, true);
    new Uint8Array(view.buffer).set(new TextEncoder().encode("zstd22\0"), 24);
  });
  assertEquals(parseZboot(head, 6000), { compression: "zstd22", end: 6000 });
  assertEquals(
    reasonOf(() => parseZboot(head, 5999)),
    "truncated: the compressed kernel ends at 6000, the file has 5999 bytes",
  );
  assertEquals(parseZboot(image, image.byteLength), undefined);
  assertEquals(parseZboot(head.subarray(0, 63), 63), undefined);
});
