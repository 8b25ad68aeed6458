/** What bima makes of the labels: urunc.json and the command line. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { commandLine, prefix, uruncJson } from "../lib/urunc.ts";
import { run } from "./support/bima.ts";

Deno.test("uruncJson() holds these bytes", () => {
  const labels = { "other": "x", [`${prefix}hypervisor`]: "qemu", [`${prefix}cmdline`]: "" };
  assertEquals(
    new TextDecoder().decode(uruncJson(labels)),
    `{\n  "${prefix}cmdline": "",\n  "${prefix}hypervisor": "cWVtdQ=="\n}\n`,
  );
  assertEquals(new TextDecoder().decode(uruncJson({})), "{}\n");
});

Deno.test("uruncJson() holds what base64(1) decodes to the values", async () => {
  const values = ["qemu", "a", "ab", "abc", "ünï→𝄞", "\u0001\n\t\"\\'", "??>>", "x".repeat(4000)];
  const labels = Object.fromEntries(values.map((value, index) => [`${prefix}k${index}`, value]));
  const read: Record<string, string> = JSON.parse(new TextDecoder().decode(uruncJson(labels)));
  for (const [key, value] of Object.entries(labels)) {
    assertEquals(await run("sh", "-c", 'printf %s "$0" | base64 -d', read[key] ?? ""), value);
  }
});

Deno.test("uruncJson() does not depend on the order of the labels, and uses the standard padded alphabet", () => {
  const names = fc.stringMatching(/^[A-Za-z0-9_]{1,8}$/);
  fc.assert(fc.property(fc.dictionary(names, fc.string({ unit: "grapheme" })), (values) => {
    const entries = Object.entries(values).map(([name, value]) => [prefix + name, value] as const);
    const bytes = uruncJson(Object.fromEntries(entries));
    assertEquals(uruncJson(Object.fromEntries(entries.toReversed())), bytes);
    const read: Record<string, string> = JSON.parse(new TextDecoder().decode(bytes));
    assertEquals(Object.keys(read).length, entries.length);
    for (const [key, value] of entries) {
      assert(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(read[key] ?? "!"));
      assertEquals(
        new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.fromBase64(read[key] ?? "")),
        value.toWellFormed(),
      );
    }
  }));
});

Deno.test("commandLine() splits the label at white space and keeps quotes as characters", () => {
  const split = (cmdline: string) => commandLine(cmdline, []).cmd;
  assertEquals(split("hello"), ["hello"]);
  assertEquals(split("a b  c"), ["a", "b", "c"]);
  assertEquals(split("  a\tb\n c\r\n"), ["a", "b", "c"]);
  assertEquals(split(`-c 'echo "x y"' \\ z`), ["-c", "'echo", '"x', `y"'`, "\\", "z"]);
  assertEquals(split("-- -x"), ["--", "-x"]);
});

Deno.test("commandLine() splits at the same characters as Go's strings.Fields", () => {
  // The property White_Space of Unicode, which is what Go's unicode.IsSpace tests; Go knows 25 of them.
  const white: number[] = [];
  for (let code = 0; code <= 0x10ffff; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const { cmd } = commandLine(`a${String.fromCodePoint(code)}b`, []);
    if (cmd?.length === 2) white.push(code);
    else assertEquals(cmd, [`a${String.fromCodePoint(code)}b`]);
  }
  assertEquals(white, [
    ...[9, 10, 11, 12, 13, 0x20, 0x85, 0xa0, 0x1680],
    ...[0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a],
    ...[0x2028, 0x2029, 0x202f, 0x205f, 0x3000],
  ]);
});

Deno.test("commandLine() makes one empty argument of an empty label: containerd wants one", () => {
  for (const cmdline of ["", " ", "\n\t\u3000"]) {
    assertEquals(commandLine(cmdline, []), { cmd: [""], cmdline });
  }
  assertEquals(commandLine(undefined, []), { cmd: [""], cmdline: "" });
});

Deno.test("commandLine() leaves CMD and ENTRYPOINT alone and derives the label from them", () => {
  assertEquals(commandLine(undefined, ["/app", "a b", "", "'c'"]), { cmdline: "/app a b  'c'" });
  assertEquals(commandLine("other line", ["/app"]), { cmdline: "other line" });
  assertEquals(commandLine("", ["/app"]), { cmdline: "" });
});
