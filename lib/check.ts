/**
 * Everything short of building: what is wrong with a Containerfile, its context and the image they would make.
 *
 * @module
 */
import { compile, type Source } from "./containerfile.ts";
import { ContainerfileError, type Diagnostic, sortDiagnostics } from "./diagnostic.ts";
import { IgnoreFileError } from "./context/ignore.ts";
import { type InputOptions, openInputs, readInput } from "./inputs.ts";
import { planImage } from "./plan.ts";
import { parsePlatform } from "./platform.ts";

/** What to check; the same options as those of a build. */
export interface CheckOptions {
  /**
   * The build context: a directory, or a tar, plain or compressed with gzip or zstd. Default: none, and only the text
   * is checked.
   */
  readonly context?: string | ReadableStream<Uint8Array>;
  /** The Containerfile, or its text. Default: `Containerfile` or `Dockerfile`, where a build would find it. */
  readonly file?: string | ReadableStream<Uint8Array>;
  /** `os/architecture[/variant]`. Default: what the unikernel's binary says. */
  readonly platform?: string;
  /** Values for ARG. */
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** The stage that would become the image. Default: the last one. */
  readonly target?: string;
  /** Labels that win over those of the Containerfile. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Stops the work. */
  readonly signal?: AbortSignal;
}

/** What was found in one file. */
export interface CheckResult {
  /** The file as messages name it: the Containerfile, or an ignore file that cannot be used. */
  readonly file: string;
  /** Its text. */
  readonly source: string;
  /** In order of their position. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Checks what a build would check before it writes anything.
 *
 * @param options what to check
 * @returns what was found
 * @throws {PathError} when the Containerfile or the context cannot be read
 * @throws {UsageError} when an option is wrong
 */
export async function check(options: CheckOptions): Promise<CheckResult> {
  const { platform: wanted, context, file, ...rest } = options;
  const settings = { ...rest, ...(wanted === undefined ? {} : { platform: parsePlatform(wanted) }) };
  if (context === undefined) {
    const source = await readInput(file, ".", options.signal);
    return result(source, findingsOf(source, settings).diagnostics);
  }
  const inputs: InputOptions = { context, ...(file === undefined ? {} : { file }), ...rest };
  try {
    await using opened = await openInputs(inputs);
    const { source } = opened;
    const { program, diagnostics } = findingsOf(source, settings);
    if (program === undefined) return result(source, diagnostics);
    const planned = await planImage(program, { ...settings, context: opened.context, epoch: 0 });
    return result(source, [...diagnostics, ...planned.diagnostics]);
  } catch (error) {
    if (!(error instanceof IgnoreFileError)) throw error;
    return result({ file: error.file, text: error.source }, error.diagnostics);
  }
}

function findingsOf(
  source: Source,
  settings: Parameters<typeof compile>[1],
): Partial<ReturnType<typeof compile>> & {
  readonly diagnostics: readonly Diagnostic[];
} {
  try {
    return compile(source, settings);
  } catch (error) {
    if (error instanceof ContainerfileError) return { diagnostics: error.diagnostics };
    throw error;
  }
}

function result(
  { file, text }: Pick<Source, "file" | "text">,
  diagnostics: readonly Diagnostic[],
): CheckResult {
  return { file, source: text, diagnostics: sortDiagnostics(diagnostics) };
}
