/**
 * `bima check`: the values of the command line become the options of a check, its findings a report.
 *
 * @module
 */
import { pairs, type Surroundings } from "./build_command.ts";
import { check, type CheckResult } from "./check.ts";
import { commandInputs } from "./command_inputs.ts";
import {
  buildOptions,
  type CommandLine,
  describeOptions,
  type OptionInfo,
  readCommandLine,
} from "./command_line.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { UsageError } from "./errors.ts";
import { formatDiagnostics, type ReportFormat, reportFormats } from "./report.ts";

/** What `bima build` and `bima check` have in common. */
const shared = ["file", "platform", "target", "build-arg", "label"] as const;

/** The options of `bima check`, in the order of the help. */
export const checkOptions = [
  ...shared.map((name) => ({ ...optionOf(name), name })),
  {
    name: "format",
    value: "FORMAT",
    text: `form of the report on stdout: ${reportFormats.join(", ")} (default: "${reportFormats[0]}")`,
  },
  { name: "strict", text: "warnings are errors" },
  { name: "help", aliases: ["h"], text: "show this help" },
] as const satisfies readonly OptionInfo[];

function optionOf(name: typeof shared[number]): OptionInfo {
  const option = buildOptions.find((option) => option.name === name);
  if (option === undefined) throw new TypeError(`bima build has no option ${name}`);
  return option;
}

/** What a check needs besides its words. */
export interface CheckSurroundings extends Pick<Surroundings, "environment" | "stdin" | "stdinIsTerminal"> {
  /** Takes the report, or the help. */
  readonly write: (text: string) => void;
  /** The version of bima that a SARIF report names. */
  readonly version: string;
  /** Stops the work. */
  readonly signal?: AbortSignal;
}

/**
 * Runs `bima check`.
 *
 * @param words what stands behind `check`
 * @param surroundings what else there is
 * @returns whether there are no errors
 * @throws {UsageError} when the words are wrong
 * @throws {PathError} when the Containerfile or the context cannot be read
 */
export async function runCheck(words: readonly string[], surroundings: CheckSurroundings): Promise<boolean> {
  const { environment, write, version, signal } = surroundings;
  const line = readCommandLine(words, checkOptions, environment);
  if (line.has("help")) {
    write(helpText());
    return true;
  }
  const format = formatOf(line.value("format"));
  const found = await check({
    ...inputsOf(line, surroundings),
    ...present("platform", line.value("platform")),
    ...present("target", line.value("target")),
    buildArgs: pairs(line, "build-arg", environment),
    labels: pairs(line, "label"),
    ...(signal === undefined ? {} : { signal }),
  });
  const { file, source, diagnostics } = line.has("strict") ? strict(found) : found;
  write(formatDiagnostics(diagnostics, { format, file, source, version }));
  return diagnostics.every(({ severity }) => severity !== "error");
}

/** @returns what `bima check --help` says */
export function helpText(): string {
  return `usage: bima check [options] [CONTEXT]

Finds all that is wrong or doubtful in a Containerfile, as a build would, and builds nothing. With CONTEXT, a directory
or - for a tar on stdin, the files, the ignore file and the labels are checked too; without, only the text is.
The report is printed on stdout.

options:
${describeOptions(checkOptions).join("\n")}

exit codes: 0 there are no errors, 1 there are, 2 the command line is wrong
`;
}

function inputsOf(
  line: CommandLine<typeof checkOptions[number]["name"]>,
  surroundings: CheckSurroundings,
): Pick<Parameters<typeof check>[0], "context" | "file"> {
  const [context, extra] = line.positional;
  if (extra !== undefined) {
    throw new UsageError(
      `Cannot check "${extra}" as well: bima check takes one context, and that is "${context}"`,
      {
        hint: "name the Containerfile with -f",
      },
    );
  }
  const file = line.value("file");
  if (context !== undefined) return commandInputs(context, file, surroundings);
  return file === undefined ? {} : { file: file === "-" ? surroundings.stdin() : file };
}

function formatOf(text: string | undefined): ReportFormat {
  const format = text === undefined ? reportFormats[0] : reportFormats.find((name) => name === text);
  if (format !== undefined) return format;
  throw new UsageError(`Cannot use --format "${text}": expected ${reportFormats.join(", ")}`);
}

function present<Key extends string>(key: Key, value: string | undefined): { readonly [K in Key]?: string } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [K in Key]?: string };
}

function strict(found: CheckResult): CheckResult {
  const diagnostics = found.diagnostics.map((diagnostic): Diagnostic => ({
    ...diagnostic,
    severity: "error",
  }));
  return { ...found, diagnostics };
}
