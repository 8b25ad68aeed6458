/** Platforms: containerd's normalisation. */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UsageError } from "../lib/errors.ts";
import { formatPlatform, parsePlatform } from "../lib/platform.ts";

const platforms: Readonly<Record<string, string>> = {
  "linux/amd64": "linux/amd64",
  "linux/x86_64": "linux/amd64",
  "linux/x86-64": "linux/amd64",
  "linux/amd64/v1": "linux/amd64",
  "linux/amd64/v3": "linux/amd64/v3",
  "linux/i386": "linux/386",
  "linux/i386/v1": "linux/386",
  "linux/i686": "linux/386",
  "linux/386": "linux/386",
  "linux/arm64": "linux/arm64",
  "linux/aarch64": "linux/arm64",
  "linux/arm64/v8": "linux/arm64",
  "linux/arm64/8": "linux/arm64",
  "linux/aarch64/v8": "linux/arm64",
  "linux/arm64/v9": "linux/arm64/v9",
  "linux/arm": "linux/arm/v7",
  "linux/arm/5": "linux/arm/v5",
  "linux/arm/6": "linux/arm/v6",
  "linux/arm/7": "linux/arm/v7",
  "linux/arm/8": "linux/arm/v8",
  "linux/arm/v5": "linux/arm/v5",
  "linux/arm/v6": "linux/arm/v6",
  "linux/arm/v7": "linux/arm/v7",
  "linux/arm/v8": "linux/arm/v8",
  "linux/armhf": "linux/arm/v7",
  "linux/armel": "linux/arm/v6",
  "linux/loongarch64": "linux/loong64",
  "linux/riscv64": "linux/riscv64",
  "linux/ppc64le": "linux/ppc64le",
  "linux/s390x": "linux/s390x",
  "linux/mips64le": "linux/mips64le",
  // The system is linux when only the architecture is named.
  "amd64": "linux/amd64",
  "aarch64": "linux/arm64",
  "arm": "linux/arm/v7",
  // Case and blanks around it do not matter.
  "Linux/AMD64": "linux/amd64",
  " linux/arm/V6 ": "linux/arm/v6",
  "macos/arm64": "darwin/arm64",
  "freebsd/amd64": "freebsd/amd64",
  // Nothing special, whatever JavaScript objects inherit.
  "linux/constructor": "linux/constructor",
  "linux/__proto__": "linux/__proto__",
};

Deno.test("parsePlatform() normalises as containerd does", () => {
  for (const [text, expected] of Object.entries(platforms)) {
    assertEquals(formatPlatform(parsePlatform(text)), expected, text);
  }
});

Deno.test("parsePlatform() leaves a variant that there is not out", () => {
  assertEquals(parsePlatform("linux/arm64/v8"), { os: "linux", architecture: "arm64" });
  assertEquals(parsePlatform("linux/arm"), { os: "linux", architecture: "arm", variant: "v7" });
});

Deno.test("parsePlatform() gives what it reads as the same platform", () => {
  for (const text of Object.values(platforms)) assertEquals(formatPlatform(parsePlatform(text)), text);
});

Deno.test("parsePlatform() refuses everything else", () => {
  const wrong = [
    "",
    " ",
    "/",
    "linux",
    "windows",
    "linux/",
    "/amd64",
    "linux//v7",
    "linux/arm/",
    "linux/arm/v7/x",
    "linux(5.1)/amd64",
    "linux/amd 64",
    "linux,amd64",
    "linux/ämd64",
  ];
  for (const text of wrong) {
    const error = assertThrows(() => parsePlatform(text), UsageError);
    assertEquals(error.message, `Cannot use platform "${text}": expected os/architecture[/variant]`);
    assertStringIncludes(error.hint ?? "", "linux/amd64");
  }
});
