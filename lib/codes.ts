/**
 * The codes of everything that can be found in the text of a Containerfile. `docs/diagnostics.md` has the same
 * table; a test compares them. Codes never change their meaning; those from 100 on belong to later checks.
 *
 * @module
 */
import type { Diagnostic, Severity, Span } from "./diagnostic.ts";

/** What a code stands for. */
export interface CodeInfo {
  /** Whether it stops the build. */
  readonly severity: Severity;
  /** The rule in a few words; no trailing full stop. */
  readonly title: string;
}

/** All codes. Of the text: errors from 1, warnings from 60. Of what it means for context and image: from 101 and from 160. */
export const codes = {
  BIMA001: { severity: "error", title: "Unknown instruction" },
  BIMA002: { severity: "error", title: "File without instructions" },
  BIMA003: { severity: "error", title: "Instruction before the first FROM" },
  BIMA004: { severity: "error", title: "Quote that is not closed" },
  BIMA005: { severity: "error", title: "Malformed variable substitution" },
  BIMA006: { severity: "error", title: "Heredoc that is not closed" },
  BIMA007: { severity: "error", title: "Heredoc that cannot be used" },
  BIMA008: { severity: "error", title: "JSON array with something else than strings" },
  BIMA009: { severity: "error", title: "Missing argument" },
  BIMA010: { severity: "error", title: "Unexpected argument" },
  BIMA011: { severity: "error", title: "Unknown flag" },
  BIMA012: { severity: "error", title: "Flag given twice" },
  BIMA013: { severity: "error", title: "Wrong value of a flag" },
  BIMA014: { severity: "error", title: "Malformed name or name=value pair" },
  BIMA015: { severity: "error", title: "Invalid stage name" },
  BIMA016: { severity: "error", title: "Directive given twice" },
  BIMA017: { severity: "error", title: "Invalid escape directive" },
  BIMA018: { severity: "error", title: "Destination of several sources that is no directory" },
  BIMA019: { severity: "error", title: "Invalid port" },
  BIMA020: { severity: "error", title: "Invalid stop signal" },
  BIMA021: { severity: "error", title: "Invalid user or group" },
  BIMA022: { severity: "error", title: "Invalid mode" },
  BIMA023: { severity: "error", title: "Empty value" },
  BIMA024: { severity: "error", title: "Required variable that is not set" },
  BIMA025: { severity: "error", title: "Platform variable without a known platform" },
  BIMA026: { severity: "error", title: "Unsupported base image" },
  BIMA027: { severity: "error", title: "Unknown stage" },
  BIMA028: { severity: "error", title: "Unknown target" },
  BIMA029: { severity: "error", title: "Variable in --from" },
  BIMA030: { severity: "error", title: "RUN is not supported" },
  BIMA031: { severity: "error", title: "ONBUILD is not supported" },
  BIMA032: { severity: "error", title: "HEALTHCHECK is not supported" },
  BIMA033: { severity: "error", title: "SHELL is not supported" },
  BIMA034: { severity: "error", title: "Remote sources are not supported" },
  BIMA035: { severity: "error", title: "Unpacking archives is not supported" },
  BIMA036: { severity: "error", title: "Character that no image can hold" },
  BIMA037: { severity: "error", title: "Too much to evaluate" },
  BIMA060: { severity: "warning", title: "Empty line inside a continued instruction" },
  BIMA061: { severity: "warning", title: "Old form of a name and a value" },
  BIMA062: { severity: "warning", title: "Array that is not valid JSON" },
  BIMA063: { severity: "warning", title: "Undefined variable" },
  BIMA064: { severity: "warning", title: "Unused build argument" },
  BIMA065: { severity: "warning", title: "Shell form of a command" },
  BIMA066: { severity: "warning", title: "MAINTAINER is deprecated" },
  BIMA067: { severity: "warning", title: "ADD instead of COPY" },
  BIMA068: { severity: "warning", title: "Stage name used twice" },
  BIMA069: { severity: "warning", title: "Reserved stage name" },
  BIMA070: { severity: "warning", title: "Escape directive that comes too late" },
  BIMA071: { severity: "warning", title: "Instruction without effect" },
  BIMA072: { severity: "warning", title: "Port of the host in EXPOSE" },
  BIMA101: { severity: "error", title: "Source that is not there" },
  BIMA102: { severity: "error", title: "Pattern that matches nothing" },
  BIMA103: { severity: "error", title: "Malformed pattern" },
  BIMA104: { severity: "error", title: "Link that cannot be followed" },
  BIMA105: { severity: "error", title: "Source that is no file, directory or link" },
  BIMA106: { severity: "error", title: "File where a directory is, or a directory where a file is" },
  BIMA107: { severity: "error", title: "Owner that is not in the image" },
  BIMA108: { severity: "error", title: "Source that an ignore file excludes" },
  BIMA109: { severity: "error", title: "Source that cannot be read" },
  BIMA110: { severity: "error", title: "Missing label" },
  BIMA111: { severity: "error", title: "Path that urunc refuses" },
  BIMA112: { severity: "error", title: "File that is not in the image" },
  BIMA113: { severity: "error", title: "File that is not a regular one" },
  BIMA114: { severity: "error", title: "Value that urunc refuses" },
  BIMA115: { severity: "error", title: "Label that is too long" },
  BIMA116: { severity: "error", title: "Label that belongs to the run time" },
  BIMA117: { severity: "error", title: "Binary that cannot boot" },
  BIMA118: { severity: "error", title: "Name that means something else in a layer" },
  BIMA160: { severity: "warning", title: "Unknown type of unikernel" },
  BIMA161: { severity: "warning", title: "Unknown hypervisor" },
  BIMA162: { severity: "warning", title: "Hypervisor that does not boot this type" },
  BIMA163: { severity: "warning", title: "Old name of a label" },
  BIMA164: { severity: "warning", title: "Root file system that urunc cannot mount" },
  BIMA165: { severity: "warning", title: "Unknown label" },
  BIMA166: { severity: "warning", title: "Platform that is not the binary's" },
  BIMA167: { severity: "warning", title: "File that is replaced" },
  BIMA169: { severity: "warning", title: "Directory as the destination of a file, without a slash" },
  BIMA170: { severity: "warning", title: "Containerfile that is not there" },
} as const satisfies Readonly<Record<string, CodeInfo>>;

/** A code. */
export type Code = keyof typeof codes;

/**
 * Makes a finding; its severity is that of its code.
 *
 * @param code what kind of finding it is
 * @param message what was found and what was expected
 * @param span where
 * @param hint the way out
 * @returns the finding
 */
export function finding(code: Code, message: string, span?: Span, hint?: string): Diagnostic {
  const { severity } = codes[code];
  return {
    code,
    severity,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(span === undefined ? {} : { span }),
  };
}
