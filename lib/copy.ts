/**
 * COPY with BuildKit's semantics: sources of a file tree become the nodes of a layer.
 *
 * @module
 */
import { basename, dirname } from "@std/path/posix";
import { finding } from "./codes.ts";
import type { Diagnostic, Span } from "./diagnostic.ts";
import { ConflictError, Draft } from "./draft.ts";
import { PathError } from "./errors.ts";
import { expandGlob, isGlob } from "./glob.ts";
import { type ModeChange, parseMode } from "./mode.ts";
import { type Owner, parseOwner, root } from "./owner.ts";
import { nearest } from "./nearest.ts";
import type { LayerTree, Rootfs } from "./rootfs.ts";
import type { CopySource, CopyStep } from "./stage.ts";
import { cleanPath, type FileTree, follow, type Found, type ImageNode, type Node } from "./tree.ts";

/** What {@linkcode planCopy} needs besides the instruction. */
export interface CopyOptions {
  /** Where the sources are. */
  readonly from: FileTree;
  /** The image so far. */
  readonly rootfs: Rootfs;
  /** The latest time that a node may have, in seconds since 1970. */
  readonly epoch: number;
  /** Takes what is wrong; the plan goes on, so that all of it is found in one run. */
  readonly report: (diagnostic: Diagnostic) => void;
}

/**
 * Plans one COPY. Reads names and attributes, no contents.
 *
 * @param step the instruction
 * @returns the layer; meaningless when something was reported
 */
export function planCopy(step: CopyStep, options: CopyOptions): LayerTree {
  return new Copier(step, options).run();
}

class Copier {
  readonly #step: CopyStep;
  readonly #options: CopyOptions;
  readonly #draft: Draft;
  readonly #owner: Owner;
  readonly #mode: ModeChange;

  constructor(step: CopyStep, options: CopyOptions) {
    this.#step = step;
    this.#options = options;
    this.#draft = new Draft(options.rootfs);
    this.#owner = this.#parseOwner();
    // The evaluator has checked the text of --chmod.
    this.#mode = parseMode(step.chmod ?? "") ?? ((mode) => mode);
  }

  run(): LayerTree {
    for (const source of this.#step.sources) {
      try {
        if (source.kind === "inline") this.#copyText(source);
        else for (const path of this.#expand(source.path, source.span)) this.#copyPath(path, source);
      } catch (error) {
        this.#explain(error, source);
      }
    }
    return this.#draft.finish();
  }

  /** Everything that can go wrong with one source is a finding at its place; the rest is not ours to explain. */
  #explain(error: unknown, source: CopySource): void {
    if (error instanceof ConflictError) {
      const name = source.kind === "path" ? source.path : source.name;
      this.#report(
        "BIMA106",
        `Cannot copy "${name}" to "${this.#step.destination}": ${error.message}`,
        source.span,
      );
    } else if (error instanceof PathError) {
      this.#report("BIMA104", error.message, source.span, error.hint);
    } else throw error;
  }

  #parseOwner(): Owner {
    const { chown, span } = this.#step;
    if (chown === undefined) return root;
    const owner = parseOwner(chown, this.#options.rootfs);
    if (!("missing" in owner)) return owner;
    this.#report(
      "BIMA107",
      `Cannot use --chown=${chown}: "${owner.missing}" is not in the image's ${owner.file}`,
      span,
      `write numbers (--chown=1000:1000), or copy ${owner.file} into the image first`,
    );
    return root;
  }

  #expand(written: string, span: Span): string[] {
    const path = cleanPath(written);
    if (!isGlob(written)) return [path];
    const found = expandGlob(this.#options.from, path);
    if (found === undefined) {
      this.#report(
        "BIMA103",
        `Cannot use pattern "${written}": it is malformed`,
        span,
        "[ needs a ], and \\ a character after it",
      );
    } else if (found.length > 1 && !this.#step.destination.endsWith("/")) {
      this.#report(
        "BIMA018",
        `Cannot copy "${written}" to "${this.#step.destination}": ${found.length} sources match, expected a destination that ends in /`,
        this.#step.destinationSpan,
        `write "${this.#step.destination}/"`,
      );
    } else if (found.length === 0) {
      this.#report(
        "BIMA102",
        `Cannot copy "${written}": nothing in ${this.#options.from.title} matches`,
        span,
      );
    }
    return found ?? [];
  }

  #copyPath(path: string, source: CopySource & { kind: "path" }): void {
    const found = follow(this.#options.from, path);
    if (found === undefined) return this.#missing(path, source);
    if (found.node.kind === "directory") {
      return this.#copyContents(found, this.#intoDirectory(path), source.span);
    }
    const node = this.#adopt(found.node, path, source.span);
    if (node !== undefined) this.#putFile(basename(path), node);
  }

  #copyText({ name, content }: CopySource & { kind: "inline" }): void {
    const bytes = new TextEncoder().encode(content);
    const text: Node = {
      kind: "file",
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtime: this.#options.epoch,
      size: bytes.byteLength,
      content: { kind: "bytes", bytes },
    };
    this.#putFile(basename(name), this.#adapt(text));
  }

  /** The directory that the contents of a source directory go to. */
  #intoDirectory(path: string): string {
    const target = this.#draft.locate(cleanPath(this.#step.destination));
    const there = this.#draft.node(target);
    if (there !== undefined && there.kind !== "directory") {
      throw new ConflictError(`"/${target}" is a file in the image, and "${path}" is a directory`);
    }
    this.#makeDirectory(target);
    return target;
  }

  /** A file goes into a directory that is there or that the destination names with a slash at its end. */
  #putFile(name: string, node: ImageNode): void {
    const { destination } = this.#step;
    let target = this.#draft.locate(cleanPath(destination));
    const there = this.#draft.node(target);
    const isDirectory = destination.endsWith("/");
    if (there?.kind === "directory" && !isDirectory) {
      throw new ConflictError(`it is a directory in the image; write "${destination}/" to copy into it`);
    }
    if (isDirectory) {
      this.#makeDirectory(target);
      target = this.#draft.locate(target === "" ? name : `${target}/${name}`);
    }
    const directory = dirname(target);
    this.#makeDirectory(directory === "." ? "" : directory);
    this.#draft.put(target, node);
  }

  #copyContents(source: Found, target: string, span: Span): void {
    for (const name of this.#options.from.names(source.path)) {
      const path = source.path === "" ? name : `${source.path}/${name}`;
      const found = this.#options.from.node(path);
      const node = found === undefined ? undefined : this.#adopt(found, path, span);
      if (node === undefined) continue;
      const to = target === "" ? name : `${target}/${name}`;
      if (node.kind !== "directory") {
        this.#draft.put(to, node);
        continue;
      }
      const there = this.#draft.locate(to);
      if (this.#draft.node(there)?.kind !== "directory") this.#draft.put(there, node);
      this.#copyContents({ path, node }, there, span);
    }
  }

  #adopt(node: Node, path: string, span: Span): ImageNode | undefined {
    if (node.kind !== "special") return this.#adapt(node);
    this.#report(
      "BIMA105",
      `Cannot copy "${path}": it is ${node.what}, expected a file, directory or link`,
      span,
    );
    return undefined;
  }

  /** A node as it stands in the image: owner, mode and time as the instruction and the options say. */
  #adapt(node: ImageNode): ImageNode {
    const mtime = Math.min(Math.max(node.mtime, 0), this.#options.epoch);
    const owned = this.#step.chown === undefined && this.#step.origin.kind === "stage" ? {} : this.#owner;
    const mode = node.kind === "symlink" ? node.mode : this.#mode(node.mode, node.kind === "directory");
    return { ...node, ...owned, mode, mtime };
  }

  #makeDirectory(path: string): void {
    this.#draft.makeDirectory(path, this.#owner);
  }

  #missing(path: string, { path: written, span }: CopySource & { kind: "path" }): void {
    const { from } = this.#options;
    const directory = dirname(path) === "." ? "" : dirname(path);
    const near = nearest(basename(path), from.names(directory));
    const hint = near !== undefined
      ? `there is "${directory === "" ? near : `${directory}/${near}`}"`
      : /^\/*(?:\.\.\/)+/.test(written)
      ? `sources cannot leave ${from.title}; "${written}" was looked up as "${path}"`
      : undefined;
    this.#report("BIMA101", `Cannot copy "${written}": it is not in ${from.title}`, span, hint);
  }

  #report(code: Parameters<typeof finding>[0], message: string, span: Span, hint?: string): void {
    this.#options.report(finding(code, message, span, hint));
  }
}
