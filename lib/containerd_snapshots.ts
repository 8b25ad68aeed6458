/**
 * Containerd's snapshots: file system trees, each of which is a layer on top of its parent.
 *
 * @module
 */
import { SnapshotsDefinition } from "../proto/gen/snapshots.ts";
import type { Mount } from "../proto/gen/types.ts";
import { isCode } from "./containerd_errors.ts";
import type { Lease } from "./containerd_lease.ts";
import type { Rpc, Stub } from "./containerd_rpc.ts";
import type { Digest } from "./digest.ts";

/** A snapshot that is being made. */
export interface ActiveSnapshot {
  /** Its name until it is committed. */
  readonly key: string;
  /** How to get at its files. */
  readonly mounts: readonly Mount[];
}

/** The snapshots of one snapshotter. */
export class Snapshots {
  /** The name of the snapshotter. */
  readonly snapshotter: string;
  readonly #rpc: Rpc;
  readonly #lease: Lease;
  readonly #snapshots: Stub<typeof SnapshotsDefinition>;

  /** @param rpc the connection, with the lease; @param lease holds the snapshots; @param snapshotter its name */
  constructor(rpc: Rpc, lease: Lease, snapshotter: string) {
    this.#rpc = rpc;
    this.#lease = lease;
    this.snapshotter = snapshotter;
    this.#snapshots = rpc.stub(SnapshotsDefinition);
  }

  /** @returns whether the snapshot is there; it is held from then on */
  async hold(name: Digest): Promise<boolean> {
    if (!await this.#exists(name)) return false;
    await this.#lease.holdSnapshot(this.snapshotter, name);
    // It may have been collected just before the lease got hold of it.
    return await this.#exists(name);
  }

  /**
   * Begins a snapshot. It ends with {@linkcode Snapshots.commit} or {@linkcode Snapshots.remove}.
   *
   * @param title what is in it, for whoever lists the snapshots
   * @param parent the name of the snapshot below; `undefined` for the lowest one
   * @param step what is being done, for the error
   */
  async prepare(title: string, parent: Digest | undefined, step: string): Promise<ActiveSnapshot> {
    const key = `extract-${Date.now()}-${crypto.randomUUID()} ${title}`;
    const request = { snapshotter: this.snapshotter, key, parent: parent ?? "" };
    try {
      const { mounts } = await this.#snapshots.prepare(request, { step, patient: true });
      return { key, mounts };
    } catch (error) {
      // An answer that did not come says nothing about whether it is there.
      await this.remove(key);
      throw error;
    }
  }

  /**
   * Gives a snapshot its name.
   *
   * @param key what {@linkcode Snapshots.prepare} called it
   * @param step what is being done, for the error
   * @returns `false` when somebody else made the same snapshot meanwhile, which is held instead
   */
  async commit(key: string, name: Digest, step: string): Promise<boolean> {
    try {
      await this.#snapshots.commit({ snapshotter: this.snapshotter, name, key }, { step, patient: true });
      return true;
    } catch (error) {
      await this.remove(key);
      if (isCode(error, "AlreadyExists") && await this.hold(name)) return false;
      throw error;
    }
  }

  /** Takes a snapshot back that is not committed. Never fails: what this cannot remove goes with the lease. */
  async remove(key: string): Promise<void> {
    const snapshots = this.#rpc.detached(this.#rpc.options.timeout).stub(SnapshotsDefinition);
    const step = `take snapshot "${key}" back`;
    await snapshots.remove({ snapshotter: this.snapshotter, key }, { step }).catch(() => {});
  }

  /** @returns how many files and directories the daemon finds in a snapshot, its root among them */
  async inodes(key: string): Promise<number> {
    const step = `look into snapshot "${key}" of containerd`;
    const { inodes } = await this.#snapshots.usage({ snapshotter: this.snapshotter, key }, { step });
    return inodes;
  }

  async #exists(key: string): Promise<boolean> {
    try {
      const step = `look for snapshot "${key}" in containerd`;
      await this.#snapshots.stat({ snapshotter: this.snapshotter, key }, { step });
      return true;
    } catch (error) {
      if (isCode(error, "NotFound")) return false;
      throw error;
    }
  }
}
