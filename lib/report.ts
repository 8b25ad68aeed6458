/**
 * Findings as a whole report: for people, for scripts, and for code scanning.
 *
 * @module
 */
import { type CodeInfo, codes } from "./codes.ts";
import { type Diagnostic, formatDiagnostic } from "./diagnostic.ts";
import { Excerpts } from "./excerpt.ts";

/** The forms of a report. */
export const reportFormats = ["text", "json", "sarif"] as const;

/** One of {@linkcode reportFormats}. */
export type ReportFormat = typeof reportFormats[number];

/** What {@linkcode formatDiagnostics} needs beside the findings. */
export interface ReportOptions {
  /** Default: `text`. */
  readonly format?: ReportFormat;
  /** The file's name as the user wrote it. */
  readonly file: string;
  /** The file's text; used by `text` only. */
  readonly source: string;
  /** The rules that a SARIF report names. Default: those of the parser and the evaluator. */
  readonly rules?: Readonly<Record<string, CodeInfo>>;
  /** The version of bima that a SARIF report names. Default: none. */
  readonly version?: string;
}

/**
 * Writes findings in one of three forms. `text` is that of {@linkcode formatDiagnostic}; `json` an array of objects
 * with `file`, `line`, `column`, `endLine`, `endColumn`, `severity`, `code`, `message` and `hint`, the places being
 * absent for findings about the whole file; `sarif` a log of the Static Analysis Results Interchange Format 2.1.0.
 *
 * @param diagnostics the findings
 * @param options the form and the file
 * @returns the report, ended by a line feed; empty for `text` without findings
 */
export function formatDiagnostics(diagnostics: readonly Diagnostic[], options: ReportOptions): string {
  const { format = "text", file } = options;
  switch (format) {
    case "text": {
      const excerpts = new Excerpts(options.source);
      return diagnostics.map((diagnostic) => `${formatDiagnostic(diagnostic, file, excerpts)}\n`).join("");
    }
    case "json":
      return `${JSON.stringify(diagnostics.map((diagnostic) => plain(diagnostic, file)), null, 2)}\n`;
    case "sarif":
      return `${JSON.stringify(sarif(diagnostics, options), null, 2)}\n`;
  }
}

function plain({ code, severity, message, hint, span }: Diagnostic, file: string): unknown {
  return {
    file,
    line: span?.start.line,
    column: span?.start.column,
    endLine: span?.end.line,
    endColumn: span?.end.column,
    severity,
    code,
    message,
    hint,
  };
}

/** A log with one run (SARIF 2.1.0, sections 3.13 and 3.14). */
function sarif(diagnostics: readonly Diagnostic[], options: ReportOptions): unknown {
  const { file, version, rules = codes } = options;
  const used = [...new Set(diagnostics.map(({ code }) => code))].sort();
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [{
      tool: { driver: { name: "bima", version, rules: used.map((code) => rule(code, rules)) } },
      // Columns count UTF-16 code units (section 3.14.17).
      columnKind: "utf16CodeUnits",
      results: diagnostics.map((diagnostic) => result(diagnostic, used.indexOf(diagnostic.code), file)),
    }],
  };
}

function rule(code: string, rules: Readonly<Record<string, CodeInfo>>): unknown {
  const info = Object.hasOwn(rules, code) ? rules[code] : undefined;
  if (info === undefined) return { id: code };
  return {
    id: code,
    shortDescription: { text: info.title },
    defaultConfiguration: { level: info.severity },
  };
}

function result(
  { code, severity, message, hint, span }: Diagnostic,
  ruleIndex: number,
  file: string,
): unknown {
  const region = span && {
    startLine: span.start.line,
    startColumn: span.start.column,
    endLine: span.end.line,
    endColumn: span.end.column,
  };
  // A Windows path must not pass for a scheme, and blanks are no part of a URI (section 3.4.3).
  const uri = file.replaceAll("\\", "/").split("/").map(encodeURIComponent).join("/");
  return {
    ruleId: code,
    ruleIndex,
    level: severity,
    message: { text: hint === undefined ? message : `${message}\nHint: ${hint}` },
    locations: [{ physicalLocation: { artifactLocation: { uri }, region } }],
  };
}
