/**
 * What goes into a build and what comes out of it.
 *
 * @module
 */
import type { Destination } from "./destination.ts";
import type { Digest } from "./digest.ts";
import type { Descriptor } from "./oci.ts";
import type { Platform } from "./platform.ts";
import type { ProgressListener } from "./progress.ts";

/** What to build, and where to put it. `context` and `tag` are required, the rest has defaults. */
export interface BuildOptions {
  /** The build context that COPY reads from: a directory, or a tar, plain or compressed with gzip or zstd. */
  readonly context: string | ReadableStream<Uint8Array>;
  /** The image's name, or several: `name[:tag]`, the tag is `latest` when there is none. */
  readonly tag: string | readonly string[];
  /**
   * The Containerfile, or its text. With a tar as context it is looked up there first. Default: `Containerfile` or
   * `Dockerfile` in the working directory, then in the context; with a tar as context, only in there.
   */
  readonly file?: string | ReadableStream<Uint8Array>;
  /** Where the image goes. Default: containerd. */
  readonly output?: Destination;
  /** `os/architecture[/variant]`. Default: what the unikernel's binary says. */
  readonly platform?: string;
  /** Values for ARG. */
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** The stage that becomes the image. Default: the last one. */
  readonly target?: string;
  /** Labels that win over those of the Containerfile. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Annotations for the manifest besides the labels. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** The time in the image, in whole seconds since 1970; files are not newer. Default: 0. */
  readonly sourceDateEpoch?: number;
  /** gzip's level, from 1 (fast) to 9 (small). Default: 6. */
  readonly compressionLevel?: number;
  /** How many workers compress; the image is the same for any number. Default: one for each processor. */
  readonly workers?: number;
  /** Whether a warning stops the build. Default: false. */
  readonly strict?: boolean;
  /** Stops the build; nothing is left of it then. */
  readonly signal?: AbortSignal;
  /** Told what happens. */
  readonly onEvent?: ProgressListener;
}

/** A built image. */
export interface BuildResult {
  /** The manifest's digest. */
  readonly digest: Digest;
  /** The manifest's descriptor. */
  readonly descriptor: Descriptor;
  /** What the image runs on. */
  readonly platform: Platform;
  /** The image's full names. */
  readonly names: readonly string[];
  /** Where it is, for people: a file, or a daemon and its namespace. */
  readonly location: string;
  /** The layers' descriptors, the lowest first. */
  readonly layers: readonly Descriptor[];
}
