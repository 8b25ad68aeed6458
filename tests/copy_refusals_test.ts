import { assertEquals } from "@std/assert";
import { copyFiles, type Files } from "./support/context.ts";

const files: Files = {
  "file": "file",
  "tool": "tool",
  "dir/one": "one",
  "dir/sub/two": "two",
};

/** What is found wrong with the instructions. */
async function findings(containerfile: string, context: Files = files): Promise<readonly string[]> {
  return (await copyFiles(containerfile, context)).findings;
}

Deno.test("planCopy() says what is not there, and what is like it", async () => {
  assertEquals(await findings("COPY fiel /x"), [
    'BIMA101 2:6 Cannot copy "fiel": it is not in the build context',
    '  there is "file"',
  ]);
  assertEquals(await findings("COPY dir/sub/tow ../../nothing [z]* a/[ /x/"), [
    'BIMA101 2:6 Cannot copy "dir/sub/tow": it is not in the build context',
    '  there is "dir/sub/two"',
    'BIMA101 2:18 Cannot copy "../../nothing": it is not in the build context',
    '  sources cannot leave the build context; "../../nothing" was looked up as "nothing"',
    'BIMA102 2:32 Cannot copy "[z]*": nothing in the build context matches',
    'BIMA103 2:37 Cannot use pattern "a/[": it is malformed',
    "  [ needs a ], and \\ a character after it",
  ]);
  assertEquals(await findings("COPY --parents dir/none dir/*.none dir/./nope z*/./x /x/"), [
    'BIMA101 2:16 Cannot copy "dir/none": it is not in the build context',
    '  there is "dir/one"',
    'BIMA102 2:25 Cannot copy "dir/*.none": nothing in the build context matches',
    'BIMA101 2:36 Cannot copy "dir/./nope": it is not in the build context',
    'BIMA102 2:47 Cannot copy "z*/./x": nothing in the build context matches',
  ]);
  assertEquals(await findings("COPY --exclude=[ file /x"), [
    'BIMA103 2:1 Cannot use pattern "[": it is malformed',
    "  [ needs a ], and \\ a character after it",
  ]);
});

Deno.test("planCopy() says where a link leads that leads to nothing", async () => {
  assertEquals(await findings("COPY l /x", { "l": { link: "d/none" } }), [
    'BIMA101 2:6 Cannot copy "l": it is a symbolic link to "d/none", and that is not there',
    "  copy its directory to keep the link as it is",
  ]);
});

Deno.test("planCopy() refuses several matches for one name", async () => {
  assertEquals(await findings("COPY [ft]* /x"), [
    'BIMA018 2:12 Cannot copy "[ft]*" to "/x": 2 sources match, expected a destination that ends in /',
    '  write "/x/"',
  ]);
});

Deno.test("planCopy() refuses links that lead out of the context", async () => {
  const context = {
    "up": { link: "../../etc/passwd" },
    "abs": { link: "/etc/passwd" },
    "loop": { link: "loop" },
  };
  const hint = "  copy the file itself into the build context";
  assertEquals(await findings("COPY up abs loop up/x /x/", context), [
    'BIMA104 2:6 Cannot follow "up": it is a symbolic link to "../../etc/passwd", outside of the build context',
    hint,
    'BIMA104 2:9 Cannot follow "abs": it is a symbolic link to "/etc/passwd", outside of the build context',
    hint,
    'BIMA104 2:13 Cannot follow "loop": too many symbolic links',
    'BIMA104 2:18 Cannot follow "up": it is a symbolic link to "../../etc/passwd", outside of the build context',
    hint,
  ]);
});

Deno.test("planCopy() refuses what no image can hold, by itself and inside of a directory", async () => {
  const context: Files = { "pipe": { fifo: true }, "d/pipe": { fifo: true }, "d/f": "" };
  assertEquals(await findings("COPY pipe d /x/", context), [
    'BIMA105 2:6 Cannot copy "pipe": it is a fifo, expected a file, directory or link',
    'BIMA105 2:11 Cannot copy "d/pipe": it is a fifo, expected a file, directory or link',
  ]);
  assertEquals((await copyFiles("COPY --exclude=pipe d /", context)).list, ["f644 0:0 f "]);
});

Deno.test("planCopy() refuses directories in the place of files and files in that of directories", async () => {
  const context = { "f": "", "d/f": "", "e/f/x": "" };
  const conflict = (place: string, source: string, destination: string, why: string): string =>
    `BIMA106 ${place} Cannot copy "${source}" to "${destination}": ${why}`;
  assertEquals(await findings("COPY f /x\nCOPY d /x\nCOPY f /x/\nCOPY f /x/y", context), [
    conflict("3:6", "d", "/x", '"/x" is a file in the image, and "d" is a directory'),
    conflict("4:6", "f", "/x/", '"/x" is a file, expected a directory'),
    conflict("5:6", "f", "/x/y", '"/x" is a file, expected a directory'),
  ]);
  assertEquals(
    await findings("COPY d /x\nCOPY e /x\nCOPY e /y\nCOPY d /y\nCOPY f /y/\nCOPY <<f /y/\nf", context),
    [
      conflict("3:6", "e", "/x", '"/x/f" is a file in the image, and a directory in the source'),
      conflict("5:6", "d", "/y", '"/y/f" is a directory in the image, and a file in the source'),
      conflict("6:6", "f", "/y/", '"/y/f" is a directory in the image, and a file in the source'),
      conflict("7:6", "f", "/y/", '"/y/f" is a directory in the image, and a file in the source'),
    ],
  );
  const link = { "a/lib": { link: "usr" }, "a/usr/x": "", "b/lib/y": "" };
  assertEquals(await findings("COPY a /\nCOPY b /", link), [
    conflict("3:6", "b", "/", '"/lib" is a symbolic link in the image, and a directory in the source'),
  ]);
});

Deno.test("planCopy() reports what cannot be read at its place", async () => {
  const name = "n".repeat(300);
  assertEquals(await findings(`COPY ${name} /x`), [
    `BIMA109 2:6 Cannot read "${name}": File name too long (os error 36)`,
  ]);
});

Deno.test("planCopy() refuses names that remove files when a layer is unpacked", async () => {
  assertEquals(await findings("COPY . /x", { "a/.wh.b": "" }), [
    'BIMA118 2:6 Cannot copy "." to "/x": "/x/a/.wh.b" cannot stand in a layer: a name with .wh. in front removes the file without it',
  ]);
  assertEquals((await copyFiles("COPY .wh.b /ok", { ".wh.b": "b" })).list, ["f644 0:0 ok b"]);
  assertEquals((await findings("COPY f /.wh..wh..opq/f", { f: "" })).length, 1);
});
