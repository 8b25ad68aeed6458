/**
 * COPY with BuildKit's semantics: sources of a file tree become the nodes of a layer.
 *
 * @module
 */
import { basename } from "@std/path/posix";
import { type Code, finding } from "./codes.ts";
import { copyTree, type Include } from "./copy/copy_tree.ts";
import type { Diagnostic, Span } from "./diagnostic.ts";
import { ConflictError, Draft, NameError } from "./copy/draft.ts";
import { PathError } from "./errors.ts";
import { expandGlob, isGlob } from "./copy/glob.ts";
import { type ModeChange, parseMode } from "./copy/mode.ts";
import { nearest } from "./nearest.ts";
import { type Owner, parseOwner, root } from "./copy/owner.ts";
import { parsePattern, type Pattern, PatternList } from "./pattern.ts";
import type { LayerTree, Rootfs } from "./rootfs.ts";
import type { CopySource, CopyStep } from "./stage.ts";
import {
  cleanPath,
  type FileTree,
  follow,
  type Found,
  type ImageNode,
  LinkError,
  type Node,
  parentPath,
} from "./tree.ts";

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
 * @returns the layer; meaningless when an error was reported
 */
export function planCopy(step: CopyStep, options: CopyOptions): LayerTree {
  return new Copier(step, options).run();
}

type PathSource = CopySource & { readonly kind: "path" };
type InlineSource = CopySource & { readonly kind: "inline" };

/** One of the things that a source means. */
interface Match {
  /** Clean and relative to the tree. */
  readonly path: string;
  /** The part of the path that matched wildcards; absent when there were none. */
  readonly matched?: string;
}

class Copier {
  readonly #step: CopyStep;
  readonly #options: CopyOptions;
  readonly #draft: Draft;
  readonly #owner: Owner;
  readonly #mode: ModeChange;
  readonly #exclude: PatternList;

  constructor(step: CopyStep, options: CopyOptions) {
    this.#step = step;
    this.#options = options;
    this.#draft = new Draft(options.rootfs);
    this.#owner = this.#parseOwner();
    // The evaluator has checked the text of --chmod.
    this.#mode = parseMode(step.chmod ?? "") ?? ((mode) => mode);
    this.#exclude = new PatternList(step.exclude.flatMap((text) => this.#pattern(text, step.span) ?? []));
  }

  run(): LayerTree {
    for (const source of this.#step.sources) {
      try {
        if (source.kind === "inline") this.#copyText(source);
        else if (this.#step.parents) this.#copyWithParents(source);
        else for (const match of this.#expand(cleanPath(source.path), source)) this.#copyPath(match, source);
      } catch (error) {
        this.#explain(error, source);
      }
    }
    return this.#draft.finish();
  }

  /** Everything that can go wrong with one source is a finding at its place; the rest is not ours to explain. */
  #explain(error: unknown, source: CopySource): void {
    const { span } = source;
    if (error instanceof ConflictError) {
      const name = source.kind === "path" ? source.path : source.name;
      const message = `Cannot copy "${name}" to "${this.#step.destination}": ${error.message}`;
      this.#report(error instanceof NameError ? "BIMA118" : "BIMA106", message, span);
    } else if (error instanceof LinkError) this.#report("BIMA104", error.message, span, error.hint);
    else if (error instanceof PathError) this.#report("BIMA109", error.message, span, error.hint);
    else throw error;
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

  #pattern(text: string, span: Span): Pattern | undefined {
    const pattern = parsePattern(text);
    if (pattern === undefined) {
      const message = `Cannot use pattern "${text}": it is malformed`;
      this.#report("BIMA103", message, span, "[ needs a ], and \\ a character after it");
    }
    return pattern;
  }

  /** @param path the source, or what stands in front of its `./`; @param source where and how it was written */
  #expand(path: string, { path: written, span }: PathSource): Match[] {
    const { from } = this.#options;
    if (!isGlob(path)) return [{ path }];
    // A name with backslashes goes before what they would mean in a pattern.
    const escapes = !/[*?[]/.test(path.replace(/\\./gs, ""));
    if (escapes && follow(from, path) !== undefined) return [{ path }];
    const found = expandGlob(from, path);
    if (found === undefined) {
      const message = `Cannot use pattern "${written}": it is malformed`;
      this.#report("BIMA103", message, span, "[ needs a ], and \\ a character after it");
    } else if (found.length === 0) this.#missing(path, written, span);
    else if (found.length > 1 && !this.#hasDirectory()) {
      const { destination, destinationSpan } = this.#step;
      const message =
        `Cannot copy "${written}" to "${destination}": ${found.length} sources match, expected a destination that ends in /`;
      this.#report("BIMA018", message, destinationSpan, `write "${destination}/"`);
      return [];
    }
    const fixed = path.split("/").findIndex(isGlob);
    return (found ?? []).map((path) => ({ path, matched: path.split("/").slice(fixed).join("/") }));
  }

  #copyPath({ path, matched }: Match, source: PathSource): void {
    const found = follow(this.#options.from, path);
    if (found === undefined) return this.#missing(path, source.path, source.span);
    const isDirectory = found.node.kind === "directory";
    // A directory by its own name is never left out, nor one in which something is taken back in.
    const isExcluded = this.#exclude.match(matched ?? basename(path)).matched;
    if (isExcluded && !(isDirectory && (matched === undefined || this.#exclude.hasExceptions))) return;
    if (isDirectory) return void this.#copyDirectory(found, path, source.span);
    const node = this.#adopt(found.node, path, source.span);
    if (node !== undefined) this.#putFile(basename(path), node);
  }

  /** A `./` in the middle of the source ends what is left off of its path. */
  #copyWithParents(source: PathSource): void {
    const { path: written, span } = source;
    const { from } = this.#options;
    const [front, back] = splitOnce(written, "/./");
    const pattern = cleanPath(back ?? written);
    const include = pattern === "" ? undefined : this.#include(pattern, span);
    if (pattern !== "" && include === undefined) return;
    const bases = back === undefined ? [{ path: "" }] : this.#expand(cleanPath(front), source);
    let found = bases.length === 0;
    for (const { path } of bases) {
      const directory = follow(from, path);
      if (directory?.node.kind !== "directory") continue;
      if (this.#copyDirectory(directory, path, span, include) || include === undefined) found = true;
    }
    if (!found) this.#missing(cleanPath(back === undefined ? written : `${front}/${pattern}`), written, span);
  }

  #include(text: string, span: Span): Include | undefined {
    const pattern = this.#pattern(text, span);
    return pattern && { pattern, list: new PatternList([pattern]) };
  }

  #copyText({ name, content }: InlineSource): void {
    const bytes = new TextEncoder().encode(content);
    const text: ImageNode = {
      kind: "file",
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtime: this.#options.epoch,
      size: bytes.byteLength,
      content: { kind: "bytes", bytes },
    };
    this.#putFile(basename(name), { ...this.#adapt(text), ...this.#owner });
  }

  #copyDirectory(source: Found, path: string, span: Span, include?: Include): boolean {
    const target = this.#draft.locate(cleanPath(this.#step.destination));
    const there = this.#draft.node(target);
    if (there !== undefined && there.kind !== "directory") {
      throw new ConflictError(`"/${target}" is a file in the image, and "${path || "."}" is a directory`);
    }
    this.#makeDirectory(target);
    const copy = {
      from: this.#options.from,
      draft: this.#draft,
      adopt: (node: Node, path: string) => this.#adopt(node, path, span),
      exclude: this.#exclude,
      ...(include === undefined ? {} : { include }),
    };
    return copyTree(copy, source.path, target);
  }

  /** A file goes into a directory that is there or that the destination names with a slash at its end. */
  #putFile(name: string, node: ImageNode): void {
    const { destination, destinationSpan } = this.#step;
    const located = this.#draft.locate(cleanPath(destination));
    const isThere = this.#draft.node(located)?.kind === "directory";
    if (isThere && !destination.endsWith("/")) {
      const message = `"${destination}" is a directory in the image: the file goes into it, as "${name}"`;
      this.#report("BIMA169", message, destinationSpan, `write "${destination}/"`);
    }
    const intoDirectory = isThere || destination.endsWith("/");
    // A link inside of the directory is replaced, while the destination itself may be a link.
    const target = intoDirectory ? cleanPath(`${located}/${name}`) : located;
    this.#makeDirectory(parentPath(target));
    this.#draft.put(target, node);
  }

  #hasDirectory(): boolean {
    const { destination } = this.#step;
    if (destination.endsWith("/")) return true;
    return this.#draft.node(this.#draft.locate(cleanPath(destination)))?.kind === "directory";
  }

  #adopt(node: Node, path: string, span: Span): ImageNode | undefined {
    if (node.kind !== "special") return this.#adapt(node);
    const message = `Cannot copy "${path}": it is ${node.what}, expected a file, directory or link`;
    this.#report("BIMA105", message, span);
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

  #missing(path: string, written: string, span: Span): void {
    const { from } = this.#options;
    const isPattern = isGlob(path);
    const all = from.unfiltered;
    const hiddenPath = all === undefined ? undefined : isPattern ? expandGlob(all, path)?.[0] : path;
    const hidden = hiddenPath === undefined ? undefined : from.excluded?.(hiddenPath);
    if (hidden !== undefined) {
      const what = isPattern ? `everything that matches is excluded` : `it is excluded`;
      const message = `Cannot copy "${written}": ${what} from ${from.title} by ${hidden.file}:${hidden.line}`;
      return this.#report("BIMA108", message, span, `change that line, or add !${hiddenPath} after it`);
    }
    if (isPattern) {
      return this.#report("BIMA102", `Cannot copy "${written}": nothing in ${from.title} matches`, span);
    }
    const node = from.node(path);
    if (node?.kind === "symlink") {
      const message =
        `Cannot copy "${written}": it is a symbolic link to "${node.target}", and that is not there`;
      return this.#report("BIMA101", message, span, "copy its directory to keep the link as it is");
    }
    const message = `Cannot copy "${written}": it is not in ${from.title}`;
    this.#report("BIMA101", message, span, this.#near(path, written));
  }

  #near(path: string, written: string): string | undefined {
    const { from } = this.#options;
    const directory = parentPath(path);
    const near = nearest(basename(path), from.names(directory));
    if (near !== undefined) return `there is "${directory === "" ? near : `${directory}/${near}`}"`;
    if (!/^\/*(?:\.\.\/)+/.test(written)) return undefined;
    return `sources cannot leave ${from.title}; "${written}" was looked up as "${path}"`;
  }

  #report(code: Code, message: string, span: Span, hint?: string): void {
    this.#options.report(finding(code, message, span, hint));
  }
}

function splitOnce(text: string, separator: string): [front: string, back?: string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
