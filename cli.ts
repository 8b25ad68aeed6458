/**
 * The command `bima`: words become options, errors become messages and exit codes. What a command needs is loaded
 * when it runs, so that the help is quick.
 *
 * @module
 */
import config from "./deno.json" with { type: "json" };
import { buildOptions, describeOptions, readCommandLine } from "./lib/command_line.ts";
import { BimaError, messageOf, UsageError } from "./lib/errors.ts";
import { type LogLevel, logLevelAliases, logLevels } from "./lib/log_level.ts";
import { nearest } from "./lib/nearest.ts";
import { transport } from "./lib/transport.ts";

const commands = {
  build: { run: build, text: "build an image of a unikernel" },
  check: { run: check, text: "find what is wrong with a Containerfile, without building" },
  version: { run: version, text: "show the version" },
  help: { run: help, text: "show this help, or that of a command" },
} as const satisfies Record<
  string,
  { run: (words: readonly string[]) => number | Promise<number>; text: string }
>;

const success = 0;
const failure = 1;
const wrongUsage = 2;

/** Writes a line to stdout: data only. */
function say(text: string): void {
  try {
    writeAll(Deno.stdout, `${text}\n`);
  } catch (error) {
    // Whoever reads has seen enough; that is no failure of ours.
    if (error instanceof Deno.errors.BrokenPipe) return;
    throw new BimaError(`Cannot write to stdout: ${messageOf(error)}`, { cause: error });
  }
}

/** Writes to stderr: everything that is no data. */
function tell(text: string): void {
  writeAll(Deno.stderr, text);
}

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let bytes = new TextEncoder().encode(text);
  while (bytes.byteLength > 0) bytes = bytes.subarray(stream.writeSync(bytes));
}

async function run(words: readonly string[]): Promise<number> {
  const [first = "help", ...rest] = words;
  if (first === "-h" || first === "--help") return help([]);
  if (first === "-v" || first === "--version") return version();
  const command = Object.entries(commands).find(([name]) => name === first)?.[1];
  if (command !== undefined) return await command.run(rest);
  const near = nearest(first, Object.keys(commands));
  throw new UsageError(`Cannot run "${first}": there is no such command`, {
    hint: near === undefined ? "bima help shows the commands" : `did you mean bima ${near}?`,
  });
}

function help(words: readonly string[]): number | Promise<number> {
  if (words[0] === "build") return buildHelp();
  if (words[0] === "check") return check(["--help"]);
  if (words[0] !== undefined && !Object.hasOwn(commands, words[0]) && !words[0].startsWith("-")) {
    return run(words.slice(0, 1));
  }
  const lines = Object.entries(commands).map(([name, { text }]) => `  ${name.padEnd(8)}  ${text}`);
  say(`bima ${config.version}: turns a unikernel into an OCI image

usage: bima COMMAND [options]

commands:
${lines.join("\n")}

bima help COMMAND shows the options of a command. A first image, in a tar:
  bima build --tar -t hello .`);
  return success;
}

function buildHelp(): number {
  say(`usage: bima build [options] CONTEXT

Builds an image from the Containerfile and the directory CONTEXT, and puts it into containerd or into a tar. With -
as CONTEXT a tar of the directory is read from stdin: plain, gzip or zstd.
The manifest's digest is printed on stdout, everything else on stderr.

options:
${describeOptions(buildOptions).join("\n")}

environment:
  BIMA_LOG           trace, debug, info, warn or error (default: warn)
  SOURCE_DATE_EPOCH  time in the image, seconds since 1970; files are not newer (default: 0)

exit codes: 0 the image is built, 1 it is not, 2 the command line is wrong`);
  return success;
}

function version(words: readonly string[] = []): number | Promise<number> {
  if (words[0] === "-h" || words[0] === "--help") return help([]);
  if (words[0] !== undefined) throw new UsageError(`Cannot use "${words[0]}": bima version takes nothing`);
  const way = transport() === "gRPC" ? "containerd over gRPC" : "containerd through ctr";
  say(`bima version ${config.version} (deno ${Deno.version.deno}, ${Deno.build.target}, ${way})`);
  return success;
}

async function build(words: readonly string[]): Promise<number> {
  const line = readCommandLine(words, buildOptions, environment);
  if (line.has("help")) return buildHelp();
  const [{ toBuildOptions }, bima, { bytes, createTerminal }] = await Promise.all([
    import("./lib/build_command.ts"),
    import("./mod.ts"),
    import("./lib/terminal.ts"),
  ]);
  const interactive = Deno.stderr.isTerminal();
  const terminal = createTerminal({
    write: tell,
    interactive,
    // A terminal that does not know its size says 0.
    columns: (interactive && Deno.consoleSize().columns) || 80,
    level: line.has("quiet") ? "error" : logLevel(),
  });
  const options = toBuildOptions(line, {
    environment,
    stdin: () => Deno.stdin.readable,
    stdinIsTerminal: Deno.stdin.isTerminal(),
    stdout: Deno.stdout.writable,
    stdoutIsTerminal: Deno.stdout.isTerminal(),
  });
  using interrupt = onInterrupt();
  try {
    const { signal } = interrupt;
    const { digest, location, names, platform, layers } = await bima.build({
      ...options,
      signal,
      onEvent: terminal.listener,
    });
    const size = bytes(layers.reduce((sum, layer) => sum + layer.size, 0));
    terminal.log(
      interactive ? "warn" : "info",
      `${names.join(", ")} for ${bima.formatPlatform(platform)}, ${size}, is in ${location}`,
    );
    // With dest=- stdout is the tar itself.
    const { output } = options;
    if (output.kind === "tar" && typeof output.dest !== "string") tell(`${digest}\n`);
    else say(digest);
    return success;
  } catch (error) {
    terminal.clear();
    if (interrupt.signal.aborted) {
      throw new BimaError("Interrupted: the build was stopped, nothing of it is left");
    }
    throw error;
  }
}

async function check(words: readonly string[]): Promise<number> {
  const { runCheck } = await import("./lib/check_command.ts");
  using interrupt = onInterrupt();
  const isFine = await runCheck(words, {
    environment,
    stdin: () => Deno.stdin.readable,
    stdinIsTerminal: Deno.stdin.isTerminal(),
    write: (text) => writeAll(Deno.stdout, text),
    version: config.version,
    signal: interrupt.signal,
  });
  return isFine ? success : failure;
}

function environment(name: string): string | undefined {
  return Deno.env.get(name);
}

function logLevel(): LogLevel {
  const value = (environment("BIMA_LOG") || "warn").toLowerCase();
  const level = logLevels.find((name) => name === (logLevelAliases[value] ?? value));
  if (level !== undefined) return level;
  throw new UsageError(`Cannot use BIMA_LOG "${value}": expected ${logLevels.join(", ")}`);
}

/** Turns the first Ctrl-C, or a polite kill, into an abort; the second one ends the program at once. */
function onInterrupt(): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const stop = (): void => {
    if (controller.signal.aborted) Deno.exit(failure);
    controller.abort(new BimaError("Interrupted"));
  };
  for (const name of signals) Deno.addSignalListener(name, stop);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => signals.forEach((name) => Deno.removeSignalListener(name, stop)),
  };
}

/** Tells what went wrong, never with a stack unless somebody who debugs asks for it. */
function explain(error: unknown): number {
  if (error instanceof Deno.errors.NotCapable) {
    // Before anything that may need the same permission.
    tell(`bima: Cannot go on without permission: ${error.message}\n`);
    return failure;
  }
  const debug = ["trace", "debug"].includes((environment("BIMA_LOG") ?? "").toLowerCase());
  if (!(error instanceof BimaError)) {
    tell(`bima: this is a bug in bima: ${messageOf(error)}\n`);
    tell("  hint: BIMA_LOG=debug shows where; please report it\n");
  } else if (error.name === "ContainerfileError") tell(`${error.message}\n`);
  else tell(`bima: ${error.message}\n`);
  if (error instanceof BimaError && error.hint !== undefined) tell(`  hint: ${error.hint}\n`);
  if (debug && error instanceof Error) tell(`${error.stack ?? ""}\n`);
  return error instanceof UsageError ? wrongUsage : failure;
}

if (import.meta.main) Deno.exit(await run(Deno.args).catch(explain));
