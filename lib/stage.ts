/**
 * What the parser and the evaluator of a Containerfile hand to the build: stages whose variables are expanded.
 *
 * @module
 */
import type { Span } from "./diagnostic.ts";
import type { Platform } from "./platform.ts";

/** A source of COPY: a path or pattern, or the text of a heredoc. */
export type CopySource =
  | {
    readonly kind: "path"; /** As written, variables expanded. */
    readonly path: string;
    readonly span: Span;
  }
  | {
    readonly kind: "inline";
    /** The heredoc's word: the file's name when DEST is a directory. */
    readonly name: string;
    /** The text, variables expanded unless the word was quoted. */
    readonly content: string;
    readonly span: Span;
  };

/** Where the sources of COPY come from. */
export type CopyOrigin =
  | { readonly kind: "context" }
  /** An earlier stage, by its position among the stages of the {@linkcode Program}. */
  | { readonly kind: "stage"; readonly index: number };

/** COPY, or ADD of local files: makes one layer. */
export interface CopyStep {
  readonly kind: "copy";
  /** Where the instruction stands. */
  readonly span: Span;
  /** The instruction on one line, for the image's history. */
  readonly text: string;
  readonly origin: CopyOrigin;
  /** At least one. */
  readonly sources: readonly CopySource[];
  /** Absolute and clean (WORKDIR applied); ends in `/` when the user wrote a directory. */
  readonly destination: string;
  /** Where the destination stands. */
  readonly destinationSpan: Span;
  /** `user[:group]`, names or numbers; absent is 0:0. */
  readonly chown?: string;
  /** Octal or symbolic; absent keeps the modes. */
  readonly chmod?: string;
  /** Patterns of sources to leave out. */
  readonly exclude: readonly string[];
  /** Keep the parent directories of the sources. */
  readonly parents: boolean;
}

/** WORKDIR: a layer when the directory is not there yet. */
export interface WorkdirStep {
  readonly kind: "workdir";
  readonly span: Span;
  readonly text: string;
  /** Absolute and clean. */
  readonly path: string;
  /** USER at this point: whom the directory belongs to when it is made; absent is 0:0. */
  readonly user?: string;
}

/** An instruction that only changes the config. */
export interface MetadataStep {
  readonly kind: "metadata";
  readonly span: Span;
  readonly text: string;
}

/** One instruction of a stage after FROM, in order. */
export type Step = CopyStep | WorkdirStep | MetadataStep;

/** What the metadata instructions of a stage add up to; the fields of `config` in the OCI image configuration. */
export interface StageConfig {
  /** LABEL, later values over earlier ones, in order of first appearance. */
  readonly labels: Readonly<Record<string, string>>;
  /** ENV as `NAME=value`. */
  readonly env: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly workingDir?: string;
  readonly user?: string;
  /** EXPOSE as `port/protocol`. */
  readonly exposedPorts: readonly string[];
  readonly volumes: readonly string[];
  readonly stopSignal?: string;
  /** MAINTAINER. */
  readonly author?: string;
}

/** One stage: FROM and what follows it. */
export interface Stage {
  /** Its name after AS, lower case. */
  readonly name?: string;
  /** What it starts from: nothing, or the result of an earlier stage. */
  readonly base: { readonly kind: "scratch" } | { readonly kind: "stage"; readonly index: number };
  /** What `FROM --platform` says, here or in the base; absent when it says nothing. */
  readonly platform?: Platform;
  /** Where FROM stands. */
  readonly span: Span;
  readonly steps: readonly Step[];
  /** The config at the end of the stage, that of its base included. */
  readonly config: StageConfig;
  /** Where each label of this stage was given its value, by key. */
  readonly labelSpans: ReadonlyMap<string, Span>;
}

/** A whole Containerfile, evaluated for one target. */
export interface Program {
  /** All stages up to the target, in order; the ones that nothing needs stay in, so that indexes keep their meaning. */
  readonly stages: readonly Stage[];
  /** The position of the stage that becomes the image. */
  readonly target: number;
  /** The positions of the stages that the target needs, itself included, ascending. */
  readonly needed: readonly number[];
}
