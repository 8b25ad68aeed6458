/**
 * Runs bima as its users do: as a program. `BIMA` names the program under test; default: the sources.
 *
 * @module
 */
import { join } from "@std/path/posix";

/** The project's folder. */
export const root = join(import.meta.dirname ?? ".", "../..");

/** What a program said. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How bima is run. */
export interface RunOptions {
  /** The working directory. */
  readonly cwd?: string;
  /** Environment variables on top of a small, fixed set. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether root's right to read and write all files is taken away. Default: false. */
  readonly unprivileged?: boolean;
}

/** @returns the program and its first arguments */
export function bimaCommand(): readonly [program: string, ...args: string[]] {
  const compiled = Deno.env.get("BIMA");
  return [compiled ?? join(root, "scripts/bima")];
}

/** @returns a command of bima, with nothing of the tester's environment that could change what it does */
export function bimaProcess(args: readonly string[], options: RunOptions = {}): Deno.Command {
  const drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"];
  const [program = "", ...first] = [...(options.unprivileged ? drop : []), ...bimaCommand()];
  const env: Record<string, string> = { ...options.env };
  for (const name of ["PATH", "HOME", "DENO_DIR", "DENO_TLS_CA_STORE", "TMPDIR"]) {
    const value = Deno.env.get(name);
    if (value !== undefined && env[name] === undefined) env[name] = value;
  }
  return new Deno.Command(program, {
    args: [...first, ...args],
    clearEnv: true,
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
}

/** Runs bima to its end. */
export async function bima(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { code, stdout, stderr } = await bimaProcess(args, options).output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** Runs a program that must succeed. @returns its stdout @throws {Error} with its stderr when it fails */
export async function run(program: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args, stdin: "null" }).output();
  if (code !== 0) {
    throw new Error(`${program} ${args.join(" ")}: exit ${code}\n${new TextDecoder().decode(stderr)}`);
  }
  return new TextDecoder().decode(stdout);
}

/** A temporary directory with these files: path → text or bytes; a path that ends in a slash is a directory. */
export class Folder implements Disposable {
  /** Its absolute path. */
  readonly path: string;

  /** @param files what it holds */
  constructor(files: Readonly<Record<string, string | Uint8Array>> = {}) {
    this.path = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "bima-test-" }));
    for (const [name, content] of Object.entries(files)) this.write(name, content);
  }

  /** @returns the path of something in it */
  at(name: string): string {
    return join(this.path, name);
  }

  /** Writes a file, or makes a directory, and the directories above. */
  write(name: string, content: string | Uint8Array): void {
    const path = this.at(name);
    if (name.endsWith("/")) return Deno.mkdirSync(path, { recursive: true });
    Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    Deno.writeFileSync(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
  }

  /** @returns the names in it, sorted */
  names(): string[] {
    return Array.from(Deno.readDirSync(this.path), ({ name }) => name).sort();
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** The bytes of the example's kernel. */
export function helloKernel(): Uint8Array {
  return Deno.readFileSync(join(root, "examples/hello/hello.elf"));
}

/** The four labels that urunc needs, for a binary at `/kernel`. */
export const labels = `LABEL com.urunc.unikernel.unikernelType=unikraft com.urunc.unikernel.hypervisor=qemu
LABEL com.urunc.unikernel.binary=/kernel com.urunc.unikernel.cmdline="hello world"
`;

/** A Containerfile that builds when there is a `kernel` in the context. */
export const containerfile = `FROM scratch\nCOPY kernel /kernel\n${labels}`;

/** @returns a context that builds */
export function context(more: Readonly<Record<string, string | Uint8Array>> = {}): Folder {
  return new Folder({ kernel: helloKernel(), Containerfile: containerfile, ...more });
}
