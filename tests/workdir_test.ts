import { assertEquals } from "@std/assert";
import { copyFiles } from "./support/context.ts";

const files = { "passwd": "app:x:5:9::/:\n", "file": "", "l": { link: "real" } };

Deno.test("planWorkdir() makes the directories that are missing, 0755 and 0:0", async () => {
  const { list, findings } = await copyFiles("WORKDIR /a/b\nWORKDIR c\nWORKDIR /a", files);
  assertEquals([list, findings], [["d755 0:0 a", "d755 0:0 a/b", "d755 0:0 a/b/c"], []]);
});

Deno.test("planWorkdir() gives them to the USER at that point", async () => {
  const { list } = await copyFiles(
    "COPY passwd /etc/\nWORKDIR /a\nUSER 7\nWORKDIR /b\nUSER app\nWORKDIR /b/c\nUSER nobody\nWORKDIR /d",
    files,
  );
  assertEquals(list, [
    "d755 0:0 a",
    "d755 7:7 b",
    "d755 5:9 b/c",
    "d755 0:0 d",
    "d755 0:0 etc",
    "f644 0:0 etc/passwd app:x:5:9::/:\n",
  ]);
});

Deno.test("planWorkdir() goes through links", async () => {
  const context = { "t/l": { link: "real" }, "t/real/f": "" };
  const { list } = await copyFiles("COPY t /\nWORKDIR /l/w", context);
  assertEquals(list, ["l777 0:0 l -> real", "d755 0:0 real", "f644 0:0 real/f ", "d755 0:0 real/w"]);
});

Deno.test("planWorkdir() reports what is in the way", async () => {
  const { findings } = await copyFiles("COPY file /x\nWORKDIR /x/y\nWORKDIR /.wh.x", files);
  assertEquals(findings, [
    'BIMA106 3:1 Cannot make the working directory "/x/y": "/x" is a file, expected a directory',
    'BIMA118 4:1 Cannot make the working directory "/.wh.x": "/.wh.x" cannot stand in a layer: a name with .wh. in front removes the file without it',
  ]);
});
