/**
 * The lease of one import: what it holds, containerd's garbage collector leaves alone, and what it alone holds goes
 * with it.
 *
 * @module
 */
import { LeasesDefinition } from "../proto/gen/leases.ts";
import type { Rpc, Stub } from "./containerd_rpc.ts";
import type { Digest } from "./digest.ts";

/** How long an abandoned lease lives, in milliseconds. */
const lifetime = 24 * 60 * 60 * 1000;

/** The label that names the process which owns a lease. */
const ownerLabel = "bima.lease/owner";

/** The leases of this process that are in use; one that is not was abandoned when its daemon went away. */
const inUse = new Set<string>();

/** A lease that is held. */
export class Lease {
  /** Its name, sent along with each request that creates something. */
  readonly id: string;
  readonly #leases: Stub<typeof LeasesDefinition>;

  private constructor(id: string, leases: Stub<typeof LeasesDefinition>) {
    this.id = id;
    this.#leases = leases;
  }

  /**
   * Takes a new lease. Leases of bima processes that were killed are given back first, with what they hold.
   *
   * @param rpc the connection
   * @returns the lease; it ends with {@linkcode Lease.release}, or by itself after a day
   */
  static async take(rpc: Rpc): Promise<Lease> {
    const leases = rpc.stub(LeasesDefinition);
    const id = `bima-${crypto.randomUUID()}`;
    const owner = await ownerOf(Deno.pid);
    if (owner !== undefined) await sweep(leases);
    const labels = {
      "containerd.io/gc.expire": new Date(Date.now() + lifetime).toISOString(),
      ...(owner === undefined ? {} : { [ownerLabel]: owner }),
    };
    inUse.add(id);
    try {
      await leases.create({ id, labels }, { step: "take a lease in containerd" });
    } catch (error) {
      inUse.delete(id);
      throw error;
    }
    return new Lease(id, leases);
  }

  /** Holds a blob that may be there. */
  async holdContent(digest: Digest): Promise<void> {
    await this.#hold(digest, "content");
  }

  /** Holds a snapshot that may be there. */
  async holdSnapshot(snapshotter: string, name: string): Promise<void> {
    await this.#hold(name, `snapshots/${snapshotter}`);
  }

  /**
   * Gives the lease back and waits until what only the lease held is gone.
   *
   * @param rpc the connection to use: the one that took the lease may be aborted
   */
  async release(rpc: Rpc): Promise<void> {
    inUse.delete(this.id);
    const step = "give the lease back to containerd";
    await rpc.stub(LeasesDefinition).delete({ id: this.id, sync: true }, { step, patient: true });
  }

  async #hold(id: string, type: string): Promise<void> {
    const step = `hold "${id}" in containerd`;
    await this.#leases.addResource({ id: this.id, resource: { id, type } }, { step });
  }
}

/** Gives back the leases whose owners are gone. Those of other machines and containers cannot be judged and stay. */
async function sweep(leases: Stub<typeof LeasesDefinition>): Promise<void> {
  const filters = [`labels."${ownerLabel}"`];
  const found = await leases.list({ filters }, { step: "list the leases in containerd" });
  for (const { id, labels } of found.leases) {
    if (!inUse.has(id) && await isGone(id, labels[ownerLabel] ?? "")) {
      // Somebody else may sweep at the same time, so it does not matter whether it is there.
      await leases.delete({ id, sync: true }, { step: "remove an abandoned lease", patient: true }).catch(
        () => {},
      );
    }
  }
}

/** @returns whether the owner was a process that this one could see, and is not there any more */
async function isGone(id: string, owner: string): Promise<boolean> {
  const [boot, namespace, pid] = owner.split(" ");
  const here = await ownerOf(Deno.pid);
  if (!here?.startsWith(`${boot} ${namespace} `)) return false;
  return owner === here ? !inUse.has(id) : owner !== await ownerOf(Number(pid));
}

/**
 * What tells a process from all others: the boot, its namespace of process ids, its id, and when it started.
 *
 * @returns the four, or `undefined` where the kernel does not say or the process is not there
 */
async function ownerOf(pid: number): Promise<string | undefined> {
  try {
    const boot = (await Deno.readTextFile("/proc/sys/kernel/random/boot_id")).trim();
    const namespace = await Deno.readLink("/proc/self/ns/pid");
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
    // proc(5): the name in parentheses may hold blanks; the start time is the 22nd field, the 20th after the name.
    const started = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    return `${boot} ${namespace} ${pid} ${started}`;
  } catch {
    return undefined;
  }
}
