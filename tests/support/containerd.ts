/**
 * A private containerd for tests: its own root, state and socket below a temporary directory. `CONTAINERD_BIN` names
 * the directory of its programs; default: the ones on PATH.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { type Digest, isDigest } from "../../lib/digest.ts";
import type { Descriptor } from "../../lib/oci.ts";
import { run } from "./bima.ts";

/** How a daemon is set up. */
export interface DaemonOptions {
  /** The size of the file system that holds everything the daemon stores, such as `8m`. Default: the temporary directory's. */
  readonly size?: string;
  /** The size of an ext4 file system on a disk that holds everything the daemon stores, such as `8G`. Default: none. */
  readonly disk?: string;
  /** More of the daemon's configuration, in TOML. */
  readonly config?: string;
  /** Whether nobody else sees what is below the daemon's root, as with a daemon in a container. Default: false. */
  readonly elsewhere?: boolean;
  /** How long each fsync takes in addition, in milliseconds: a slow disk. Default: 0. */
  readonly slowness?: number;
}

/** A program of the containerd under test. */
function program(name: string): string {
  const folder = Deno.env.get("CONTAINERD_BIN");
  return folder === undefined ? name : `${folder}/${name}`;
}

/** A daemon of one's own. Disposing stops it and removes all that it stored. */
export class Daemon implements AsyncDisposable {
  /** The path of the socket. */
  readonly address: string;
  /** The temporary directory of it all. */
  readonly folder: string;
  /** PATH for programs that use the daemon's own `ctr`. */
  readonly programs: string = [Deno.env.get("CONTAINERD_BIN"), Deno.env.get("PATH")].filter(Boolean).join(
    ":",
  );
  readonly #elsewhere: boolean;
  readonly #slowness: number;
  #process: Deno.ChildProcess | undefined;

  private constructor(folder: string, { elsewhere = false, slowness = 0 }: DaemonOptions) {
    this.folder = folder;
    this.#elsewhere = elsewhere;
    this.#slowness = slowness;
    this.address = `${folder}/containerd.sock`;
  }

  /** Starts a daemon and waits until it answers. */
  static async start(options: DaemonOptions = {}): Promise<Daemon> {
    const folder = await Deno.makeTempDir({ prefix: "bima-containerd-" });
    const daemon = new Daemon(folder, options);
    try {
      await Deno.mkdir(`${folder}/root`);
      if (options.size !== undefined) {
        await run("mount", "-t", "tmpfs", "-o", `size=${options.size}`, "tmpfs", `${folder}/root`);
      }
      if (options.disk !== undefined) {
        await run("truncate", "--size", options.disk, `${folder}/disk`);
        await run("mkfs.ext4", "-q", "-F", `${folder}/disk`);
        await run("mount", "-o", "loop", `${folder}/disk`, `${folder}/root`);
      }
      const lines = [
        "version = 2",
        `root = "${folder}/root"`,
        `state = "${folder}/state"`,
        'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
        "[grpc]",
        `address = "${daemon.address}"`,
        options.config ?? "",
      ];
      await Deno.writeTextFile(`${folder}/config.toml`, lines.join("\n"));
      await daemon.start();
    } catch (error) {
      await daemon[Symbol.asyncDispose]();
      throw error;
    }
    return daemon;
  }

  /** Starts the daemon again after {@linkcode Daemon.kill}. */
  async start(): Promise<void> {
    const log = await Deno.open(`${this.folder}/log`, { create: true, append: true });
    const hide = `mount -t tmpfs tmpfs "${this.folder}/root" && exec "$0" "$@"`;
    // In the background (-D), so that the process is the daemon itself.
    const trace = ["-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync"];
    const delay = ["-e", `inject=fsync:delay_enter=${1000 * this.#slowness}`];
    const [first = "", ...args] = [
      ...(this.#elsewhere ? ["unshare", "--mount", "sh", "-c", hide] : []),
      ...(this.#slowness > 0 ? ["strace", ...trace, ...delay] : []),
      program("containerd"),
      "--config",
      `${this.folder}/config.toml`,
    ];
    this.#process = new Deno.Command(first, {
      args,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    void this.#process.stderr.pipeTo(log.writable).catch(() => {});
    for (let attempt = 0;; attempt++) {
      if (await this.#answers()) return;
      if (attempt === 400) {
        throw new Error(`containerd does not start:\n${await Deno.readTextFile(`${this.folder}/log`)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  /** Kills the daemon, as a crash does. */
  async kill(): Promise<void> {
    this.#process?.kill("SIGKILL");
    await this.#process?.status;
    this.#process = undefined;
  }

  /** Freezes the daemon: it keeps its sockets and answers nothing. */
  freeze(): void {
    this.#process?.kill("SIGSTOP");
  }

  /** Lets a frozen daemon go on. */
  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  /** What runs a program where the daemon's files are seen: in front of its own name. */
  get inside(): readonly string[] {
    return this.#elsewhere && this.#process !== undefined
      ? ["nsenter", "--target", String(this.#process.pid), "--mount", "--"]
      : [];
  }

  /** Runs `ctr` against the daemon. @returns its output */
  async ctr(...args: string[]): Promise<string> {
    const [first = "", ...rest] = [...this.inside, program("ctr"), "--address", this.address, ...args];
    return await run(first, ...rest);
  }

  /** Runs `ctr` until its output matches. @throws {Error} when that does not come about */
  async until(pattern: string, ...args: string[]): Promise<void> {
    for (let attempt = 0; attempt < 1000; attempt++) {
      if (new RegExp(pattern).test(await this.ctr(...args))) return;
    }
    throw new Error(`ctr ${args.join(" ")} never shows ${pattern}`);
  }

  /** Starts `ctr` against the daemon, to be fed through its standard input. */
  spawnCtr(...args: string[]): Deno.ChildProcess {
    const all = ["--address", this.address, ...args];
    return new Deno.Command(program("ctr"), { args: all, stdin: "piped", stdout: "null", stderr: "null" })
      .spawn();
  }

  /** What bima should not leave behind in a namespace: ingests, leases, unfinished snapshots. */
  async leftovers(namespace = "default", snapshotter = "overlayfs"): Promise<string[]> {
    const rows = (output: string) => output.trim().split("\n").slice(1);
    const ctr = async (...args: string[]) => rows(await this.ctr("-n", namespace, ...args));
    const snapshots = await ctr("snapshots", "--snapshotter", snapshotter, "ls");
    return [
      ...(await ctr("content", "active")).map((row) => `ingest ${row}`),
      ...(await ctr("leases", "ls")).filter((row) => row.startsWith("bima-")).map((row) => `lease ${row}`),
      ...snapshots.filter((row) => row.startsWith("extract-")).map((row) => `snapshot ${row}`),
    ];
  }

  /** @returns the manifest's digest of each image by its name */
  async images(namespace = "default"): Promise<Map<string, Digest>> {
    const rows = (await this.ctr("-n", namespace, "images", "ls")).trim().split("\n").slice(1);
    return new Map(rows.map((row) => {
      const [name = "", , digest = ""] = row.split(/\s+/);
      if (!isDigest(digest)) throw new Error(`unexpected row of ctr images ls: ${row}`);
      return [name, digest];
    }));
  }

  /** @returns the bytes of a blob */
  async read(digest: Digest, namespace = "default"): Promise<Uint8Array> {
    const args = ["--address", this.address, "-n", namespace, "content", "get", digest];
    const { code, stdout } = await new Deno.Command(program("ctr"), { args, stdin: "null" }).output();
    assertEquals(code, 0, `ctr content get ${digest}`);
    return stdout;
  }

  /** @returns blobs that no image refers to, and snapshots when there is no image */
  async orphans(namespace = "default"): Promise<string[]> {
    const used = new Set<string>();
    const images = await this.images(namespace);
    for (const digest of images.values()) {
      const manifest: unknown = JSON.parse(new TextDecoder().decode(await this.read(digest, namespace)));
      const { config, layers } = manifest as { config: Descriptor; layers: Descriptor[] };
      for (const blob of [digest, config.digest, ...layers.map((layer) => layer.digest)]) used.add(blob);
    }
    const blobs = (await this.ctr("-n", namespace, "content", "ls", "-q")).split("\n").filter(isDigest);
    const snapshots = images.size > 0
      ? []
      : (await this.ctr("-n", namespace, "snapshots", "ls")).trim().split("\n").slice(1);
    return [
      ...blobs.filter((blob) => !used.has(blob)).map((blob) => `blob ${blob}`),
      ...snapshots.map((row) => `snapshot ${row}`),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process !== undefined) {
      this.thaw();
      this.#process.kill("SIGTERM");
      await this.#process.status;
    }
    const mounts = await Deno.readTextFile("/proc/self/mounts");
    const below = mounts.split("\n").map((line) => line.split(" ")[1] ?? "").filter((path) =>
      path.startsWith(`${this.folder}/`)
    );
    for (const path of below.reverse()) await run("umount", "-l", path);
    await Deno.remove(this.folder, { recursive: true });
  }

  async #answers(): Promise<boolean> {
    try {
      await this.ctr("version");
      return true;
    } catch {
      return false;
    }
  }
}
