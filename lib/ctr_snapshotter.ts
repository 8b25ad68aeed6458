/**
 * Which snapshotter `ctr` unpacks an image with.
 *
 * @module
 */
import { ContainerdError } from "./containerd_errors.ts";
import type { Ctr } from "./ctr_client.ts";

/** A snapshotter as `ctr plugins ls` shows it. */
interface Snapshotter {
  readonly id: string;
  /** Why it does not work; absent when it does. */
  readonly error?: string;
}

/**
 * Finds the snapshotter to use: the one that is asked for, else the namespace's own, else overlayfs.
 *
 * @param ctr the client
 * @param wanted the name that the user gave
 * @returns the name of a snapshotter that works
 * @throws {ContainerdError} when the daemon has no such snapshotter; the message lists those that it has
 */
export async function chooseSnapshotter(ctr: Ctr, wanted?: string): Promise<string> {
  const name = wanted ?? await namespaceDefault(ctr) ?? "overlayfs";
  const listing = await ctr.run(["plugins", "ls", "--detailed"], "list the snapshotters of containerd");
  const snapshotters = parsePlugins(listing);
  const found = snapshotters.find(({ id }) => id === name);
  if (found !== undefined && found.error === undefined) return name;
  const working = snapshotters.filter(({ error }) => error === undefined).map(({ id }) => id).sort();
  const state = found === undefined
    ? "containerd has no such snapshotter"
    : `containerd could not start it: ${found.error}`;
  throw new ContainerdError(`Cannot unpack with snapshotter "${name}": ${state}`, {
    code: "NotFound",
    hint: `there are ${working.join(", ")}`,
  });
}

/** Reads the blocks of `ctr plugins ls --detailed`: `Type:`, `ID:`, …, and an `Error:` with a `Message:` below. */
export function parsePlugins(listing: string): Snapshotter[] {
  return listing.split(/^(?=Type:)/m).flatMap((block) => {
    const field = (name: string) => new RegExp(`^\\s*${name}:\\s*(.*?)\\s*$`, "m").exec(block)?.[1];
    const id = field("ID");
    if (field("Type") !== "io.containerd.snapshotter.v1" || id === undefined) return [];
    if (!/^Error:/m.test(block)) return [{ id }];
    return [{ id, error: field("Message") ?? "no reason given" }];
  });
}

async function namespaceDefault(ctr: Ctr): Promise<string | undefined> {
  const listing = await ctr.run(["namespaces", "ls"], "list the namespaces of containerd");
  for (const line of listing.split("\n").slice(1)) {
    const [name, labels = ""] = line.trim().split(/\s+/);
    if (name !== ctr.options.namespace) continue;
    const label = labels.split(",").find((label) => label.startsWith("containerd.io/defaults/snapshotter="));
    return label?.slice(label.indexOf("=") + 1);
  }
  return undefined;
}
