import { assertEquals } from "@std/assert";
import { join } from "@std/path/posix";
import fc from "fast-check";
import { build } from "../lib/build.ts";
import { listTree, unpackTar } from "./support/unpack.ts";

const kernel = join(import.meta.dirname ?? ".", "../examples/hello/hello.elf");

const containerfile = `FROM scratch
COPY kernel /boot/kernel
COPY tree /tree
LABEL com.urunc.unikernel.unikernelType=unikraft com.urunc.unikernel.hypervisor=qemu
LABEL com.urunc.unikernel.binary=/boot/kernel com.urunc.unikernel.cmdline=x
`;

/** A file, a link or a directory to be made. */
type Item =
  | { readonly kind: "file"; readonly mode: number; readonly bytes: Uint8Array }
  | { readonly kind: "link"; readonly target: string }
  | {
    readonly kind: "directory";
    readonly mode: number;
    readonly entries: readonly (readonly [string, Item])[];
  };

const bytesOf = (text: string): number => new TextEncoder().encode(text).byteLength;

/** Names of all lengths and in all writings; blanks, line ends and everything else that a shell would mind. */
const name = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 12 }) },
  { weight: 2, arbitrary: fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", minLength: 1, maxLength: 8 }) },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 90, max: 255 }).map((length) => "long ".repeat(51).slice(0, length)),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      " ",
      "\n",
      "a ",
      " a",
      "-rf",
      "~",
      "*",
      "'",
      '"',
      "\\",
      "PaxHeader",
      "é",
      "e\u0301",
    ),
  },
).filter((text) =>
  !/[/\0]/.test(text) && text !== "." && text !== ".." && !text.startsWith(".wh.") && text.isWellFormed() &&
  bytesOf(text) <= 255
);

const target = fc.oneof(
  name,
  fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join("/")}`),
  fc.constantFrom(
    ".",
    "..",
    "../../../etc/passwd",
    "/",
    "//x//",
    "x".repeat(100),
    "x".repeat(101),
    "y/".repeat(900),
  ),
).filter((text) => bytesOf(text) < 4096);

const mode = fc.oneof(
  fc.constantFrom(0o644, 0o755, 0o600, 0o4755, 0o2755, 0o1777, 0),
  fc.integer({ min: 0, max: 0o7777 }),
);

const file = fc.record({
  kind: fc.constant("file" as const),
  mode,
  bytes: fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.constantFrom(0, 1, 511, 512, 513, 1024, 70_000).map((size) => new Uint8Array(size).fill(size % 251)),
  ),
});
const link = fc.record({ kind: fc.constant("link" as const), target });

const { tree } = fc.letrec<{ tree: Item; item: Item }>((tie) => ({
  item: fc.oneof({ depthSize: "small", withCrossShrink: true }, file, link, tie("tree")),
  tree: fc.record({
    kind: fc.constant("directory" as const),
    mode,
    entries: fc.uniqueArray(fc.tuple(name, tie("item")), { maxLength: 6, selector: ([name]) => name }),
  }),
}));

/** Below a few directories with long names, so that whole paths get longer than any field of a tar. */
const deep = fc.tuple(fc.integer({ min: 0, max: 5 }), tree).map(([depth, inner]) => {
  let item: Item = inner;
  for (let level = 0; level < depth; level++) {
    item = { kind: "directory", mode: 0o755, entries: [[`${level}${"d".repeat(60 + 37 * level)}`, item]] };
  }
  return item;
});

/** The modes come last, and from the inside, because some of them shut a directory. */
async function make(path: string, item: Item): Promise<void> {
  switch (item.kind) {
    case "file":
      await Deno.writeFile(path, item.bytes);
      return await Deno.chmod(path, item.mode);
    case "link":
      return await Deno.symlink(item.target, path);
    case "directory":
      await Deno.mkdir(path);
      for (const [name, entry] of item.entries) await make(`${path}/${name}`, entry);
      return await Deno.chmod(path, item.mode);
  }
}

Deno.test("build() packs any tree so that umoci unpacks the same tree", async () => {
  await fc.assert(
    fc.asyncProperty(deep, async (item) => {
      const folder = await Deno.makeTempDir();
      try {
        await Deno.mkdir(`${folder}/context`);
        await Deno.copyFile(kernel, `${folder}/context/kernel`);
        await Deno.writeTextFile(`${folder}/Containerfile`, containerfile);
        await make(`${folder}/context/tree`, item);
        const dest = `${folder}/image.tar`;
        const options = { context: `${folder}/context`, file: `${folder}/Containerfile`, tag: "test" };
        await build({ ...options, output: { kind: "tar", dest } });
        const rootfs = await unpackTar(dest, folder);
        assertEquals(listTree(`${rootfs}/tree`), listTree(`${folder}/context/tree`));
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    }),
    { numRuns: 40 },
  );
});
