/** A file that is complete, or not there at all. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { PathError } from "../lib/errors.ts";
import { openPartial, type Partial } from "../lib/partial_file.ts";
import { Folder, run } from "./support/bima.ts";
import { noise } from "./support/image.ts";
import { asNobody } from "./support/nobody.ts";

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** Writes `hello` out of order. */
async function writeHello(partial: Partial): Promise<void> {
  await partial.write(bytes("lo, and more"), 3);
  await partial.write(bytes("hel"), 0);
}

/** Writes `hello` to a destination. */
async function hello(dest: string | WritableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
  const partial = await openPartial(dest);
  try {
    await writeHello(partial);
    await partial.finish(5);
  } catch (error) {
    await partial.abandon();
    throw error;
  }
}

async function refused(dest: string): Promise<PathError> {
  const error = await assertRejects(() => hello(dest), PathError);
  assertEquals(error.path, dest);
  return error;
}

const read = (path: string): string => Deno.readTextFileSync(path);

Deno.test("openPartial() gives a file its name when it is complete", async () => {
  using folder = new Folder();
  const partial = await openPartial(folder.at("x.tar"));
  assertEquals(partial.title, folder.at("x.tar"));
  await writeHello(partial);
  assertEquals(folder.names().filter((name) => name === "x.tar"), []);
  await partial.finish(5);
  assertEquals([folder.names(), read(folder.at("x.tar"))], [["x.tar"], "hello"]);
});

Deno.test("openPartial() fills gaps and a longer end with zeros", async () => {
  using folder = new Folder();
  const partial = await openPartial(folder.at("x"));
  await partial.write(bytes("a"), 2);
  await partial.finish(5);
  assertEquals(read(folder.at("x")), "\0\0a\0\0");
});

Deno.test("openPartial() leaves what had the name alone until the end", async () => {
  using folder = new Folder({ "x.tar": "older" });
  const partial = await openPartial(folder.at("x.tar"));
  await writeHello(partial);
  assertEquals(read(folder.at("x.tar")), "older");
  await partial.abandon();
  assertEquals([folder.names(), read(folder.at("x.tar"))], [["x.tar"], "older"]);
  await hello(folder.at("x.tar"));
  assertEquals([folder.names(), read(folder.at("x.tar"))], [["x.tar"], "hello"]);
});

Deno.test("openPartial() leaves nothing when it is abandoned, at once or twice", async () => {
  using folder = new Folder();
  const empty = await openPartial(folder.at("x"));
  await empty.abandon();
  await empty.abandon();
  assertEquals(folder.names(), []);
});

Deno.test("openPartial() lets several write the same name; the last one stays", async () => {
  using folder = new Folder();
  const [one, two] = [await openPartial(folder.at("x")), await openPartial(folder.at("x"))];
  await one.write(bytes("one"), 0);
  await two.write(bytes("two"), 0);
  await two.finish(3);
  await one.finish(3);
  assertEquals([folder.names(), read(folder.at("x"))], [["x"], "one"]);
});

Deno.test("openPartial() takes names of 255 bytes, whatever their letters", async () => {
  using folder = new Folder();
  const names = ["n".repeat(255), "日".repeat(85), "😀".repeat(63), `${"n".repeat(59)}😀`];
  for (const name of names) await hello(folder.at(name));
  assertEquals(folder.names(), names.toSorted());
});

Deno.test("openPartial() replaces the file behind links, and keeps the links", async () => {
  using folder = new Folder({ "deep/real": "older" });
  Deno.symlinkSync("deep/real", folder.at("inner"));
  Deno.symlinkSync(folder.at("inner"), folder.at("outer"));
  await hello(folder.at("outer"));
  assertEquals(read(folder.at("deep/real")), "hello");
  assertEquals(Deno.readLinkSync(folder.at("outer")), folder.at("inner"));
  assertEquals(Deno.readLinkSync(folder.at("inner")), "deep/real");
  assertEquals(Array.from(Deno.readDirSync(folder.at("deep")), ({ name }) => name), ["real"]);
});

Deno.test("openPartial() makes the file that a link names and that is not there yet", async () => {
  using folder = new Folder({ "deep/": "", "links/": "" });
  Deno.symlinkSync("../deep/new", folder.at("links/link"));
  Deno.symlinkSync("links", folder.at("dir"));
  await hello(folder.at("dir/link"));
  assertEquals([read(folder.at("deep/new")), Deno.readLinkSync(folder.at("links/link"))], [
    "hello",
    "../deep/new",
  ]);
  Deno.symlinkSync("nowhere/new", folder.at("broken"));
  assertEquals(
    (await refused(folder.at("broken"))).message,
    `Cannot write "${folder.at("broken")}": the directory does not exist`,
  );
});

Deno.test("openPartial() refuses links in a circle", async () => {
  using folder = new Folder();
  Deno.symlinkSync("loop", folder.at("loop"));
  assertEquals(
    (await refused(folder.at("loop"))).message.includes(`Cannot write "${folder.at("loop")}": `),
    true,
  );
  assertEquals(folder.names(), ["loop"]);
});

Deno.test("openPartial() refuses a directory, and a name that can only be one", async () => {
  using folder = new Folder({ "dir/": "" });
  Deno.symlinkSync("dir", folder.at("link"));
  for (const name of ["dir", "link"]) {
    const error = await refused(folder.at(name));
    assertEquals([error.message, error.hint], [
      `Cannot write "${folder.at(name)}": it is a directory`,
      "name a file",
    ]);
  }
  for (const name of ["new/", "dir/"]) {
    const error = await refused(`${folder.path}/${name}`);
    assertEquals(error.message, `Cannot write "${folder.path}/${name}": it is a directory`);
  }
  assertEquals(folder.names(), ["dir", "link"]);
});

Deno.test("openPartial() says what is wrong with the directory", async () => {
  using folder = new Folder({ file: "" });
  const missing = await refused(folder.at("a/b"));
  assertEquals([missing.message, missing.hint], [
    `Cannot write "${folder.at("a/b")}": the directory does not exist`,
    "make it first",
  ]);
  assertEquals(
    (await refused(folder.at("file/x"))).message,
    `Cannot write "${folder.at("file/x")}": a part of the path is no directory`,
  );
  assertEquals(folder.names(), ["file"]);
});

Deno.test("openPartial() says that it is not allowed to write", async () => {
  using folder = new Folder({ "x.tar": "older" });
  Deno.chmodSync(folder.path, 0o755);
  await asNobody(async () => {
    for (const name of ["x.tar", "new.tar"]) {
      const { message } = await refused(folder.at(name));
      assertEquals(message, `Cannot write "${folder.at(name)}": permission denied`);
    }
  });
  assertEquals([folder.names(), read(folder.at("x.tar"))], [["x.tar"], "older"]);
});

Deno.test("openPartial() leaves nothing when the name became a directory in between", async () => {
  using folder = new Folder();
  const partial = await openPartial(folder.at("x"));
  await writeHello(partial);
  Deno.mkdirSync(folder.at("x"));
  await assertRejects(() => partial.finish(5), PathError, `Cannot write "${folder.at("x")}": `);
  await partial.abandon();
  assertEquals(folder.names(), ["x"]);
});

Deno.test("openPartial() survives that its directory is removed", async () => {
  using folder = new Folder({ "gone/": "" });
  const partial = await openPartial(folder.at("gone/x"));
  await writeHello(partial);
  Deno.removeSync(folder.at("gone"), { recursive: true });
  await assertRejects(() => partial.finish(5), PathError, "the directory does not exist");
  await partial.abandon();
  assertEquals(folder.names(), []);
});

/** Mounts a file system of a few pages on a directory. */
async function mountSmall(path: string, ...options: string[]): Promise<AsyncDisposable> {
  await run("mount", "-t", "tmpfs", "-o", ["size=64k", ...options].join(","), "tmpfs", path);
  return { [Symbol.asyncDispose]: async () => void await run("umount", path) };
}

Deno.test("openPartial() says that the disk is full, and leaves nothing on it", async () => {
  using folder = new Folder({ "disk/": "" });
  await using _disk = await mountSmall(folder.at("disk"));
  folder.write("disk/x", "older");
  const partial = await openPartial(folder.at("disk/x"));
  const error = await assertRejects(() => partial.write(noise(128 * 1024), 0), PathError);
  assertEquals([error.message, error.hint], [
    `Cannot write "${folder.at("disk/x")}": no space left on the device`,
    "free some space, or write to another disk",
  ]);
  await partial.abandon();
  assertEquals(Array.from(Deno.readDirSync(folder.at("disk")), ({ name }) => name), ["x"]);
  assertEquals(read(folder.at("disk/x")), "older");
  // All room is free again.
  folder.write("disk/y", noise(48 * 1024));
});

Deno.test("openPartial() says that the file system is read-only", async () => {
  using folder = new Folder({ "disk/": "" });
  await using _disk = await mountSmall(folder.at("disk"), "ro");
  assertEquals(
    (await refused(folder.at("disk/x"))).message,
    `Cannot write "${folder.at("disk/x")}": the file system is read-only`,
  );
});

Deno.test("openPartial() sends everything to a stream once it is complete", async () => {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let closed = false;
  const stream = new WritableStream<Uint8Array<ArrayBuffer>>({
    write: (chunk) => void chunks.push(chunk),
    close: () => void (closed = true),
  });
  const partial = await openPartial(stream);
  await writeHello(partial);
  assertEquals([chunks.length, closed], [0, false]);
  await partial.finish(5);
  assertEquals([await new Blob(chunks).text(), closed], ["hello", true]);
});

/** Temporary files are made in a directory of their own, so that none can hide. */
async function withTemporary(work: (folder: Folder) => Promise<void>): Promise<void> {
  using folder = new Folder();
  const before = Deno.env.get("TMPDIR");
  Deno.env.set("TMPDIR", folder.path);
  try {
    await work(folder);
    assertEquals(folder.names(), []);
  } finally {
    if (before === undefined) Deno.env.delete("TMPDIR");
    else Deno.env.set("TMPDIR", before);
  }
}

Deno.test("openPartial() leaves nothing of a stream that is abandoned, fails or is full", async () => {
  await withTemporary(async (folder) => {
    const partial = await openPartial(new WritableStream());
    await writeHello(partial);
    assertEquals(folder.names(), [], "the file has no name while it is written");
    await partial.abandon();
    await partial.abandon();
    const broken = new WritableStream({ write: () => Promise.reject(new Deno.errors.BrokenPipe("broken")) });
    await assertRejects(() => hello(broken), PathError, 'Cannot write "the output": the reader went away');
    assertEquals(
      (await refused("/dev/full")).message,
      'Cannot write "/dev/full": no space left on the device',
    );
  });
});

Deno.test("openPartial() gives the reader of a fifo all bytes", async () => {
  using folder = new Folder();
  await run("mkfifo", folder.at("fifo"));
  const all = noise(3 << 20);
  await withTemporary(async () => {
    const reader = new Deno.Command("cat", { args: [folder.at("fifo")] }).output();
    const partial = await openPartial(folder.at("fifo"));
    await partial.write(all.slice(1 << 20), 1 << 20);
    await partial.write(all.slice(0, 1 << 20), 0);
    await partial.finish(all.byteLength);
    assertEquals((await reader).stdout, all);
  });
  assert(Deno.lstatSync(folder.at("fifo")).isFifo, "the fifo is still one");
});

Deno.test("openPartial() says that the reader of a fifo went away", async () => {
  using folder = new Folder();
  await run("mkfifo", folder.at("fifo"));
  await withTemporary(async () => {
    const reader = new Deno.Command("head", { args: ["-c1", folder.at("fifo")], stdout: "null" }).spawn();
    const partial = await openPartial(folder.at("fifo"));
    await partial.write(noise(3 << 20), 0);
    await assertRejects(
      () => partial.finish(3 << 20),
      PathError,
      `Cannot write "${folder.at("fifo")}": the reader went away`,
    );
    await partial.abandon();
    await reader.status;
  });
});
