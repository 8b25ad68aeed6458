/**
 * What is wrong, or doubtful, in a file that a user wrote: where, what, and the way out.
 *
 * @module
 */
import { BimaError } from "./errors.ts";
import { Excerpts } from "./excerpt.ts";

/** A place in a text. Both numbers start at 1; columns count UTF-16 code units, as editors do. */
export interface Position {
  /** The line, from 1. */
  readonly line: number;
  /** The column, from 1. */
  readonly column: number;
}

/** A stretch of text: from `start` up to, not including, `end`. */
export interface Span {
  /** The first character. */
  readonly start: Position;
  /** The character after the last one. */
  readonly end: Position;
}

/** An error stops the build; a warning does not, unless the user asks for that with `--strict`. */
export type Severity = "error" | "warning";

/** One finding. */
export interface Diagnostic {
  /** A stable code such as `BIMA012`; `docs/diagnostics.md` lists them all. */
  readonly code: string;
  /** Whether it stops the build. */
  readonly severity: Severity;
  /** What was found and what was expected; one line, no trailing full stop. */
  readonly message: string;
  /** The way out, where there is one to name. */
  readonly hint?: string;
  /** Where; absent when it concerns the file as a whole. */
  readonly span?: Span;
}

/**
 * Orders findings by their position; those about the file as a whole come first. Findings at one position keep
 * their order.
 *
 * @returns a new list
 */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const line = ({ span }: Diagnostic) => span?.start.line ?? 0;
  const column = ({ span }: Diagnostic) => span?.start.column ?? 0;
  return diagnostics.toSorted((a, b) => line(a) - line(b) || column(a) - column(b));
}

/** A Containerfile that cannot be built. Carries every finding, not only the first. */
export class ContainerfileError extends BimaError {
  /** See {@linkcode BimaError.name}. */
  override readonly name = "ContainerfileError";
  /** The file as the user named it. */
  readonly file: string;
  /** All findings in order of their position, warnings among them. */
  readonly diagnostics: readonly Diagnostic[];

  /**
   * Makes an error.
   *
   * @param file the file as the user named it
   * @param source its text
   * @param diagnostics all findings, in any order
   */
  constructor(file: string, source: string, diagnostics: readonly Diagnostic[]) {
    const excerpts = new Excerpts(source);
    const sorted = sortDiagnostics(diagnostics);
    super(sorted.map((diagnostic) => formatDiagnostic(diagnostic, file, excerpts)).join("\n"));
    this.file = file;
    this.diagnostics = sorted;
  }
}

/**
 * Writes a finding as compilers do: `file:line:column: severity[code]: message`, the line, a caret, the hint.
 *
 * @param diagnostic the finding
 * @param file the file's name as the user wrote it
 * @param source the file's text; {@linkcode Excerpts} of it when there are many findings
 * @returns one to four lines, without a trailing newline
 */
export function formatDiagnostic(diagnostic: Diagnostic, file: string, source: string | Excerpts): string {
  const { severity, code, message, hint, span } = diagnostic;
  const place = span === undefined ? file : `${file}:${span.start.line}:${span.start.column}`;
  const lines = [`${place}: ${severity}[${code}]: ${message}`];
  if (span !== undefined) {
    const { start, end } = span;
    const excerpts = typeof source === "string" ? new Excerpts(source) : source;
    lines.push(...excerpts.show(start.line, start.column, end.line === start.line ? end.column : undefined));
  }
  if (hint !== undefined) lines.push(`  hint: ${hint}`);
  return lines.join("\n");
}
