/**
 * The places that an image can go to. What only one of them needs is loaded when it is chosen.
 *
 * @module
 */
import { basename, dirname, resolve } from "@std/path/posix";
import { openArchive } from "./archive.ts";
import type { ContainerdEvent, ContainerdOptions } from "./containerd.ts";
import { transport } from "./transport.ts";
import type { ProgressListener } from "./progress.ts";
import type { ImageWriter } from "./writer.ts";

/** One tar for every tool. */
export interface TarDestination {
  /** Says that it is a tar. */
  readonly kind: "tar";
  /** A path, or a stream that gets the tar once it is complete. */
  readonly dest: string | WritableStream<Uint8Array<ArrayBuffer>>;
}

/** A running containerd. */
export interface ContainerdDestination extends Omit<ContainerdOptions, "signal" | "onEvent"> {
  /** Says that it is containerd. */
  readonly kind: "containerd";
}

/** Where an image goes. */
export type Destination = TarDestination | ContainerdDestination;

/** What a destination is opened with. */
export interface OpenOptions {
  /** The time of the entries of a tar. */
  readonly created: Date;
  /** Stops the work. */
  readonly signal?: AbortSignal;
  /** Told what the destination does. */
  readonly onEvent: ProgressListener;
}

/** Opens a destination. @returns its writer @throws {PathError} or a connection error when it cannot be used */
export async function openWriter(destination: Destination, options: OpenOptions): Promise<ImageWriter> {
  const { created, signal, onEvent } = options;
  switch (destination.kind) {
    case "tar":
      return await openArchive({
        dest: destination.dest,
        created,
        ...(signal === undefined ? {} : { signal }),
      });
    case "containerd": {
      const containerd = {
        ...destination,
        onEvent: (event: ContainerdEvent) => onEvent({ kind: "containerd", event }),
        ...(signal === undefined ? {} : { signal }),
      };
      if (transport() === "ctr") return await (await import("./ctr.ts")).openCtr(containerd);
      // gRPC is most of the program; a tar does not need it.
      return await (await import("./containerd.ts")).openContainerd(containerd);
    }
  }
}

/** Tells what to keep out of a build context. @returns the absolute paths of files that a destination writes, and that are never part of the build context */
export function hiddenBy(destination: Destination | undefined): string[] {
  if (destination?.kind !== "tar" || typeof destination.dest !== "string") return [];
  const path = resolve(destination.dest);
  try {
    return [`${Deno.realPathSync(dirname(path))}/${basename(path)}`];
  } catch (error) {
    // Without the directory there is nothing to hide; opening the destination says so.
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
