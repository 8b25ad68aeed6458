import { assertEquals, assertLess, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path/posix";
import { identifyBinary } from "../lib/binary.ts";
import { bootKernel } from "./support/qemu.ts";
import { realFile } from "./support/fixtures.ts";
import { readerOf } from "./support/bytes.ts";

const example = join(import.meta.dirname ?? ".", "../examples/hello");
const kernel = join(example, "hello.elf");

for (const machine of ["pc", "q35", "microvm"]) {
  Deno.test(`hello.elf prints its command line and switches a ${machine} machine off`, async () => {
    const serial = await bootKernel(kernel, `one  two --three="4 5"`, { machine });
    assertStringIncludes(serial, `\nhello from a unikernel: one  two --three="4 5"\r\n`);
  });
}

Deno.test("hello.elf says hello when there is no command line", async () => {
  assertStringIncludes(await bootKernel(kernel, ""), "\nhello from a unikernel\r\n");
});

Deno.test("hello.elf is a small kernel for amd64", async () => {
  const bytes = await Deno.readFile(kernel);
  assertLess(bytes.byteLength, 16384);
  const { platform } = await identifyBinary(readerOf(bytes), bytes.byteLength);
  assertEquals(platform, { os: "linux", architecture: "amd64" });
});

Deno.test("hello.elf is what its sources give, twice the same bytes", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const name of ["first.elf", "second.elf"]) {
      const make = new Deno.Command("make", { args: ["-C", example, `OUT=${folder}/${name}`] });
      const { success, stderr } = await make.output();
      assertEquals(success, true, new TextDecoder().decode(stderr));
    }
    const [first, second] = await Promise.all(
      ["first.elf", "second.elf"].map((name) => Deno.readFile(join(folder, name))),
    );
    assertEquals(first, second);
    // Another compiler may write other code, so what is compared is what the kernel does.
    const serial = await bootKernel(join(folder, "first.elf"), "again");
    assertStringIncludes(serial, "hello from a unikernel: again");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("bootKernel() names what QEMU said when there is no kernel", async () => {
  await assertRejects(
    () => bootKernel(join(example, "missing.elf"), ""),
    Error,
    "could not open kernel file",
  );
});

Deno.test("bootKernel() ends the machine when its signal fires", async () => {
  const stop = new AbortController();
  stop.abort(new Error("enough"));
  await assertRejects(() => bootKernel(kernel, "", { signal: stop.signal }), Error, "enough");
});

Deno.test("bootKernel() ends a machine that runs on when the output matches", async () => {
  const serial = await bootKernel(realFile("amd64-bzImage"), "earlyprintk=ttyS0", {
    until: /Linux version .*\r/,
  });
  assertMatch(serial, /Linux version \d/);
});
