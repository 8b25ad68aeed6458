/**
 * What can go wrong with a containerd daemon: gRPC's status codes and a socket's errors turned into bima's own error
 * classes. Nothing past this file knows numbers of codes or texts of the daemon.
 *
 * @module
 */
import { BimaError, type BimaErrorOptions } from "./errors.ts";

/** gRPC's status codes by their numbers (grpc/doc/statuscodes.md). */
export const rpcCodes = [
  "Ok",
  "Cancelled",
  "Unknown",
  "InvalidArgument",
  "DeadlineExceeded",
  "NotFound",
  "AlreadyExists",
  "PermissionDenied",
  "ResourceExhausted",
  "FailedPrecondition",
  "Aborted",
  "OutOfRange",
  "Unimplemented",
  "Internal",
  "Unavailable",
  "DataLoss",
  "Unauthenticated",
] as const;

/** The name of a gRPC status code. */
export type RpcCode = typeof rpcCodes[number];

/** Options of {@linkcode ContainerdError}. */
export interface ContainerdErrorOptions extends BimaErrorOptions {
  /** What the daemon answered. Default: `Unknown`. */
  readonly code?: RpcCode;
}

/** The daemon refused a request, or there is no daemon to answer it. */
export class ContainerdError extends BimaError {
  override readonly name: string = "ContainerdError";
  /** What the daemon answered; `Unavailable` and `DeadlineExceeded` when it did not. */
  readonly code: RpcCode;

  /** @param message what failed, in one line; @param options the status, the cause and a hint */
  constructor(message: string, options: ContainerdErrorOptions = {}) {
    super(message, options);
    this.code = options.code ?? "Unknown";
  }
}

/** No connection to a daemon came about. */
export class ContainerdConnectError extends ContainerdError {
  override readonly name = "ContainerdConnectError";
}

/** The connection broke, or the daemon stopped answering, in the middle of the work. */
export class ContainerdLostError extends ContainerdError {
  override readonly name = "ContainerdLostError";
}

/** The ref of an ingest is locked by another writer. Internal: {@linkcode ContainerdError} with its own name. */
export class LockedRefError extends ContainerdError {
  override readonly name = "LockedRefError";
}

/** The part of a gRPC error that is looked at. */
export interface RpcFailure {
  /** The number of the status code. */
  readonly code?: number;
  /** The daemon's text, or that of the transport. */
  readonly details?: string;
}

/**
 * What the transport says of a connection that breaks; which one depends on what was in flight. A daemon that is
 * there says other things when a part of it, such as a snapshotter in a process of its own, is unavailable.
 */
const broken = new RegExp(
  [
    "No connection established|Connection dropped|Channel closed|No status information received",
    "Stream refused by server|Call cancelled|Write error|Write failed|RST_STREAM|GOAWAY",
    "ECONNRESET|ECONNREFUSED|EPIPE|ECANCELED|socket hang up|session has been destroyed",
    // The words of Go's transport, as `ctr` passes them on.
    "transport is closing|closing transport|error reading from server",
  ].join("|"),
);

/** @returns whether `error` is the daemon's answer `code` */
export function isCode(error: unknown, code: RpcCode): error is ContainerdError {
  return error instanceof ContainerdError && error.code === code;
}

/**
 * Turns the failure of a request into an error for people.
 *
 * @param failure what gRPC reports
 * @param step what was being done: a verb and its thing, such as `send layer "app" to containerd`
 * @param address the daemon's socket
 * @returns the error, not thrown
 */
export function rpcError(failure: RpcFailure, step: string, address: string): ContainerdError {
  const code = rpcCodes[failure.code ?? 2] ?? "Unknown";
  const details = failure.details ?? "";
  const options = { code, cause: failure };
  if (code === "Unavailable" && /\blocked\b/.test(details)) {
    return new LockedRefError(`Cannot ${step}: another writer holds its lock`, options);
  }
  if (["Unavailable", "Internal", "Cancelled", "Unknown"].includes(code) && broken.test(details)) {
    return new ContainerdLostError(`Cannot ${step}: containerd at "${address}" went away`, {
      ...options,
      hint: "look at the daemon's log (journalctl -u containerd), then build again",
    });
  }
  if (code === "DeadlineExceeded") return stalledError(step, address, options);
  if (/no space left on device|disk quota exceeded/i.test(details)) {
    return new ContainerdError(`Cannot ${step}: containerd's disk is full (${details})`, {
      ...options,
      code: "ResourceExhausted",
      hint: "free space below containerd's root (/var/lib/containerd by default), then build again",
    });
  }
  return new ContainerdError(
    `Cannot ${step}: ${details === "" ? "no reason given" : details} (${code})`,
    options,
  );
}

/** @returns the error for a daemon that takes requests and does not answer them */
export function stalledError(
  step: string,
  address: string,
  options: ContainerdErrorOptions = {},
): ContainerdLostError {
  return new ContainerdLostError(`Cannot ${step}: containerd at "${address}" stopped answering`, {
    ...options,
    code: "DeadlineExceeded",
    hint: "see whether the daemon is stopped or its disk hangs, then build again",
  });
}

/**
 * Turns the failure of the very first request into an error for people.
 *
 * @param failure what gRPC reports
 * @param address the socket
 * @param timeout how long the answer was waited for, in milliseconds
 * @returns the error, not thrown
 */
export function connectError(failure: RpcFailure, address: string, timeout: number): ContainerdConnectError {
  const code = rpcCodes[failure.code ?? 2] ?? "Unknown";
  const details = failure.details ?? "";
  const refuse = (state: string, hint: string) =>
    new ContainerdConnectError(`Cannot connect to containerd at "${address}": ${state}`, {
      code,
      cause: failure,
      hint,
    });
  const running = "see that containerd runs (systemctl status containerd), or name its socket with --address";
  if (details.includes("NotCapable")) {
    return refuse("Deno does not allow it", `run it with --allow-net=unix:${address}, or with --allow-net`);
  }
  switch (/connect (E[A-Z]+)/.exec(details)?.[1]) {
    case "ENOENT":
    case "ENOTDIR":
      return refuse("there is no such socket", running);
    case "EACCES":
    case "EPERM":
      return refuse(
        "permission denied",
        "the socket belongs to root: use sudo, or let your group write it ([grpc] gid in containerd's config)",
      );
    case "ECONNREFUSED":
      return refuse("nothing listens there", running);
  }
  if (code === "DeadlineExceeded") {
    return refuse(
      `no answer within ${timeout / 1000} s`,
      "the daemon hangs or is not containerd; --timeout waits longer",
    );
  }
  if (code === "Unavailable" || code === "Unimplemented" || code === "Internal") {
    return refuse("what listens there does not speak containerd's API", running);
  }
  return refuse(details === "" ? code : details, running);
}
