/**
 * The instructions of a Containerfile as types: what {@linkcode parse} makes of a text.
 *
 * @module
 */
import type { Diagnostic, Span } from "../diagnostic.ts";
import { nearest } from "../nearest.ts";
import type { Directives } from "./scan.ts";
import type { Word } from "./words.ts";

/** Every instruction that the language has, in the order of its reference. */
export const keywords = [
  "FROM",
  "RUN",
  "CMD",
  "LABEL",
  "MAINTAINER",
  "EXPOSE",
  "ENV",
  "ADD",
  "COPY",
  "ENTRYPOINT",
  "VOLUME",
  "USER",
  "WORKDIR",
  "ARG",
  "ONBUILD",
  "STOPSIGNAL",
  "HEALTHCHECK",
  "SHELL",
] as const;

/** The name of an instruction, upper case. */
export type Keyword = typeof keywords[number];

/** @returns the instruction that a word names, in any case, or the one that was most likely meant */
export function keywordLike(word: string): Keyword | undefined {
  const exact = keywords.find((keyword) => keyword === word.toUpperCase());
  if (exact !== undefined) return exact;
  const near = nearest(word, keywords);
  return keywords.find((keyword) => keyword === near);
}

/** A text as written, nothing replaced. */
export interface Text {
  readonly text: string;
  readonly span: Span;
}

/** `--name=value`. */
export interface Flag<Value> {
  readonly value: Value;
  /** The whole flag, dashes included. */
  readonly span: Span;
}

/** `name=value`. */
export interface Pair {
  readonly key: Word;
  readonly value: Word;
}

/** `name` or `name=value`. */
export interface ArgDefinition {
  readonly key: Word;
  /** The default. */
  readonly value?: Word;
}

/** What all instructions have. */
interface Base {
  /** From the first character to the last, heredocs included. */
  readonly span: Span;
  /** Where its name stands. */
  readonly keywordSpan: Span;
}

/** `FROM [--platform=…] image [AS name]`. */
export interface FromInstruction extends Base {
  readonly kind: "FROM";
  readonly image: Word;
  /** Lower case. */
  readonly name?: Text;
  readonly platform?: Flag<Word>;
}

/** `ARG name[=default]…`. */
export interface ArgInstruction extends Base {
  readonly kind: "ARG";
  /** At least one. */
  readonly definitions: readonly ArgDefinition[];
}

/** `ENV name=value…` or `LABEL key=value…`. */
export interface PairsInstruction extends Base {
  readonly kind: "ENV" | "LABEL";
  /** At least one. */
  readonly pairs: readonly Pair[];
}

/** A heredoc as a source. */
export interface HeredocSource {
  readonly kind: "heredoc";
  /** The word that ends it, and the name of the file. */
  readonly name: string;
  /** The text; with a quoted word there are no variables in it. */
  readonly content: Word;
  /** Where it is announced. */
  readonly span: Span;
}

/** A path or pattern as a source. */
export interface PathSource {
  readonly kind: "path";
  readonly path: Word;
}

/** `COPY` or `ADD`. */
export interface CopyInstruction extends Base {
  readonly kind: "COPY" | "ADD";
  /** At least one. */
  readonly sources: readonly (PathSource | HeredocSource)[];
  readonly destination: Word;
  readonly from?: Flag<Word>;
  readonly chown?: Flag<Word>;
  readonly chmod?: Flag<Word>;
  readonly exclude: readonly Flag<Word>[];
  readonly parents?: Flag<boolean>;
  readonly link?: Flag<boolean>;
  /** ADD only: whether an archive is unpacked. */
  readonly unpack?: Flag<boolean>;
}

/** An instruction that takes the rest of the line as one word. */
export interface ValueInstruction extends Base {
  readonly kind: "WORKDIR" | "USER" | "STOPSIGNAL";
  readonly value: Word;
}

/** `CMD` or `ENTRYPOINT`. */
export interface CommandInstruction extends Base {
  readonly kind: "CMD" | "ENTRYPOINT";
  readonly command:
    | { readonly form: "exec"; readonly args: readonly Text[] }
    | { readonly form: "shell"; readonly line: Text };
}

/** `EXPOSE port…` or `VOLUME path…`. */
export interface ListInstruction extends Base {
  readonly kind: "EXPOSE" | "VOLUME";
  /** At least one. */
  readonly values: readonly Word[];
}

/** `MAINTAINER name`; nothing is replaced in it. */
export interface MaintainerInstruction extends Base {
  readonly kind: "MAINTAINER";
  readonly name: Text;
}

/** An instruction that bima does not carry out; a diagnostic says so. */
export interface RefusedInstruction extends Base {
  readonly kind: "RUN" | "ONBUILD" | "HEALTHCHECK" | "SHELL";
  /** What follows the name; heredocs on further lines. */
  readonly rest: Text;
}

/** An instruction with an error in it, so that what follows is not misjudged. */
export interface InvalidInstruction extends Base {
  readonly kind: "invalid";
  /** The instruction that is, or most likely was, meant. */
  readonly keyword?: Keyword;
}

/** One instruction; `kind` tells which. */
export type Instruction =
  | FromInstruction
  | ArgInstruction
  | PairsInstruction
  | CopyInstruction
  | ValueInstruction
  | CommandInstruction
  | ListInstruction
  | MaintainerInstruction
  | RefusedInstruction
  | InvalidInstruction;

/** A parsed file. */
export interface Containerfile {
  readonly directives: Directives;
  /** In order of the file. */
  readonly instructions: readonly Instruction[];
  /** What is wrong or doubtful in the text, in order of position. */
  readonly diagnostics: readonly Diagnostic[];
}
