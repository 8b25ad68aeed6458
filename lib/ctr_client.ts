/**
 * Requests to containerd through its own client, the program `ctr`: its arguments, its deadlines, and its last words
 * turned into errors for people.
 *
 * @module
 */
import {
  connectError,
  ContainerdError,
  type RpcCode,
  rpcCodes,
  rpcError,
  stalledError,
} from "./containerd_errors.ts";
import { BimaError, messageOf } from "./errors.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** How to talk to a daemon. */
export interface CtrOptions {
  /** The path of its socket. */
  readonly address: string;
  /** Sent with each request. */
  readonly namespace: string;
  /** How long connecting may take, and each step of cleaning up, in milliseconds. */
  readonly timeout: number;
  /** How long the daemon may be silent while something is asked of it, in milliseconds. */
  readonly idleLimit: number;
  /** Ends what is under way, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A daemon that answers to `ctr`. */
export class Ctr {
  /** Who is asked, and how. */
  readonly options: CtrOptions;
  /** What `ctr images import --help` says: its options differ between versions. */
  readonly #help: string;

  private constructor(options: CtrOptions, help: string) {
    this.options = options;
    this.#help = help;
  }

  /**
   * Sees that there is a `ctr` and a daemon, and asks for the daemon's version.
   *
   * @returns the client, and the daemon's version
   * @throws {BimaError} when there is no `ctr`
   * @throws {ContainerdConnectError} when there is no daemon, or it does not let us in, or does not answer in time
   */
  static async connect(options: CtrOptions): Promise<{ readonly ctr: Ctr; readonly version: string }> {
    const { address, timeout, signal } = options;
    signal?.throwIfAborted();
    const help = await new Ctr(options, "").#output(["images", "import", "--help"], { limit: timeout });
    await knock(address, timeout);
    const ctr = new Ctr(options, help.stdout);
    const answer = await ctr.#output(["version"], { limit: timeout, signal });
    if (answer.late) throw connectError({ code: rpcCodes.indexOf("DeadlineExceeded") }, address, timeout);
    if (!answer.success) throw connectError(failureOf(answer.stderr), address, timeout);
    const version = /^Server:\s+Version:\s*(\S+)/m.exec(answer.stdout)?.[1] ?? "unknown";
    return { ctr, version };
  }

  /** @returns the same client for cleaning up: nothing aborts it, each answer has `limit` milliseconds */
  detached(limit: number): Ctr {
    return new Ctr({ ...this.options, signal: undefined, idleLimit: limit }, this.#help);
  }

  /**
   * @param args the command and its arguments
   * @param step what is being done, for the error: a verb and its thing
   * @returns what `ctr` printed
   * @throws {ContainerdError} when it fails or does not answer in time
   */
  async run(args: readonly string[], step: string): Promise<string> {
    const { address, idleLimit, signal } = this.options;
    const answer = await this.#output(args, { limit: idleLimit, signal });
    if (answer.late) throw stalledError(step, address);
    if (!answer.success) throw rpcError(failureOf(answer.stderr), step, address);
    return answer.stdout;
  }

  /**
   * Imports a tar, of every platform, however long it takes while the daemon is alive. When the tar cannot be
   * written to its end, `ctr` sees one that is cut off, and takes back what it did.
   *
   * @param flags options for the import
   * @param write writes the tar
   * @param step what is being done, for the error
   */
  async importTar(
    flags: readonly string[],
    write: (stdin: WritableStream<Bytes>) => Promise<void>,
    step: string,
  ): Promise<void> {
    const { address, signal, timeout } = this.options;
    signal?.throwIfAborted();
    // Otherwise containerd's own service does it, and unpacks only what its configuration lists.
    const local = /--local\b/.test(this.#help) ? ["--local"] : [];
    const child = this.#spawn(["images", "import", ...local, "--all-platforms", ...flags, "-"], "piped");
    const writer = child.stdin.getWriter();
    const closed = new AbortController();
    const end = async (): Promise<void> => {
      closed.abort();
      await writer.close().catch(() => {});
    };
    const kill = (): void => killQuietly(child);
    let stalled = false;
    using _guard = this.#guard(() => {
      stalled = true;
      kill();
    });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const onAbort = (): void => {
      timer = setTimeout(kill, timeout);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    const stdin = new WritableStream<Bytes>({
      write: async (chunk) => {
        signal?.throwIfAborted();
        await writer.write(chunk);
      },
    });
    try {
      const [written, finished] = await Promise.allSettled([write(stdin).finally(end), outputOf(child)]);
      if (stalled) throw stalledError(step, address);
      signal?.throwIfAborted();
      if (finished.status === "rejected") throw finished.reason;
      // A writer that fails because nobody reads any more does not know why.
      if (!finished.value.success) throw rpcError(failureOf(finished.value.stderr), step, address);
      if (written.status === "rejected") throw written.reason;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      clearTimeout(timer);
    }
  }

  /** Asks the daemon now and then whether it is alive, and says so once when it is not. */
  #guard(stalled: () => void): Disposable {
    const half = this.options.idleLimit / 2;
    const done = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const beat = async (): Promise<void> => {
      try {
        const { late } = await this.#output(["version"], { limit: half, signal: done.signal });
        // A daemon that is dead makes ctr fail, which says more.
        if (late) stalled();
        else schedule();
      } catch (error) {
        if (!done.signal.aborted) throw error;
      }
    };
    const schedule = (): void => {
      if (!done.signal.aborted) timer = setTimeout(beat, half);
    };
    schedule();
    return {
      [Symbol.dispose]() {
        clearTimeout(timer);
        done.abort();
      },
    };
  }

  async #output(
    args: readonly string[],
    { limit, signal }: { readonly limit: number; readonly signal?: AbortSignal | undefined },
  ): Promise<Output & { readonly late: boolean }> {
    signal?.throwIfAborted();
    const child = this.#spawn(args, "null");
    const kill = (): void => killQuietly(child);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      kill();
    }, limit);
    signal?.addEventListener("abort", kill, { once: true });
    try {
      const output = await outputOf(child);
      signal?.throwIfAborted();
      return { ...output, late };
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", kill);
    }
  }

  #spawn(args: readonly string[], stdin: "null" | "piped"): Deno.ChildProcess {
    const { address, namespace } = this.options;
    try {
      return new Deno.Command("ctr", {
        args: ["--address", address, "--namespace", namespace, ...args],
        stdin,
        stdout: "piped",
        stderr: "piped",
        // A Ctrl-C in the terminal is for bima: it ends ctr in a way that leaves nothing.
        detached: true,
      }).spawn();
    } catch (cause) {
      const absent = cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotCapable;
      const state = absent ? "there is none on PATH" : messageOf(cause);
      throw new BimaError(`Cannot run containerd's client "ctr": ${state}`, {
        cause,
        hint:
          "this build of bima needs it to reach containerd: write a tar with --tar instead, or use a bima that was built with Deno 2.7.13 or newer",
      });
    }
  }
}

/** What a program said at its end. */
interface Output {
  readonly success: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

async function outputOf(child: Deno.ChildProcess): Promise<Output> {
  const { success, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return { success, stdout: text(stdout), stderr: text(stderr) };
}

function killQuietly(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    // It has ended.
    if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Sees at once what `ctr` would try until its deadline: whether somebody listens, and lets us in. */
async function knock(address: string, timeout: number): Promise<void> {
  try {
    (await Deno.connect({ transport: "unix", path: address })).close();
  } catch (error) {
    const code = rpcCodes.indexOf("Unavailable");
    throw connectError({ code, details: `connect ${systemCode(error)}` }, address, timeout);
  }
}

function systemCode(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "ENOENT";
  if (error instanceof Deno.errors.NotADirectory) return "ENOTDIR";
  if (error instanceof Deno.errors.PermissionDenied) return "EACCES";
  if (error instanceof Deno.errors.ConnectionRefused) return "ECONNREFUSED";
  return messageOf(error);
}

/** How Go's text of an error ends (containerd's package `errdefs`), and the status that it stands for. */
const endings: readonly (readonly [RegExp, RpcCode])[] = [
  [/: not found$/, "NotFound"],
  [/: already exists$/, "AlreadyExists"],
  [/: invalid argument$/, "InvalidArgument"],
  [/: failed precondition$/, "FailedPrecondition"],
  [/: unavailable$/, "Unavailable"],
  [/context deadline exceeded/, "DeadlineExceeded"],
  [/connection refused|connection error|transport is closing|error reading from server/, "Unavailable"],
  [/permission denied/, "PermissionDenied"],
];

/** @returns the status in `ctr`'s last words, and the words without the log lines before them */
export function failureOf(stderr: string): { readonly code: number; readonly details: string } {
  const lines = stderr.split("\n").filter((line) => line.trim() !== "");
  const last = lines.findLast((line) => line.startsWith("ctr: ")) ?? lines.at(-1) ?? "";
  const details = last.replace(/^ctr: /, "");
  const named = /rpc error: code = ([A-Za-z]+) desc = /.exec(details)?.[1];
  const code: RpcCode = rpcCodes.find((name) => name === named) ??
    endings.find(([pattern]) => pattern.test(details))?.[1] ?? "Unknown";
  return { code: rpcCodes.indexOf(code), details };
}

/** @returns whether `error` is the daemon's answer that the thing is there already */
export function isThere(error: unknown): boolean {
  return error instanceof ContainerdError && error.code === "AlreadyExists";
}
