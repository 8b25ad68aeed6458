/**
 * A process of its own that writes an image into containerd: `containerd_client.ts ADDRESS NAME [hold]`. It prints
 * `open` when half of its first layer is sent; with `hold` it waits there for ever. It prints the error that stopped it.
 *
 * @module
 */
import { openContainerd } from "../../lib/containerd.ts";
import { BimaError } from "../../lib/errors.ts";
import { mediaTypes } from "../../lib/oci.ts";
import { imageOf, layerOf, namesOf, noise } from "./image.ts";

const [address = "", name = "", mode] = Deno.args;
const print = (text: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
try {
  await using writer = await openContainerd({ address, timeout: 2000 });
  const layer = await layerOf({ "kernel": noise(4_000_000) });
  const blob = await writer.blob("client");
  const stream = blob.writable.getWriter();
  const half = layer.bytes.byteLength >> 1;
  await stream.write(layer.bytes.slice(0, half));
  print("open");
  if (mode === "hold") await new Promise((resolve) => setTimeout(resolve, 1_000_000));
  await stream.write(layer.bytes.slice(half));
  await stream.close();
  const descriptor = await blob.commit({ mediaType: mediaTypes.layerGzip, diffId: layer.diffId });
  const image = await imageOf([{ descriptor, diffId: layer.diffId }]);
  print((await writer.finish(image, namesOf(name))).digest);
} catch (error) {
  if (!(error instanceof BimaError)) throw error;
  print(`${error.name}: ${error.message}\n${error.hint}`);
  Deno.exitCode = 1;
}
