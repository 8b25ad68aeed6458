import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { openContext } from "../lib/context.ts";
import { PathError } from "../lib/errors.ts";
import { readAt } from "../lib/file_stream.ts";
import { TarContext } from "../lib/context/tar_context.ts";
import type { FileTree } from "../lib/tree.ts";
import { copyFrom, type Files, run, withFiles } from "./support/context.ts";
import { concat, paxEntry, type RawHeader, rawTar, streamOf } from "./support/raw_tar.ts";

/** Everything in a tree: kinds, modes, times, links and contents. */
function list(tree: FileTree, directory = ""): string[] {
  return tree.names(directory).flatMap((name) => {
    const path = directory === "" ? name : `${directory}/${name}`;
    const node = tree.node(path);
    const head = `${node?.kind} ${node?.mode.toString(8)} ${node?.uid}:${node?.gid} ${node?.mtime} ${path}`;
    if (node?.kind === "symlink") return [`${head} -> ${node.target}`];
    if (node?.kind === "special") return [`${head} ${node.what}`];
    if (node?.kind !== "file") return [head, ...list(tree, path)];
    return [`${head} ${new TextDecoder().decode(readAt(node, 0, node.size))}`];
  });
}

async function unpack(...entries: readonly (RawHeader | Uint8Array)[]): Promise<string[]> {
  await using tree = await TarContext.open(streamOf(rawTar(...entries), 100));
  return list(tree);
}

/** The message of the refusal. */
async function refusal(bytes: Uint8Array): Promise<string> {
  const error = await assertRejects(() => TarContext.open(streamOf(bytes)), PathError);
  const start = "Cannot use the tar as build context: ";
  assertStringIncludes(error.message, start);
  return error.message.slice(start.length);
}

const long = "long name/".repeat(20);

const files: Files = {
  "file": { text: "text", mode: 0o4750 },
  "empty": "",
  "block": "x".repeat(512),
  "big": "y".repeat(200_000),
  "directory": { directory: 0o1777 },
  "directory/inner": { directory: 0o700 },
  [`${long}${"n".repeat(255)}`]: "long",
  "naïve ☺\n name": "unicode",
  "link": { link: "file" },
  "long link": { link: `${long}${long}` },
  "absolute": { link: "/etc/passwd" },
};

const programs: readonly (readonly [format: string, compressor: string])[] = [
  ["gnu", "cat"],
  ["oldgnu", "gzip -9"],
  ["pax", "zstd -q"],
  ["pax", "cat"],
  // Two members, as pigz and bgzip write them.
  ["gnu", "{ dd bs=1000 count=1 iflag=fullblock status=none | gzip; gzip; }"],
];

Deno.test("open() sees in a tar what is in the directory, in every format and compression", async () => {
  await withFiles({ "tree": null }, (folder) =>
    withFiles(files, async (path) => {
      for (const name of ["file", "directory/inner"]) await Deno.utime(`${path}/${name}`, 0, 1_234_567_890);
      await run("ln", `${path}/file`, `${path}/same`);
      const expected = list(openContext(path));
      for (const [format, compressor] of programs) {
        const tar = `${folder}/${format}.tar`;
        // Sorted by an odd order on purpose, and with owners that do not count.
        const command = `tar --format=${format} --owner=7 --group=8 -C "$1" -c . | ${compressor} > "$2"`;
        await run("bash", "-o", "pipefail", "-c", command, "-", path, tar);
        await using tree = await TarContext.open((await Deno.open(tar)).readable);
        assertEquals(list(tree), expected, `${format}, ${compressor}`);
      }
    }));
});

Deno.test("open() reads the oldest format and names in two fields", async () => {
  assertEquals(await unpack({ name: "old/", flag: "\0", magic: "\0\0\0\0\0\0\0\0" }), [
    "directory 644 0:0 0 old",
  ]);
  assertEquals(await unpack({ name: "f", prefix: "a/b", body: "x" }), [
    "directory 755 0:0 0 a",
    "directory 755 0:0 0 a/b",
    "file 644 0:0 0 a/b/f x",
  ]);
  // GNU has other things there.
  assertEquals(await unpack({ name: "f", prefix: "12345", magic: "ustar  \0" }), ["file 644 0:0 0 f "]);
});

Deno.test("open() minds pax headers, for one entry and for all", async () => {
  assertEquals(
    await unpack(
      paxEntry({ mtime: "99.9", comment: "x" }, "g"),
      paxEntry({ path: "näme=1", mtime: "5.25", size: "3" }),
      { name: "short", body: "abc", size: "00000000000\0" },
      { name: "next" },
      paxEntry({ linkpath: "täget" }),
      { name: "l", flag: "2", target: "t" },
    ),
    ["symlink 777 0:0 99 l -> täget", "file 644 0:0 99 next ", "file 644 0:0 5 näme=1 abc"],
  );
});

Deno.test("open() lets a later entry of the same name win", async () => {
  assertEquals(
    await unpack(
      { name: "f", body: "1" },
      { name: "./f", body: "2", mode: "0000600\0" },
      { name: "l", flag: "2", target: "f" },
      { name: "l", body: "now a file" },
      { name: "d/", flag: "5", mode: "0000700\0" },
      { name: "d", flag: "5", mode: "0000711\0" },
    ),
    ["directory 711 0:0 0 d", "file 600 0:0 0 f 2", "file 644 0:0 0 l now a file"],
  );
});

Deno.test("open() makes hard links the file that they name", async () => {
  assertEquals(
    await unpack({ name: "f", body: "1" }, { name: "h", flag: "1", target: "./f" }, { name: "f", body: "2" }),
    ["file 644 0:0 0 f 2", "file 644 0:0 0 h 1"],
  );
});

Deno.test("open() keeps special files for COPY to refuse", async () => {
  const bytes = rawTar({ name: "p", flag: "6" }, { name: "c", flag: "3" }, { name: "b", flag: "4" });
  await using tree = await TarContext.open(streamOf(bytes));
  assertEquals(list(tree), [
    "special 644 0:0 0 b a block device",
    "special 644 0:0 0 c a character device",
    "special 644 0:0 0 p a fifo",
  ]);
  assertEquals(copyFrom("COPY p /", tree).findings, [
    'BIMA105 2:6 Cannot copy "p": it is a fifo, expected a file, directory or link',
  ]);
});

Deno.test("open() refuses names that lead out, whatever form they have", async () => {
  const leadsOut = (name: string, what = ""): string => `"${name}"${what} leads out of it`;
  assertEquals(await refusal(rawTar({ name: "/etc/passwd" })), leadsOut("/etc/passwd"));
  assertEquals(await refusal(rawTar({ name: "../x" })), leadsOut("../x"));
  assertEquals(await refusal(rawTar({ name: "a/../../x" })), leadsOut("a/../../x"));
  assertEquals(await refusal(rawTar({ name: "a/.." })), leadsOut("a/.."));
  assertEquals(await refusal(rawTar(paxEntry({ path: "../x" }), { name: "x" })), leadsOut("../x"));
  const gnu = { name: "././@LongLink", flag: "L", body: "/abs\0" };
  assertEquals(await refusal(rawTar(gnu, { name: "x" })), leadsOut("/abs"));
  assertEquals(
    await refusal(rawTar({ name: "h", flag: "1", target: "/etc/passwd" })),
    leadsOut("h", ', a link to "/etc/passwd"'),
  );
  assertEquals(
    await refusal(rawTar({ name: "h", flag: "1", target: "../x" })),
    leadsOut("h", ', a link to "../x"'),
  );
});

Deno.test("open() refuses to put anything behind a link or below a file", async () => {
  const link = { name: "l", flag: "2", target: "/tmp" };
  assertEquals(await refusal(rawTar(link, { name: "l/x" })), '"l/x" lies below "l", which is no directory');
  assertEquals(
    await refusal(rawTar(link, { name: "l/a/b/x" })),
    '"l/a/b/x" lies below "l", which is no directory',
  );
  assertEquals(
    await refusal(rawTar({ name: "f" }, { name: "f/x" })),
    '"f/x" lies below "f", which is no directory',
  );
  const both = 'it has "d" both as a directory and as something else';
  assertEquals(await refusal(rawTar({ name: "d/x" }, { name: "d", flag: "2", target: "/tmp" })), both);
  assertEquals(await refusal(rawTar({ name: "d" }, { name: "d/", flag: "5" })), both);
});

Deno.test("open() refuses hard links to anything but an earlier file", async () => {
  const why = (target: string): string =>
    `"h" is a hard link to "${target}", which is no file in front of it`;
  const h = { name: "h", flag: "1" };
  assertEquals(await refusal(rawTar({ ...h, target: "f" }, { name: "f" })), why("f"));
  assertEquals(await refusal(rawTar({ ...h, target: "h" })), why("h"));
  assertEquals(await refusal(rawTar({ name: "d/", flag: "5" }, { ...h, target: "d" })), why("d"));
  assertEquals(
    await refusal(rawTar({ name: "l", flag: "2", target: "/etc/passwd" }, { ...h, target: "l" })),
    why("l"),
  );
});

Deno.test("open() refuses what it cannot read exactly", async () => {
  assertStringIncludes(await refusal(rawTar({ name: "s", flag: "S" })), '"s" is a sparse file');
  assertStringIncludes(
    await refusal(rawTar(paxEntry({ "GNU.sparse.major": "1" }), { name: "s" })),
    '"s" is a sparse file',
  );
  assertStringIncludes(await refusal(rawTar({ name: "v", flag: "V" })), '"v" is an entry of type "V"');
  assertStringIncludes(
    await refusal(rawTar({ name: new Uint8Array([0x66, 0xff]) })),
    'the name "f�" is not UTF-8',
  );
});

Deno.test("open() refuses damaged and cut archives", async () => {
  const whole = rawTar({ name: "a", body: "x".repeat(1000) }, { name: "b", body: "y" });
  const cut = "it is cut off";
  for (const length of [513, 1400, 2000, 1536 + 512, whole.byteLength - 1024]) {
    assertStringIncludes(await refusal(whole.slice(0, length)), cut, `${length} bytes`);
  }
  assertEquals(await refusal(new Uint8Array()), "it is empty, expected a tar");
  assertEquals(await refusal(new TextEncoder().encode("FROM scratch\n")), "it is no tar");
  assertEquals(await refusal(new Uint8Array(600).fill(65)), "it is no tar");
  const damaged = "it is damaged: ";
  const first = { name: "ok" };
  assertEquals(
    await refusal(rawTar(first, { name: "x", checksum: "000000\0 " })),
    `${damaged}a checksum is wrong`,
  );
  assertStringIncludes(
    await refusal(rawTar(first, { name: "x", size: "99999999999\0" })),
    `${damaged}"99999999999"`,
  );
  const huge = new Uint8Array(12).fill(255).with(0, 0x80);
  assertEquals(await refusal(rawTar(first, { name: "x", size: huge })), `${damaged}a number is too large`);
  const malformed = `${damaged}a pax header is malformed`;
  for (const body of ["x", "9 a=b\n", "5 a=b\n", "0 a=b\n", "1000 a=b\n"]) {
    assertEquals(await refusal(rawTar(first, { name: "p", flag: "x", body })), malformed, body);
  }
  assertStringIncludes(await refusal(rawTar(paxEntry({ size: "-" }), first)), `${damaged}"-" is no size`);
  assertStringIncludes(
    await refusal(rawTar({ name: "p", flag: "x", size: "77777777777\0" })),
    "a header has 8589934591 bytes",
  );
});

Deno.test("open() names the compression that it cannot read, and damage in the one that it can", async () => {
  const head = (...bytes: readonly number[]): Uint8Array =>
    concat(new Uint8Array(bytes), new Uint8Array(600));
  const other = (name: string): string => `it is compressed with ${name}, expected a plain tar, gzip or zstd`;
  assertEquals(await refusal(head(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0)), other("xz"));
  assertEquals(await refusal(head(0x42, 0x5a, 0x68)), other("bzip2"));
  assertEquals(await refusal(head(0x50, 0x4b, 3, 4)), other("zip"));
  assertStringIncludes(await refusal(head(0x1f, 0x8b, 8, 0)), "its gzip data is damaged");
  assertStringIncludes(await refusal(head(0x28, 0xb5, 0x2f, 0xfd, 0xff)), "its zstd data is damaged");
  const gzip = new Uint8Array(
    await new Response(new Blob([rawTar({ name: "a" })]).stream().pipeThrough(new CompressionStream("gzip")))
      .arrayBuffer(),
  );
  assertStringIncludes(await refusal(gzip.slice(0, -9)), "its gzip data is damaged");
  const zstd = await withFiles({}, async (path) => {
    await Deno.writeFile(
      `${path}/tar`,
      rawTar({ name: "a", body: crypto.getRandomValues(new Uint8Array(3000)) }),
    );
    await run("zstd", "--quiet", "--check", `${path}/tar`);
    return await Deno.readFile(`${path}/tar.zst`);
  });
  assertStringIncludes(await refusal(zstd.slice(0, 2000)), "it is");
  const checksum = zstd.byteLength - 1;
  const flipped = zstd.with(checksum, (zstd[checksum] ?? 0) ^ 1);
  assertStringIncludes(await refusal(flipped), "its zstd data is damaged: Zstd decompress error");
});

Deno.test("open() leaves nothing behind, neither when it fails nor when it is disposed of", async () => {
  await withFiles({}, async (folder) => {
    const script = `
      import { TarContext } from ${JSON.stringify(import.meta.resolve("../lib/context/tar_context.ts"))};
      import { rawTar, streamOf } from ${JSON.stringify(import.meta.resolve("./support/raw_tar.ts"))};
      const entries = [{ name: "a", body: "x" }, { name: "../b" }];
      await TarContext.open(streamOf(rawTar(...entries))).catch(() => {});
      { await using _ = await TarContext.open(streamOf(rawTar(entries[0]))); }
      const stop = new AbortController();
      setTimeout(() => stop.abort(new Error("enough")), 50);
      // A stream that never ends and never gives anything.
      const silent = new ReadableStream({ pull: () => new Promise(() => setInterval(() => {}, 1000)) });
      await TarContext.open(silent, stop.signal).catch((error) => console.log(error.message));
      console.log([...Deno.readDirSync(Deno.env.get("TMPDIR"))].length);
      Deno.exit();
    `;
    await Deno.writeTextFile(`${folder}/script.ts`, script);
    await Deno.mkdir(`${folder}/tmp`);
    const config = new URL("../deno.json", import.meta.url).pathname;
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", "--allow-all", "--config", config, `${folder}/script.ts`],
      env: { TMPDIR: `${folder}/tmp` },
    });
    const { stdout, stderr } = await command.output();
    assertEquals(new TextDecoder().decode(stdout), "enough\n0\n", new TextDecoder().decode(stderr));
  });
});
