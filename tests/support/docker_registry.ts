/**
 * A registry for tests: Debian's docker-registry on a free port of this machine, storing below a temporary directory.
 *
 * @module
 */

/** A registry of one's own. Disposing stops it and removes what it stored. */
export class DockerRegistry implements AsyncDisposable {
  /** Its host and port, as they stand in an image name. */
  readonly host: string;
  readonly #folder: string;
  readonly #process: Deno.ChildProcess;

  private constructor(host: string, folder: string, process: Deno.ChildProcess) {
    this.host = host;
    this.#folder = folder;
    this.#process = process;
  }

  /** Starts a registry and waits until it answers. */
  static async start(): Promise<DockerRegistry> {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const host = `localhost:${listener.addr.port}`;
    listener.close();
    const folder = await Deno.makeTempDir({ prefix: "bima-registry-" });
    const config = {
      version: "0.1",
      log: { accesslog: { disabled: true }, level: "error" },
      storage: { filesystem: { rootdirectory: folder } },
      http: { addr: host.replace("localhost", "127.0.0.1") },
    };
    // JSON is YAML.
    await Deno.writeTextFile(`${folder}/config.yml`, JSON.stringify(config));
    const process = new Deno.Command("docker-registry", {
      args: ["serve", `${folder}/config.yml`],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const registry = new DockerRegistry(host, folder, process);
    for (let attempt = 0; attempt < 400; attempt++) {
      try {
        const response = await fetch(`http://${config.http.addr}/v2/`);
        await response.body?.cancel();
        return registry;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    }
    await registry[Symbol.asyncDispose]();
    throw new Error("docker-registry does not start");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#process.status;
    await Deno.remove(this.#folder, { recursive: true });
  }
}
