/**
 * Builds into a containerd of the tests, and what they leave there.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { ContainerdEvent } from "../../lib/containerd.ts";
import { build, type BuildOptions, type Unpacking } from "../../mod.ts";
import type { Folder } from "./bima.ts";
import type { Daemon } from "./containerd.ts";

/** What a build told of unpacking. */
export interface Unpacked {
  /** How each layer was unpacked. */
  readonly how: readonly Unpacking[];
  /** Why containerd did it. */
  readonly reasons: readonly string[];
}

/** Builds a context into a daemon. @returns how each layer was unpacked, and why containerd did it */
export async function buildInto(
  daemon: Daemon,
  folder: Folder,
  options: Partial<BuildOptions> = {},
): Promise<Unpacked> {
  const events: ContainerdEvent[] = [];
  const { onEvent = () => {}, ...rest } = options;
  await build({
    context: folder.path,
    file: folder.at("Containerfile"),
    tag: "bima/files",
    output: { kind: "containerd", address: daemon.address, timeout: 1000 },
    ...rest,
    onEvent: (event) => {
      if (event.kind === "containerd") events.push(event.event);
      onEvent(event);
    },
  });
  return {
    how: events.flatMap((event) => event.kind === "unpacked" ? [event.how] : []),
    reasons: events.flatMap((event) => event.kind === "left" ? [`${event.reason}`] : []),
  };
}

/** Nothing is there that no image needs. */
export async function assertClean(daemon: Daemon, snapshotter = "overlayfs"): Promise<void> {
  assertEquals([...await daemon.leftovers("default", snapshotter), ...await daemon.orphans()], []);
}
