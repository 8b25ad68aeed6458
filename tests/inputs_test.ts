import { assertEquals, assertRejects } from "@std/assert";
import { PathError, UsageError } from "../lib/errors.ts";
import { type InputOptions, openInputs } from "../lib/inputs.ts";
import { type Files, withFiles } from "./support/context.ts";
import { rawTar, streamOf } from "./support/raw_tar.ts";

const text = (text: string): ReadableStream<Uint8Array> => streamOf(new TextEncoder().encode(text), 3);

function tarOf(files: Readonly<Record<string, string>>): ReadableStream<Uint8Array> {
  return streamOf(rawTar(...Object.entries(files).map(([name, body]) => ({ name, body }))));
}

/** The Containerfile's name and text, and the names at the context's root. */
async function read(options: InputOptions): Promise<readonly [file: string, text: string, names: string]> {
  await using inputs = await openInputs(options);
  return [inputs.source.file, inputs.source.text, inputs.context.names("").join(" ")];
}

const files: Files = {
  "context/a": "",
  "context/b": "",
  "context/.dockerignore": "a",
  "context/Containerfile": "in the context",
  "own/Other": "other",
  "own/Other.dockerignore": "b\n.*",
};

Deno.test("openInputs() reads the ignore file beside the Containerfile, else that of the context", async () => {
  await withFiles(files, async (path) => {
    const context = `${path}/context`;
    const other = `${path}/own/Other`;
    assertEquals(await read({ context, file: other }), [other, "other", "Containerfile a"]);
    const inside = `${context}/Containerfile`;
    assertEquals(await read({ context, file: inside }), [
      inside,
      "in the context",
      ".dockerignore Containerfile b",
    ]);
  });
});

Deno.test("openInputs() reads the Containerfile from a stream", async () => {
  await withFiles(files, async (path) => {
    const context = `${path}/context`;
    assertEquals(await read({ context, file: text("FROM ☺") }), [
      "<stdin>",
      "FROM ☺",
      ".dockerignore Containerfile b",
    ]);
  });
  const file = streamOf(new Uint8Array([0xff]));
  await assertRejects(
    () => openInputs({ context: ".", file }),
    PathError,
    'Cannot read "<stdin>": it is not UTF-8 text',
  );
});

Deno.test("openInputs() reads the context from a tar, Containerfile and ignore file too", async () => {
  const base = { "a": "", "b": "" };
  assertEquals(await read({ context: tarOf({ ...base, "Dockerfile": "D", ".dockerignore": "a" }) }), [
    "Dockerfile",
    "D",
    ".dockerignore Dockerfile b",
  ]);
  assertEquals(await read({ context: tarOf({ ...base, "Dockerfile": "D", "Containerfile": "C" }) }), [
    "Containerfile",
    "C",
    "Containerfile Dockerfile a b",
  ]);
  const own = { ...base, "sub/File": "F", "sub/File.dockerignore": "b", ".dockerignore": "a" };
  assertEquals(await read({ context: tarOf(own), file: "./sub/File" }), [
    "sub/File",
    "F",
    ".dockerignore a sub",
  ]);
  assertEquals(await read({ context: tarOf(base), file: text("T") }), ["<stdin>", "T", "a b"]);
});

Deno.test("openInputs() takes a Containerfile on the disk for a tar that has none of this name", async () => {
  await withFiles(files, async (path) => {
    const file = `${path}/own/Other`;
    assertEquals(await read({ context: tarOf({ "a": "", "b": "" }), file }), [file, "other", "a"]);
  });
});

Deno.test("openInputs() says when a tar has no Containerfile", async () => {
  const error = await assertRejects(() => openInputs({ context: tarOf({ "a": "" }) }), PathError);
  assertEquals(
    error.message,
    "Cannot find a Containerfile in the tar: expected Containerfile or Dockerfile at its root",
  );
});

Deno.test("openInputs() refuses to read both from one stream", async () => {
  const stream = tarOf({});
  await assertRejects(
    () => openInputs({ context: stream, file: stream }),
    UsageError,
    "from the same stream",
  );
});
