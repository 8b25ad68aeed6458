/**
 * Requests to a containerd daemon over gRPC: typed stubs for the services in `proto/`, deadlines, cancellation, and
 * errors for people. The only file that imports the gRPC library.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { type CallOptions, Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { VersionDefinition } from "../proto/gen/version.ts";
import { connectError, rpcError, stalledError } from "./containerd_errors.ts";
import { Duplex } from "./containerd_duplex.ts";

/** A message of the generated code, as far as a request needs it. */
interface RequestType<Message, Fields> {
  encode(message: Message): { finish(): Uint8Array };
  fromPartial(fields: Fields): Message;
}

/** A message of the generated code, as far as an answer needs it. */
interface ResponseType<Message> {
  decode(bytes: Uint8Array): Message;
}

/** A method of the generated code. */
interface Method<Request, Fields, Response> {
  readonly name: string;
  readonly requestType: RequestType<Request, Fields>;
  readonly responseType: ResponseType<Response>;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

/** A service of the generated code. */
interface Service {
  readonly fullName: string;
  // deno-lint-ignore no-explicit-any -- what a method takes and gives is inferred method by method, in Stub.
  readonly methods: Readonly<Record<string, Method<any, any, any>>>;
}

/** What goes with a request. */
export interface Call {
  /** What is being done, for the error: a verb and its thing, such as `create a lease`. */
  readonly step: string;
  /**
   * Wait for as long as the daemon is alive, which is asked for now and then. Default: false, the answer must come
   * within the idle limit.
   */
  readonly patient?: boolean;
}

/** A service as an object with one function for each method. */
export type Stub<S extends Service> = {
  readonly [Name in keyof S["methods"]]: S["methods"][Name] extends
    Method<infer _, infer Fields, infer Response>
    ? S["methods"][Name]["requestStream"] extends true ? (call: Call) => Duplex<Fields, Response>
    : S["methods"][Name]["responseStream"] extends true
      ? (fields: Fields, call: Call) => Promise<readonly Response[]>
    : (fields: Fields, call: Call) => Promise<Response>
    : never;
};

/** How to talk to a daemon. */
export interface RpcOptions {
  /** The path of its socket. */
  readonly address: string;
  /** Sent with each request. */
  readonly namespace: string;
  /** How long the first answer may take, in milliseconds. */
  readonly timeout: number;
  /** How long the daemon may be silent while something is asked of it, in milliseconds. */
  readonly idleLimit: number;
  /** Ends what is under way, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Sent with each request: holds what it creates. */
  readonly lease?: string;
}

/** The largest message either way; containerd's own limit. */
const largestMessage = 16 * 1024 * 1024;

/** A connection to a daemon. {@linkcode Rpc.close} ends it, and every request that is still under way. */
export class Rpc {
  /** Who is asked, and how. */
  readonly options: RpcOptions;
  readonly #client: Client;

  private constructor(client: Client, options: RpcOptions) {
    this.#client = client;
    this.options = options;
  }

  /**
   * Connects and asks for the daemon's version.
   *
   * @param options how to talk to the daemon
   * @returns the connection, and the daemon's version
   * @throws {ContainerdConnectError} when there is no daemon, or it does not let us in, or does not answer in time
   */
  static async connect(options: RpcOptions): Promise<{ readonly rpc: Rpc; readonly version: string }> {
    const { address, timeout } = options;
    options.signal?.throwIfAborted();
    const client = new Client(`unix:${address}`, credentials.createInsecure(), {
      "grpc.default_authority": "localhost",
      "grpc.max_receive_message_length": largestMessage,
      "grpc.max_send_message_length": largestMessage,
      // A retry would need every byte of a stream to be kept.
      "grpc.enable_retries": 0,
      "grpc.use_local_subchannel_pool": 1,
    });
    const rpc = new Rpc(client, options);
    try {
      const { version } = await rpc.#version(timeout, (failure) => connectError(failure, address, timeout));
      return { rpc, version };
    } catch (error) {
      rpc.close();
      throw error;
    }
  }

  /** @returns the same connection, whose requests also send this lease */
  withLease(lease: string): Rpc {
    return new Rpc(this.#client, { ...this.options, lease });
  }

  /** @returns the same connection for cleaning up: nothing aborts it, each answer has `limit` milliseconds */
  detached(limit: number): Rpc {
    return new Rpc(this.#client, { ...this.options, signal: undefined, idleLimit: limit });
  }

  /** @returns the service's methods as functions */
  stub<S extends Service>(service: S): Stub<S> {
    const functions = Object.entries(service.methods).map(([name, method]) => {
      const path = `/${service.fullName}/${method.name}`;
      if (method.requestStream) return [name, (call: Call) => this.#duplex(path, method, call)];
      if (method.responseStream) {
        return [name, (fields: unknown, call: Call) => this.#list(path, method, fields, call)];
      }
      return [name, (fields: unknown, call: Call) => this.#unary(path, method, fields, call)];
    });
    return Object.fromEntries(functions) as Stub<S>;
  }

  /** Closes the connection. */
  close(): void {
    this.#client.close();
  }

  #version(limit: number, toError: (failure: ServiceError) => Error, signal = this.options.signal) {
    const method = VersionDefinition.methods.version;
    const path = `/${VersionDefinition.fullName}/${method.name}`;
    return this.#request(path, method, {}, { deadline: Date.now() + limit }, toError, signal);
  }

  async #unary<Request, Fields, Response>(
    path: string,
    method: Method<Request, Fields, Response>,
    fields: Fields,
    call: Call,
  ): Promise<Response> {
    const { address, idleLimit, signal } = this.options;
    const toError = (failure: ServiceError) => rpcError(failure, call.step, address);
    if (call.patient !== true) {
      return await this.#request(path, method, fields, { deadline: Date.now() + idleLimit }, toError, signal);
    }
    const stalled = new AbortController();
    using _guard = this.#guard(() => stalled.abort(stalledError(call.step, address)));
    const either = signal === undefined ? stalled.signal : AbortSignal.any([signal, stalled.signal]);
    return await this.#request(path, method, fields, {}, toError, either);
  }

  #request<Request, Fields, Response>(
    path: string,
    method: Method<Request, Fields, Response>,
    fields: Fields,
    options: CallOptions,
    toError: (failure: ServiceError) => Error,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const abort = () => {
        call.cancel();
        reject(signal?.reason);
      };
      const call = this.#client.makeUnaryRequest(
        path,
        serializer(method.requestType),
        method.responseType.decode,
        method.requestType.fromPartial(fields),
        this.#metadata(),
        options,
        (failure, response) => {
          signal?.removeEventListener("abort", abort);
          if (failure !== null) reject(toError(failure));
          else if (response === undefined) {
            reject(toError({ code: 13, details: "empty answer" } as ServiceError));
          } else resolve(response);
        },
      );
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  #list<Request, Fields, Response>(
    path: string,
    method: Method<Request, Fields, Response>,
    fields: Fields,
    call: Call,
  ): Promise<readonly Response[]> {
    const { address, idleLimit, signal } = this.options;
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const answers: Response[] = [];
      const stream = this.#client.makeServerStreamRequest(
        path,
        serializer(method.requestType),
        method.responseType.decode,
        method.requestType.fromPartial(fields),
        this.#metadata(),
        { deadline: Date.now() + idleLimit },
      );
      const abort = () => {
        stream.cancel();
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", abort, { once: true });
      stream.on("data", (answer: Response) => answers.push(answer));
      stream.on("error", (failure: ServiceError) => {
        signal?.removeEventListener("abort", abort);
        reject(rpcError(failure, call.step, address));
      });
      stream.on("end", () => {
        signal?.removeEventListener("abort", abort);
        resolve(answers);
      });
    });
  }

  #duplex<Request, Fields, Response>(
    path: string,
    method: Method<Request, Fields, Response>,
    call: Call,
  ): Duplex<Fields, Response> {
    const { address, idleLimit, signal } = this.options;
    signal?.throwIfAborted();
    const stream = this.#client.makeBidiStreamRequest(
      path,
      serializer(method.requestType),
      method.responseType.decode,
      this.#metadata(),
    );
    return new Duplex<Fields, Response>(
      {
        send: (fields) => stream.write(method.requestType.fromPartial(fields)),
        end: () => stream.end(),
        cancel: () => stream.cancel(),
        onAnswer: (answer) => stream.on("data", answer),
        onFailure: (fail) =>
          stream.on("error", (failure: ServiceError) => fail(rpcError(failure, call.step, address))),
        onEnd: (end) => stream.on("end", end),
      },
      {
        signal,
        idleLimit,
        stalled: () => stalledError(call.step, address),
        guard: (stall) => this.#guard(stall),
      },
    );
  }

  /** Asks the daemon now and then whether it is alive, and says so once when it is not. */
  #guard(stalled: () => void): Disposable {
    const { address, idleLimit } = this.options;
    const half = idleLimit / 2;
    const done = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const beat = () => {
      this.#version(half, (failure) => rpcError(failure, "ask for a sign of life", address), done.signal)
        .then(schedule, () => done.signal.aborted || stalled());
    };
    const schedule = () => {
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

  #metadata(): Metadata {
    const metadata = new Metadata();
    metadata.set("containerd-namespace", this.options.namespace);
    if (this.options.lease !== undefined) metadata.set("containerd-lease", this.options.lease);
    return metadata;
  }
}

function serializer<Request, Fields>(type: RequestType<Request, Fields>): (message: Request) => Buffer {
  return (message) => {
    const bytes = type.encode(message).finish();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}
