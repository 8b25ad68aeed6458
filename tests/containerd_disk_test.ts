import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { openContainerd } from "../lib/containerd.ts";
import { isCode } from "../lib/containerd_errors.ts";
import type { LayerBytes } from "./support/image.ts";
import { Daemon } from "./support/containerd.ts";
import { imageOf, layerOf, namesOf, noise, writeLayer } from "./support/image.ts";

async function build(daemon: Daemon, input: LayerBytes): Promise<void> {
  await using writer = await openContainerd({ address: daemon.address });
  const layer = await writeLayer(writer, input);
  await writer.finish(await imageOf([layer]), namesOf("bima/disk"));
}

for (
  const { name, big, step } of [
    { name: "content store", big: noise(30_000_000), step: "Cannot send " },
    { name: "snapshotter", big: new Uint8Array(30_000_000), step: "Cannot unpack layer " },
  ]
) {
  Deno.test(`an import says that the disk of the ${name} is full, and leaves nothing`, async () => {
    await using daemon = await Daemon.start({ size: "16m" });
    await build(daemon, await layerOf({ "kernel": "small" }));
    const before = await daemon.images();
    const input = await layerOf({ "kernel": big });
    const error = await assertRejects(() => build(daemon, input));
    if (!isCode(error, "ResourceExhausted")) throw error;
    assertStringIncludes(error.message, step);
    assertStringIncludes(error.message, "containerd's disk is full");
    assertStringIncludes(error.hint ?? "", "free space");
    assertEquals(await daemon.images(), before);
    assertEquals([...await daemon.leftovers(), ...await daemon.orphans()], []);
    await build(daemon, await layerOf({ "kernel": "small again" }));
    assertEquals([...await daemon.leftovers(), ...await daemon.orphans()], []);
  });
}
