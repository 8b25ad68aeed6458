import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path/posix";
import { BinaryError, binaryFormats, type BinaryInfo, identifyBinary } from "../lib/binary.ts";
import { BimaError } from "../lib/errors.ts";
import { formatPlatform } from "../lib/platform.ts";
import { openBinary, readerOf } from "./support/bytes.ts";
import { elfFile } from "./support/elf.ts";
import { type FixtureName, realFile } from "./support/fixtures.ts";

async function identifyFile(path: string): Promise<BinaryInfo> {
  using binary = await openBinary(path);
  return await identifyBinary(binary.read, binary.size);
}

function identify(bytes: Uint8Array<ArrayBuffer>): Promise<BinaryInfo> {
  return identifyBinary(readerOf(bytes), bytes.byteLength);
}

async function reasonOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return (await assertRejects(() => identify(bytes), BinaryError)).reason;
}

const real: readonly [name: FixtureName, platform: string, description: string][] = [
  ["amd64-bzImage", "linux/amd64", "x86 bzImage, boot protocol 2.15, 64-bit entry"],
  ["arm64-Image", "linux/arm64", "ARM64 Image, little-endian"],
  ["arm64-u-boot.elf", "linux/arm64", "ELF 64-bit little-endian, aarch64"],
  ["arm-u-boot.elf", "linux/arm/v7", "ELF 32-bit little-endian, Arm"],
  ["riscv64-u-boot.elf", "linux/riscv64", "ELF 64-bit little-endian, RISC-V"],
  ["riscv64-opensbi.elf", "linux/riscv64", "ELF 64-bit little-endian, RISC-V"],
  ["amd64-boot.efi", "linux/amd64", "PE EFI application, x86-64"],
  ["arm64-boot.efi", "linux/arm64", "PE EFI application, aarch64"],
  ["libc-amd64.so", "linux/amd64", "ELF 64-bit little-endian, x86-64"],
  ["libc-x32.so", "linux/amd64", "ELF 32-bit little-endian, x86-64"],
  [
    "libc-i386.so",
    "linux/amd64",
    "ELF 32-bit little-endian, x86 (counts as amd64, because multiboot kernels are 32-bit)",
  ],
  ["libc-arm64.so", "linux/arm64", "ELF 64-bit little-endian, aarch64"],
  ["libc-armhf.so", "linux/arm/v7", "ELF 32-bit little-endian, Arm"],
  ["libc-riscv64.so", "linux/riscv64", "ELF 64-bit little-endian, RISC-V"],
  ["libc-ppc64el.so", "linux/ppc64le", "ELF 64-bit little-endian, 64-bit PowerPC"],
  ["libc-ppc64.so", "linux/ppc64", "ELF 64-bit big-endian, 64-bit PowerPC"],
  ["libc-s390x.so", "linux/s390x", "ELF 64-bit big-endian, S/390"],
  ["libc-mips64el.so", "linux/mips64le", "ELF 64-bit little-endian, MIPS"],
  ["libc-mips64.so", "linux/mips64", "ELF 64-bit big-endian, MIPS"],
  ["libc-mipsel.so", "linux/mipsle", "ELF 32-bit little-endian, MIPS"],
  ["libc-mips.so", "linux/mips", "ELF 32-bit big-endian, MIPS"],
];

for (const [name, platform, description] of real) {
  Deno.test(`identifyBinary() takes ${name} for ${platform}, in one read`, async () => {
    using binary = await openBinary(realFile(name));
    const reads: number[] = [];
    const info = await identifyBinary((offset, length) => {
      reads.push(offset, length);
      return binary.read(offset, length);
    }, binary.size);
    assertEquals(formatPlatform(info.platform), platform);
    assertEquals(info.description, description);
    assert(binaryFormats.includes(info.format));
    assertEquals(reads, [0, 4096]);
  });
}

const refused: readonly [name: FixtureName, reason: string][] = [
  ["arm64-module.ko", "a relocatable object file (ET_REL) cannot boot"],
  ["libc-powerpc.so", "an ELF file for 32-bit PowerPC (machine 20), which bima does not support"],
  ["libc-sparc64.so", "an ELF file for SPARC v9 (machine 43), which bima does not support"],
];

for (const [name, reason] of refused) {
  Deno.test(`identifyBinary() refuses ${name} and says why`, async () => {
    const error = await assertRejects(() => identifyFile(realFile(name)), BinaryError);
    assertEquals(error.reason, reason);
  });
}

for (const [name] of real) {
  Deno.test(`identifyBinary() refuses ${name} when its second half is missing`, async () => {
    using binary = await openBinary(realFile(name));
    const half = Math.floor(binary.size / 2);
    const error = await assertRejects(() => identifyBinary(binary.read, half), BinaryError);
    assertMatch(error.reason, new RegExp(`^truncated: .* ends at \\d+, the file has ${half} bytes$`));
  });
}

Deno.test("identifyBinary() names the file when it is told", async () => {
  const bytes = elfFile({ type: 1 });
  const options = { file: "unikernel/hello.o" };
  const error = await assertRejects(
    () => identifyBinary(readerOf(bytes), bytes.byteLength, options),
    BinaryError,
    `Cannot use binary "unikernel/hello.o": a relocatable object file (ET_REL) cannot boot`,
  );
  assert(error instanceof BimaError);
  assertStringIncludes(error.hint ?? "", "the linker's result");
});

Deno.test("identifyBinary() passes on what the reader throws", async () => {
  const read = (): Promise<never> => Promise.reject(new Deno.errors.PermissionDenied("no"));
  await assertRejects(() => identifyBinary(read, 100, { file: "x" }), Deno.errors.PermissionDenied, "no");
});

Deno.test("identifyBinary() notices a file that became shorter", async () => {
  const bytes = elfFile();
  const error = await assertRejects(() => identifyBinary(readerOf(bytes), 4096), BinaryError);
  assertEquals(error.reason, "it became shorter while it was read: expected 4096 bytes, found 120");
});

Deno.test("identifyBinary() reads a program header table that lies further on", async () => {
  const elf = elfFile({ programHeaders: 10_000n });
  const bytes = new Uint8Array(10_056);
  bytes.set(elf.subarray(0, 64));
  bytes.set(elf.subarray(64), 10_000);
  const reads: { offset: number; length: number }[] = [];
  const info = await identifyBinary(readerOf(bytes, reads), bytes.byteLength);
  assertEquals(info.platform.architecture, "amd64");
  assertEquals(reads, [{ offset: 0, length: 4096 }, { offset: 10_000, length: 56 }]);
});

Deno.test("identifyBinary() knows a DOS program and a PE header that lies further on", async () => {
  const efi = await Deno.readFile(realFile("amd64-boot.efi"));
  const start = new DataView(efi.buffer).getUint32(60, true);
  const moved = new Uint8Array(efi.byteLength + 8192);
  moved.set(efi);
  moved.set(efi.subarray(start, start + 2048), efi.byteLength);
  new DataView(moved.buffer).setUint32(60, efi.byteLength, true);
  assertEquals((await identify(moved)).description, "PE EFI application, x86-64");
  moved[efi.byteLength] = 0;
  assertEquals(
    await reasonOf(moved),
    `a DOS program ("MZ" without a PE header at ${efi.byteLength}) cannot boot`,
  );
});

Deno.test("identifyBinary() tells what is inside an EFI zboot image", async () => {
  const efi = await Deno.readFile(realFile("arm64-boot.efi"));
  efi.set(new TextEncoder().encode("zimg"), 4);
  new DataView(efi.buffer).setUint32(8, 4096, true);
  new DataView(efi.buffer).setUint32(12, 8192, true);
  efi.set(new TextEncoder().encode("gzip\0"), 24);
  assertEquals(await identify(efi), {
    format: "pe",
    platform: { os: "linux", architecture: "arm64" },
    description: "PE EFI application, aarch64, with a kernel compressed by gzip",
  });
});

/** A file compressed by the gzip program. */
async function gzip(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const { success, stdout } = await new Deno.Command("gzip", { args: ["-1nc", path] }).output();
  assert(success);
  return stdout;
}

const hello = join(import.meta.dirname ?? ".", "../examples/hello/hello.elf");

Deno.test("identifyBinary() looks into a kernel compressed with gzip, at its first bytes only", async () => {
  const reads: { offset: number; length: number }[] = [];
  const packed = await gzip(realFile("arm64-Image"));
  assertEquals(await identifyBinary(readerOf(packed, reads), packed.byteLength), {
    format: "arm64-image",
    platform: { os: "linux", architecture: "arm64" },
    description: "gzip-compressed ARM64 Image, little-endian",
  });
  assertEquals(reads, [{ offset: 0, length: 4096 }, { offset: 0, length: 65536 }]);
});

Deno.test("identifyBinary() checks a small compressed kernel as if it were not compressed", async () => {
  const packed = await gzip(hello);
  assertMatch((await identify(packed)).description, /^gzip-compressed ELF 32-bit little-endian, x86/);
  assertEquals(
    await reasonOf(packed.slice(0, -20)),
    `truncated: the gzip data goes on, the file has ${packed.byteLength - 20} bytes`,
  );
  const damaged = packed.slice();
  damaged[damaged.byteLength - 6] = 255 - (damaged[damaged.byteLength - 6] ?? 0);
  assertMatch(await reasonOf(damaged), /^damaged gzip data: /);
});

Deno.test("identifyBinary() says what is inside gzip data when it is no kernel", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const write = async (content: Uint8Array): Promise<Uint8Array<ArrayBuffer>> => {
      await Deno.writeFile(`${folder}/file`, content);
      return await gzip(`${folder}/file`);
    };
    const text = await write(new TextEncoder().encode("hello\n"));
    assertMatch(await reasonOf(text), /^gzip data; inside: a text file, it starts with 68 65 6c 6c 6f 0a \(/);
    assertEquals(await reasonOf(await write(new Uint8Array())), "gzip data with nothing inside");
    assertMatch(await reasonOf(await write(text)), /^gzip data; inside: gzip data, it starts with 1f 8b 08/);
    const kernel = await Deno.readFile(hello);
    assertMatch(
      await reasonOf(await write(kernel.subarray(0, 200))),
      /^gzip data; inside: truncated: segment 0 ends at \d+, the file has 200 bytes$/,
    );
    const bomb = await write(new Uint8Array(50_000_000));
    assertMatch(await reasonOf(bomb), /^gzip data; inside: a file that starts with zeros only/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
