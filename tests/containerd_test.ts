import { assertEquals, assertStringIncludes } from "@std/assert";
import { openContainerd } from "../lib/containerd.ts";
import { Daemon } from "./support/containerd.ts";
import { imageOf, layerOf, namesOf, writeLayer } from "./support/image.ts";

Deno.test("finish() makes an image that ctr lists, checks, mounts and exports", async () => {
  await using daemon = await Daemon.start();
  const { address } = daemon;
  await using writer = await openContainerd({ address });
  const first = await writeLayer(writer, await layerOf({ "etc/one": "1", "kernel": "ELF" }));
  const second = await writeLayer(writer, await layerOf({ "etc/two": "2" }));
  const image = await imageOf([first, second]);
  const result = await writer.finish(image, namesOf("bima/test:1", "other"));
  assertEquals(result.digest, image.manifest.descriptor.digest);
  const names = await daemon.ctr("images", "ls", "-q");
  assertEquals(names.trim().split("\n"), ["docker.io/bima/test:1", "docker.io/library/other:latest"]);
  assertStringIncludes(await daemon.ctr("images", "check"), "complete (3/3)");
  assertEquals(await daemon.leftovers(), []);
  await Deno.mkdir(`${daemon.folder}/mnt`);
  await daemon.ctr("images", "mount", "docker.io/bima/test:1", `${daemon.folder}/mnt`);
  assertEquals(await Deno.readTextFile(`${daemon.folder}/mnt/etc/one`), "1");
  assertEquals(await Deno.readTextFile(`${daemon.folder}/mnt/etc/two`), "2");
  await daemon.ctr("images", "unmount", `${daemon.folder}/mnt`);
  await daemon.ctr("images", "export", `${daemon.folder}/image.tar`, "docker.io/bima/test:1");
});
