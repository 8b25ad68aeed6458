/**
 * Which of the two ways to containerd works in this runtime.
 *
 * @module
 */

/** The two ways: gRPC of our own, and containerd's own client, the program `ctr`. */
export type Transport = "gRPC" | "ctr";

/** The first Deno whose HTTP/2 sends requests over a unix socket; with older ones they wait for ever. */
const firstSound = [2, 7, 13];

/**
 * @param version the version of Deno. Default: that of the one which runs
 * @returns the way to take
 */
export function transport(version: string = Deno.version.deno): Transport {
  const parts = version.split(/[.+-]/).map(Number);
  const index = firstSound.findIndex((part, index) => parts[index] !== part);
  return index < 0 || (parts[index] ?? 0) > (firstSound[index] ?? 0) ? "gRPC" : "ctr";
}
