import { assertEquals, assertThrows } from "@std/assert";
import { openContext } from "../lib/context.ts";
import { compileElement, expandGlob, isGlob } from "../lib/copy/glob.ts";
import { LinkError } from "../lib/tree.ts";
import { type Files, withFiles } from "./support/context.ts";

/** `pattern name`: what Go's filepath.Match says yes to. */
const matching = [
  ["kernel", "kernel"],
  ["*", "kernel.elf"],
  ["*", ".hidden"],
  ["*.elf", "kernel.elf"],
  ["*.elf", ".elf"],
  ["k*", "k"],
  ["k*l*f", "kernel.elf"],
  ["*e*e*e*", "kernel.elf.tree"],
  ["***", "anything"],
  ["ke??el", "kernel"],
  ["?", "☺"],
  ["??", "é!"],
  ["[k]ernel", "kernel"],
  ["[a-z]ernel", "kernel"],
  ["[a-cx-z]", "y"],
  ["[^a-c]", "d"],
  ["[^a-c]", "☺"],
  ["[α-ω]*", "λόγος"],
  ["[\\]]", "]"],
  ["[\\-x]", "-"],
  ["[a\\-z]", "-"],
  ["[!a]", "!"],
  ["[a^]", "^"],
  ["arr[[]0].txt", "arr[0].txt"],
  ["\\*", "*"],
  ["a\\\\b", "a\\b"],
  ["my-app-*", "my-app-1"],
  ["a.b", "a.b"],
  ["a+(b)|{c}$^", "a+(b)|{c}$^"],
  ["*x", "xxx"],
  ["two\nlines*", "two\nlines!"],
] as const;

const different = [
  ["kernel", "Kernel"],
  ["kernel", "kernel2"],
  ["*.elf", "kernel.elf2"],
  ["k*l", "kernelx"],
  ["?", ""],
  ["?", "ab"],
  ["???", "☺"],
  ["[a-c]", "d"],
  ["[^a-c]", "b"],
  ["[c-a]", "b"],
  ["[a\\-z]", "b"],
  ["*[a-z]", "A"],
  ["a.b", "axb"],
  ["a+", "aa"],
  ["\\*", "x"],
] as const;

const malformed = [
  "[",
  "a[",
  "[]",
  "[]a]",
  "[^]",
  "[^bc",
  "[-]",
  "[x-]",
  "[-x]",
  "[a-b-c]",
  "\\",
  "a\\",
  "[\\",
  "*[",
];

Deno.test("compileElement() matches what Go's filepath.Match matches", () => {
  for (const [pattern, name] of matching) {
    assertEquals(compileElement(pattern)?.test(name), true, `${pattern} and ${name}`);
  }
});

Deno.test("compileElement() matches nothing else", () => {
  for (const [pattern, name] of different) {
    assertEquals(compileElement(pattern)?.test(name), false, `${pattern} and ${name}`);
  }
});

Deno.test("compileElement() finds malformed patterns", () => {
  for (const pattern of malformed) assertEquals(compileElement(pattern), undefined, pattern);
});

Deno.test("isGlob() sees wildcards and backslashes only", () => {
  for (const path of ["*", "a?", "[a", "a\\b"]) assertEquals(isGlob(path), true, path);
  for (const path of ["a", "a]", "a-b", "{a,b}", "!a", "a/b.c"]) assertEquals(isGlob(path), false, path);
});

const files: Files = {
  "a/one.txt": "",
  "a/two.txt": "",
  "a/deep/three.txt": "",
  "b/one.txt": "",
  "b/.dot": "",
  "link": { link: "a" },
  "out": { link: "../.." },
  "loop": { link: "loop" },
  "top.txt": "",
};

function expand(pattern: string): Promise<string[] | undefined> {
  return withFiles(files, (path) => expandGlob(openContext(path), pattern));
}

Deno.test("expandGlob() goes one directory down with each slash, sorted", async () => {
  assertEquals(await expand("*.txt"), ["top.txt"]);
  assertEquals(await expand("*/*.txt"), ["a/one.txt", "a/two.txt", "b/one.txt"]);
  assertEquals(await expand("[ab]/one.*"), ["a/one.txt", "b/one.txt"]);
  assertEquals(await expand("*/*/*"), ["a/deep/three.txt"]);
  assertEquals(await expand("a/*"), ["a/deep", "a/one.txt", "a/two.txt"]);
  assertEquals(await expand("b/*"), ["b/.dot", "b/one.txt"]);
  assertEquals(await expand("top.txt/*"), []);
  assertEquals(await expand("nothing/*"), []);
});

Deno.test("expandGlob() follows links in front of the first wildcard only", async () => {
  assertEquals(await expand("link/*.txt"), ["a/one.txt", "a/two.txt"]);
  assertEquals(await expand("l*/*.txt"), []);
  assertEquals(await expand("l*"), ["link", "loop"]);
});

Deno.test("expandGlob() refuses links that lead out of the tree or in a circle", async () => {
  await withFiles(files, (path) => {
    const context = openContext(path);
    assertThrows(() => expandGlob(context, "out/*"), LinkError, `"out": it is a symbolic link to "../.."`);
    assertThrows(() => expandGlob(context, "loop/*"), LinkError, "too many symbolic links");
    // Behind a wildcard no link is followed, so nothing outside is listed.
    assertEquals(expandGlob(context, "o*/*"), []);
  });
});

Deno.test("expandGlob() gives nothing for a malformed element, wherever it stands", async () => {
  assertEquals(await expand("a/[/x"), undefined);
  assertEquals(await expand("nothing/*/["), undefined);
});
