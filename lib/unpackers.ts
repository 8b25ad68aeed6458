/**
 * Who can unpack an image in containerd.
 *
 * @module
 */

/** Who can unpack: `bima`, which leaves to containerd what it cannot do, or `containerd` alone. */
export const unpackers = ["bima", "containerd"] as const;

/** One of {@linkcode unpackers}. */
export type UnpackerName = typeof unpackers[number];
