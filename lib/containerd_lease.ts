/**
 * The lease of one import: what it holds, containerd's garbage collector leaves alone, and what it alone holds goes
 * with it.
 *
 * @module
 */
import { LeasesDefinition } from "../proto/gen/leases.ts";
import { isCode } from "./containerd_errors.ts";
import type { Rpc, Stub } from "./containerd_rpc.ts";
import type { Digest } from "./digest.ts";
import { forget, isGone, Lifeline } from "./lifeline.ts";

/** How long an abandoned lease lives, in milliseconds. */
const lifetime = 24 * 60 * 60 * 1000;

/** The label that names the sign of life of the process which owns a lease. */
const ownerLabel = "bima.lease/owner";

/** A lease that is held. */
export class Lease {
  /** Its name, sent along with each request that creates something. */
  readonly id: string;
  readonly #leases: Stub<typeof LeasesDefinition>;
  readonly #lifeline: Lifeline;

  private constructor(id: string, leases: Stub<typeof LeasesDefinition>, lifeline: Lifeline) {
    this.id = id;
    this.#leases = leases;
    this.#lifeline = lifeline;
  }

  /**
   * Takes a new lease. Leases of bima processes that were killed are given back first, with what they hold.
   *
   * @param rpc the connection
   * @returns the lease; it ends with {@linkcode Lease.release}, or by itself after a day
   */
  static async take(rpc: Rpc): Promise<Lease> {
    const leases = rpc.stub(LeasesDefinition);
    await sweep(leases);
    const id = `bima-${crypto.randomUUID()}`;
    const lifeline = await Lifeline.open();
    const labels = {
      "containerd.io/gc.expire": new Date(Date.now() + lifetime).toISOString(),
      [ownerLabel]: lifeline.path,
    };
    const lease = new Lease(id, leases, lifeline);
    try {
      await leases.create({ id, labels }, { step: "take a lease in containerd", patient: true });
    } catch (error) {
      // An answer that did not come, or was not waited for, says nothing about whether it is there.
      await lease.release(rpc.detached(rpc.options.timeout)).catch(() => {});
      throw error;
    }
    return lease;
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
    const step = "give the lease back to containerd";
    try {
      await rpc.stub(LeasesDefinition).delete({ id: this.id, sync: true }, { step, patient: true });
    } catch (error) {
      // The next bima gives it back, unless it is gone already.
      if (!isCode(error, "NotFound")) {
        this.#lifeline.abandon();
        throw error;
      }
    }
    this.#lifeline[Symbol.dispose]();
  }

  async #hold(id: string, type: string): Promise<void> {
    const step = `hold "${id}" in containerd`;
    await this.#leases.addResource({ id: this.id, resource: { id, type } }, { step, patient: true });
  }
}

/** Gives back the leases whose owners are gone. Those of other machines and containers cannot be judged and stay. */
async function sweep(leases: Stub<typeof LeasesDefinition>): Promise<void> {
  const filters = [`labels."${ownerLabel}"`];
  const found = await leases.list({ filters }, { step: "list the leases in containerd" });
  for (const { id, labels } of found.leases) {
    const owner = labels[ownerLabel];
    // A label can name anything; only files of this kind are ours to take away.
    if (owner === undefined || !/^\/.*\/bima-[0-9a-z]+\.lock$/.test(owner) || !await isGone(owner)) continue;
    // Somebody else may sweep at the same time, and whoever comes next tries again.
    await leases.delete({ id, sync: true }, { step: "remove an abandoned lease", patient: true })
      .then(() => forget(owner), () => {});
  }
}
