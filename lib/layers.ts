/**
 * All layers of a plan, on their way to a destination.
 *
 * @module
 */
import type { BuildOptions } from "./build_options.ts";
import { GzipPool } from "./gzip.ts";
import { type OpenLayer, openLayer, sizeOf, type WrittenLayer } from "./layer.ts";
import type { ImagePlan } from "./plan.ts";
import type { ImageNode } from "./tree.ts";
import type { ImageWriter } from "./writer.ts";

/** So many commits may be under way: they wait for the disk. */
const mostCommits = 4;

/**
 * Writes all layers of a plan, the lowest first, so that the destination can begin with it. Where the destination can
 * take several at once, a layer is sent while those below it are being committed.
 *
 * @param plan the plan
 * @param writer where they go
 * @param options level, workers, signal and listener
 * @returns the layers in the order of the plan
 * @throws what the first layer that failed failed with; the others are stopped by then
 */
export async function writeLayers(
  plan: ImagePlan,
  writer: ImageWriter,
  options: BuildOptions,
): Promise<WrittenLayer[]> {
  const { onEvent = () => {}, compressionLevel: level = 6, workers } = options;
  using pool = new GzipPool(workers === undefined ? {} : { workers });
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const commits: Promise<WrittenLayer>[] = [];
  let sent: { readonly index: number; readonly layer: OpenLayer } | undefined;
  const commit = async (index: number, layer: OpenLayer): Promise<WrittenLayer> => {
    try {
      const written = await layer.commit();
      writer.ready?.(written, index);
      onEvent({ kind: "written", index, descriptor: written.descriptor, reused: written.reused });
      return written;
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  };
  const commitSent = (): void => {
    if (sent === undefined) return;
    const { index, layer } = sent;
    sent = undefined;
    commits[index] = commit(index, layer);
    // Who is told of a failure is whoever waits for all of them.
    commits[index].catch(() => {});
  };
  try {
    for (const [index, { tree, title }] of plan.layers.entries()) {
      await commits[index - mostCommits];
      signal.throwIfAborted();
      onEvent({ kind: "layer", index, title, size: sizeOf(tree) });
      const onBytes = (count: number): void => onEvent({ kind: "bytes", index, count });
      const place = { position: index, below: (path: string) => standing(plan, index, path) };
      const layer = await openLayer(tree, writer, { pool, level, title, place, signal, onBytes });
      // Not earlier: containerd opens nothing while it commits a large blob.
      commitSent();
      await layer.send();
      sent = { index, layer };
      if (layer.reused || !writer.parallel) {
        commitSent();
        await commits[index];
      }
    }
    commitSent();
    return await Promise.all(commits);
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled(commits);
    throw error;
  }
}

/** @returns what stands at a path in the layers below a position */
function standing({ layers }: ImagePlan, position: number, path: string): ImageNode | undefined {
  return layers.slice(0, position).findLast(({ tree }) => tree.has(path))?.tree.get(path);
}
