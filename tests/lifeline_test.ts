import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { basename, join } from "@std/path/posix";
import { PathError } from "../lib/errors.ts";
import { forget, isGone, Lifeline } from "../lib/lifeline.ts";
import { Folder, root } from "./support/bima.ts";

/** A process of its own that opens a lifeline, prints its path and waits, with no rights but to read and write. */
async function other() {
  const code = `import { Lifeline } from "${new URL("../lib/lifeline.ts", import.meta.url)}";
    console.log((await Lifeline.open()).path);
    await new Promise((resolve) => setTimeout(resolve, 1_000_000));`;
  const config = join(root, "deno.json");
  const url = `data:text/javascript,${encodeURIComponent(code)}`;
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--allow-read", "--allow-write", "--config", config, url],
    stdout: "piped",
  }).spawn();
  const reader = process.stdout.getReader();
  const path = new TextDecoder().decode((await reader.read()).value).trim();
  return {
    path,
    kill: async () => {
      process.kill("SIGKILL");
      await process.status;
      await reader.cancel();
    },
  };
}

Deno.test("isGone() is false while the process lives and true once it was killed", async () => {
  const { path, kill } = await other();
  assertEquals(await isGone(path), false);
  await kill();
  assertEquals(await isGone(path), true);
  forget(path);
  assertEquals(await isGone(path), false, "without the file nothing is known");
  forget(path);
});

Deno.test("isGone() is false for a lifeline of this process, and true when it was abandoned", async () => {
  using lifeline = await Lifeline.open();
  assertEquals(await isGone(lifeline.path), false);
  const second = await Lifeline.open();
  assert(second.path !== lifeline.path);
  second.abandon();
  assertEquals(await isGone(second.path), true);
  forget(second.path);
});

Deno.test("a lifeline's end leaves no file", async () => {
  const lifeline = await Lifeline.open();
  lifeline[Symbol.dispose]();
  await assertRejects(() => Deno.stat(lifeline.path), Deno.errors.NotFound);
  assertEquals(await isGone(lifeline.path), false);
});

Deno.test("Lifeline.open() removes what nobody came for within a day", async () => {
  const before = Deno.env.get("TMPDIR");
  using folder = new Folder({ "bima-0ld.lock": "", "bima-other": "" });
  Deno.env.set("TMPDIR", folder.path);
  try {
    const abandon = async (age: number) => {
      const lifeline = await Lifeline.open();
      lifeline.abandon();
      const time = new Date(Date.now() - age);
      Deno.utimeSync(lifeline.path, time, time);
      return basename(lifeline.path);
    };
    const day = 24 * 60 * 60 * 1000;
    const young = await abandon(day - 60_000);
    const held = await Lifeline.open();
    Deno.utimeSync(held.path, 0, 0);
    Deno.utimeSync(folder.at("bima-0ld.lock"), 0, 0);
    Deno.utimeSync(folder.at("bima-other"), 0, 0);
    const old = await abandon(day + 60_000);
    assert(folder.names().includes(old));
    using next = await Lifeline.open();
    const kept = ["bima-0ld.lock", "bima-other", young, basename(held.path), basename(next.path)];
    assertEquals(folder.names(), kept.sort());
    held[Symbol.dispose]();
  } finally {
    if (before === undefined) Deno.env.delete("TMPDIR");
    else Deno.env.set("TMPDIR", before);
  }
});

Deno.test("Lifeline.open() says when the temporary directory cannot be written to", async () => {
  const before = Deno.env.get("TMPDIR");
  Deno.env.set("TMPDIR", "/nowhere");
  try {
    const error = await assertRejects(
      () => Lifeline.open(),
      PathError,
      "Cannot write to the temporary directory",
    );
    assertStringIncludes(error.hint ?? "", "TMPDIR");
  } finally {
    if (before === undefined) Deno.env.delete("TMPDIR");
    else Deno.env.set("TMPDIR", before);
  }
});
