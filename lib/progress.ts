/**
 * What a build tells while it works. The library prints nothing; whoever wants to show something listens.
 *
 * @module
 */
import type { ContainerdEvent } from "./containerd.ts";
import type { Diagnostic } from "./diagnostic.ts";
import type { Descriptor } from "./oci.ts";
import type { Platform } from "./platform.ts";

/** An event of a build, in the order of its steps. */
export type BuildEvent =
  /** A doubt about the Containerfile or the image. `text` is ready to be shown. */
  | { readonly kind: "warning"; readonly diagnostic: Diagnostic; readonly text: string }
  /** The plan stands; from now on the destination is written to. */
  | { readonly kind: "planned"; readonly platform: Platform; readonly layers: number }
  /** A layer begins; `index` counts from 0, `size` is that of its files in bytes. */
  | { readonly kind: "layer"; readonly index: number; readonly title: string; readonly size: number }
  /** So many more bytes of a layer's tar went by. */
  | { readonly kind: "bytes"; readonly index: number; readonly count: number }
  /** A layer is written; `reused` when the destination had it of an earlier build. */
  | {
    readonly kind: "written";
    readonly index: number;
    readonly descriptor: Descriptor;
    readonly reused: boolean;
  }
  /** All layers are written; the image gets its name now. */
  | { readonly kind: "finishing" }
  /** What the destination tells. */
  | { readonly kind: "containerd"; readonly event: ContainerdEvent };

/** Listens to a build. What it throws ends the build. */
export type ProgressListener = (event: BuildEvent) => void;
