/**
 * All layers of a plan, on their way to a destination.
 *
 * @module
 */
import type { BuildOptions } from "./build_options.ts";
import { GzipPool } from "./gzip.ts";
import { inTurns } from "./in_turns.ts";
import { sizeOf, writeLayer, type WrittenLayer } from "./layer.ts";
import type { ImagePlan } from "./plan.ts";
import type { ImageWriter } from "./writer.ts";

/** As many layers at once as a parallel destination gets: its commits wait for the disk, the processors need not. */
const sideBySide = 4;

/**
 * Writes all layers of a plan.
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
  const { onEvent = () => {}, compressionLevel = 6, workers } = options;
  using pool = new GzipPool(workers === undefined ? {} : { workers });
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  return await inTurns(
    plan.layers,
    writer.parallel ? sideBySide : 1,
    async ({ tree, title }, index) => {
      signal.throwIfAborted();
      onEvent({ kind: "layer", index, title, size: sizeOf(tree) });
      try {
        const onBytes = (count: number): void => onEvent({ kind: "bytes", index, count });
        const layer = await writeLayer(tree, writer, { pool, level: compressionLevel, signal, onBytes });
        writer.ready?.(layer, index);
        onEvent({ kind: "written", index, descriptor: layer.descriptor, reused: layer.reused });
        return layer;
      } catch (error) {
        stop.abort(error);
        throw error;
      }
    },
  );
}
