/**
 * The arguments of each instruction: which form they have, how many there are, where they stand.
 *
 * @module
 */
import { type Code, finding } from "../codes.ts";
import type { Diagnostic, Span } from "../diagnostic.ts";
import { type Flags, readFlags } from "./flags.ts";
import type { FromInstruction, Instruction, Keyword, RefusedInstruction, Text } from "./instruction.ts";
import { readJsonArray } from "./json_array.ts";
import { lexWord } from "./lexer.ts";
import { readDefinitions, readPairs } from "./pairs.ts";
import { endLine } from "./print_text.ts";
import { quote } from "../quote.ts";
import type { LogicalLine } from "./scan.ts";
import type { SourceText } from "./source_text.ts";
import { readSources } from "./sources.ts";
import { flagTables, refusals, usage } from "./usage.ts";
import { type Escape, type Range, skipBlanks, splitBlanks, type Word } from "./words.ts";

/** An instruction whose name is known. */
export interface InstructionText {
  readonly keyword: Keyword;
  readonly keywordSpan: Span;
  readonly line: LogicalLine;
  /** The offset after the name. */
  readonly end: number;
  readonly escape: Escape;
}

/** Errors that leave the arguments whole, so that the evaluator can go on with them. */
const harmless: readonly string[] = ["BIMA011", "BIMA012", "BIMA013", "BIMA015"] satisfies Code[];

/**
 * Reads what follows an instruction's name.
 *
 * @param instruction the instruction
 * @param diagnostics receives what is wrong
 * @returns the instruction; of kind `invalid` when its words are not what the user meant
 */
export function readArguments(instruction: InstructionText, diagnostics: Diagnostic[]): Instruction {
  const { keyword, keywordSpan, line } = instruction;
  if (isRefused(keyword)) return refuse(keyword, instruction, diagnostics);
  const found: Diagnostic[] = [];
  const result = new ArgumentReader(instruction, found).read();
  // One by one: a spread of very many arguments would overflow the stack.
  for (const diagnostic of found) diagnostics.push(diagnostic);
  const broken = found.some(({ severity, code }) => severity === "error" && !harmless.includes(code));
  if (result !== undefined && !broken) return result;
  return { kind: "invalid", keyword, keywordSpan, span: line.span };
}

function isRefused(keyword: Keyword): keyword is RefusedInstruction["kind"] {
  return Object.hasOwn(refusals, keyword);
}

function refuse(
  kind: RefusedInstruction["kind"],
  { keywordSpan, line, end }: InstructionText,
  diagnostics: Diagnostic[],
): RefusedInstruction {
  const { code, hint } = refusals[kind];
  diagnostics.push(finding(code, `Cannot use ${kind}: it is not supported`, keywordSpan, hint));
  const { source, heredocs, span } = line;
  const range = { start: skipBlanks(source.text, end, source.text.length), end: source.text.length };
  const rest = textOf(source, range);
  const bodies = heredocs.map(({ mark, body }) => `\n${endLine(body.text)}${mark.name}`).join("");
  return { kind, span, keywordSpan, rest: { ...rest, text: rest.text + bodies } };
}

function textOf(source: SourceText, { start, end }: Range): Text {
  return { text: source.text.slice(start, end), span: source.span(start, end) };
}

/** Reads the arguments of one instruction. */
class ArgumentReader {
  readonly #keyword: Exclude<Keyword, RefusedInstruction["kind"]>;
  readonly #base: { readonly span: Span; readonly keywordSpan: Span };
  readonly #line: LogicalLine;
  readonly #source: SourceText;
  readonly #escape: Escape;
  readonly #flags: Flags;
  readonly #rest: Range;
  readonly #diagnostics: Diagnostic[];

  constructor({ keyword, keywordSpan, line, end, escape }: InstructionText, diagnostics: Diagnostic[]) {
    const { source, span } = line;
    const range = { start: skipBlanks(source.text, end, source.text.length), end: source.text.length };
    this.#keyword = keyword as Exclude<Keyword, RefusedInstruction["kind"]>;
    this.#base = { span, keywordSpan };
    this.#line = line;
    this.#source = source;
    this.#escape = escape;
    this.#diagnostics = diagnostics;
    this.#flags = readFlags({ keyword, source, range, escape }, flagTables[keyword] ?? {}, diagnostics);
    this.#rest = this.#flags.rest;
  }

  read(): Instruction | undefined {
    const keyword = this.#keyword;
    const base = this.#base;
    const rest = this.#rest;
    if (rest.start >= rest.end) {
      const what = keyword === "COPY" || keyword === "ADD" ? "a source and a destination" : "an argument";
      return this.#report("BIMA009", `Cannot use ${keyword}: expected ${what}, found nothing`, {
        span: base.keywordSpan,
        hint: `write ${usage[keyword]}`,
      });
    }
    const text = { keyword, source: this.#source, range: rest, escape: this.#escape };
    switch (keyword) {
      case "FROM":
        return this.#from();
      case "ARG":
        return { kind: keyword, ...base, definitions: readDefinitions(text, this.#diagnostics) };
      case "ENV":
      case "LABEL":
        return { kind: keyword, ...base, pairs: readPairs(text, this.#diagnostics) };
      case "COPY":
      case "ADD": {
        const copy = { ...text, keyword, heredocs: this.#line.heredocs, flags: this.#flags };
        const parts = readSources(copy, this.#diagnostics);
        return parts && { kind: keyword, ...base, ...parts };
      }
      case "WORKDIR":
      case "USER":
      case "STOPSIGNAL":
        return { kind: keyword, ...base, value: this.#word(rest) };
      case "MAINTAINER":
        this.#report("BIMA066", "MAINTAINER is deprecated", {
          span: base.keywordSpan,
          hint: "write LABEL org.opencontainers.image.authors=…",
        });
        return { kind: keyword, ...base, name: textOf(this.#source, rest) };
      case "CMD":
      case "ENTRYPOINT": {
        const array = readJsonArray(keyword, this.#source, rest, this.#diagnostics);
        if (array.kind === "broken") return undefined;
        if (array.kind === "none") {
          return { kind: keyword, ...base, command: { form: "shell", line: textOf(this.#source, rest) } };
        }
        const args = array.elements.map(({ source, span }) => ({ text: source.text, span }));
        return { kind: keyword, ...base, command: { form: "exec", args } };
      }
      case "EXPOSE":
        return { kind: keyword, ...base, values: this.#blankSeparated() };
      case "VOLUME": {
        const values = this.#listOrJson();
        return values && { kind: keyword, ...base, values };
      }
    }
  }

  #from(): FromInstruction | undefined {
    const [image, as, name, extra] = splitBlanks(this.#source, this.#rest);
    const isAs = as === undefined || this.#slice(as).toUpperCase() === "AS";
    const odd = !isAs || name === undefined ? as : extra;
    if (image === undefined || odd !== undefined) {
      const what = odd === undefined ? "nothing" : quote(this.#slice(odd));
      return this.#report("BIMA010", `Cannot use FROM: expected IMAGE or IMAGE AS NAME, found ${what}`, {
        span: odd === undefined ? this.#base.keywordSpan : this.#source.span(odd.start, odd.end),
        hint: "write FROM scratch or FROM scratch AS name",
      });
    }
    const platform = this.#flags.texts.get("platform");
    const stage = name && this.#stageName(name);
    return {
      kind: "FROM",
      ...this.#base,
      image: this.#word(image),
      ...(stage === undefined ? {} : { name: stage }),
      ...(platform === undefined ? {} : { platform }),
    };
  }

  #stageName(range: Range): Text {
    const text = this.#slice(range).toLowerCase();
    const span = this.#source.span(range.start, range.end);
    if (!/^[a-z][a-z0-9_.-]*$/.test(text)) {
      const message = `Cannot use stage name ${
        quote(text)
      }: expected a letter, then letters, digits, _ . or -`;
      this.#report("BIMA015", message, { span, hint: "for example FROM scratch AS kernel" });
    } else if (text === "scratch" || text === "context") {
      const message = `Stage name "${text}" is reserved: it already means something else`;
      this.#report("BIMA069", message, { span, hint: "choose another name" });
    }
    return { text, span };
  }

  #listOrJson(): Word[] | undefined {
    const array = readJsonArray(this.#keyword, this.#source, this.#rest, this.#diagnostics);
    if (array.kind === "broken") return undefined;
    if (array.kind === "none") return this.#blankSeparated();
    if (array.elements.length === 0) {
      return this.#report("BIMA009", `Cannot use ${this.#keyword}: its array is empty`, {
        span: this.#source.span(this.#rest.start, this.#rest.end),
        hint: `write ${usage[this.#keyword]}`,
      });
    }
    return array.elements.map(({ source, span }) => {
      const range = { start: 0, end: source.text.length };
      return { parts: lexWord(source, range, { escape: this.#escape }, this.#diagnostics).parts, span };
    });
  }

  #blankSeparated(): Word[] {
    return splitBlanks(this.#source, this.#rest).map((range) => this.#word(range));
  }

  #word(range: Range): Word {
    return lexWord(this.#source, range, { escape: this.#escape }, this.#diagnostics);
  }

  #slice({ start, end }: Range): string {
    return this.#source.text.slice(start, end);
  }

  #report(code: Code, message: string, { span, hint }: { span: Span; hint: string }): undefined {
    this.#diagnostics.push(finding(code, message, span, hint));
  }
}
