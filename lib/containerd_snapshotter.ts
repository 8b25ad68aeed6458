/**
 * Which snapshotter an image is unpacked with.
 *
 * @module
 */
import { IntrospectionDefinition } from "../proto/gen/introspection.ts";
import { NamespacesDefinition } from "../proto/gen/namespaces.ts";
import { ContainerdError, isCode } from "./containerd_errors.ts";
import type { Rpc } from "./containerd_rpc.ts";

/**
 * Finds the snapshotter to use: the one that is asked for, else the namespace's own, else overlayfs.
 *
 * @param rpc the connection
 * @param wanted the name that the user gave
 * @returns the name of a snapshotter that works
 * @throws {ContainerdError} when the daemon has no such snapshotter; the message lists those that it has
 */
export async function chooseSnapshotter(rpc: Rpc, wanted?: string): Promise<string> {
  const name = wanted ?? await namespaceDefault(rpc) ?? "overlayfs";
  const filters = ["type==io.containerd.snapshotter.v1"];
  const step = "list the snapshotters of containerd";
  const { plugins } = await rpc.stub(IntrospectionDefinition).plugins({ filters }, { step });
  const found = plugins.find((plugin) => plugin.id === name);
  if (found !== undefined && found.initErr === undefined) return name;
  const working = plugins.filter((plugin) => plugin.initErr === undefined).map((plugin) => plugin.id).sort();
  const state = found?.initErr === undefined
    ? "containerd has no such snapshotter"
    : `containerd could not start it: ${found.initErr.message}`;
  throw new ContainerdError(`Cannot unpack with snapshotter "${name}": ${state}`, {
    code: "NotFound",
    hint: `there are ${working.join(", ")}`,
  });
}

async function namespaceDefault(rpc: Rpc): Promise<string | undefined> {
  const name = rpc.options.namespace;
  try {
    const step = `look up namespace "${name}" in containerd`;
    const { namespace } = await rpc.stub(NamespacesDefinition).get({ name }, { step });
    return namespace?.labels["containerd.io/defaults/snapshotter"];
  } catch (error) {
    if (isCode(error, "NotFound")) return undefined;
    throw error;
  }
}
