/**
 * Real binaries from Debian's packages: kernels, firmware and C libraries of many machines.
 *
 * @module
 */
import { join } from "@std/path/posix";

/** The names that `scripts/fixtures.sh` knows. */
export const fixtureNames = [
  "amd64-bzImage",
  "arm64-Image",
  "arm64-module.ko",
  "arm64-u-boot.elf",
  "arm-u-boot.elf",
  "riscv64-u-boot.elf",
  "riscv64-opensbi.elf",
  "amd64-boot.efi",
  "arm64-boot.efi",
  "libc-amd64.so",
  "libc-x32.so",
  "libc-i386.so",
  "libc-arm64.so",
  "libc-armhf.so",
  "libc-riscv64.so",
  "libc-ppc64el.so",
  "libc-ppc64.so",
  "libc-powerpc.so",
  "libc-s390x.so",
  "libc-mips64el.so",
  "libc-mips64.so",
  "libc-mipsel.so",
  "libc-mips.so",
  "libc-sparc64.so",
] as const;

/** One of {@linkcode fixtureNames}. */
export type FixtureName = typeof fixtureNames[number];

const root = join(import.meta.dirname ?? ".", "../..");

/**
 * @param name which of the real binaries
 * @returns its path; treat the file as read-only
 * @throws {Error} that names the command which brings the files, when they are missing
 */
export function realFile(name: FixtureName): string {
  const path = join(root, ".tmp/fixtures", name);
  try {
    Deno.statSync(path);
    return path;
  } catch (cause) {
    throw new Error(`The real binary "${name}" is missing; bring it with: scripts/fixtures.sh`, { cause });
  }
}
