/**
 * Takes words apart: quotes, escapes and variables, as BuildKit's shell lexer reads them.
 *
 * @module
 */
import { finding } from "../codes.ts";
import type { Diagnostic } from "../diagnostic.ts";
import { quote } from "../quote.ts";
import type { SourceText } from "./source_text.ts";
import { type Escape, operators, type Part, type Range, type VariablePart, type Word } from "./words.ts";

/** How {@linkcode lexWord} reads. */
export interface LexOptions {
  readonly escape: Escape;
  /** Whether quotes mean something; they do not in a heredoc. Default: true. */
  readonly quotes?: boolean;
}

/** `${a:-${b:-…}}` may be nested this deep. */
const deepest = 64;

/** Characters that never mean anything: not even the end of an operand. */
const plain = /[A-Za-z0-9_.:=,@+-]*/y;
const nameStart = /[\p{L}_]/u;
const nameRest = /[\p{L}\p{Nd}_]/u;
const digit = /\p{Nd}/u;

/**
 * Takes a word apart.
 *
 * @param source the text it stands in; @param range where
 * @param diagnostics receives what is wrong with it; there is at most one finding
 * @returns the word, with the parts up to the fault if there is one
 */
export function lexWord(
  source: SourceText,
  range: Range,
  options: LexOptions,
  diagnostics: Diagnostic[],
): Word {
  const lexer = new Lexer(source, range, options, diagnostics);
  return { parts: lexer.parts(), span: source.span(range.start, range.end) };
}

/** One pass over one word. After the first fault every loop ends. */
class Lexer {
  readonly #source: SourceText;
  readonly #text: string;
  readonly #end: number;
  readonly #escape: Escape;
  readonly #quotes: boolean;
  readonly #diagnostics: Diagnostic[];
  #at: number;
  #failed = false;

  constructor(source: SourceText, { start, end }: Range, options: LexOptions, diagnostics: Diagnostic[]) {
    this.#source = source;
    this.#text = source.text;
    this.#at = start;
    this.#end = end;
    this.#escape = options.escape;
    this.#quotes = options.quotes ?? true;
    this.#diagnostics = diagnostics;
  }

  parts(): Part[] {
    return this.#until("", false, 0, this.#at);
  }

  /** Reads up to `stop` and past it, or to the end of the word when `stop` is empty. */
  #until(stop: string, raw: boolean, depth: number, opened: number): Part[] {
    const out = new PartList();
    while (this.#at < this.#end && !this.#failed) {
      const character = this.#text[this.#at] ?? "";
      if (character === stop && stop !== "") {
        this.#at++;
        return out.parts;
      }
      if (character === "$") out.push(this.#dollar(false, depth));
      else if (this.#quotes && character === "'") out.text(this.#single());
      else if (this.#quotes && character === '"') this.#double(out, depth);
      else if (character === this.#escape) {
        if (raw) out.text(character);
        this.#at++;
        if (this.#at < this.#end) out.text(this.#take());
      } else out.text(this.#take());
    }
    if (stop !== "" && !this.#failed) {
      this.#fail(
        "BIMA005",
        opened,
        `Cannot read a substitution: "${stop}" is missing`,
        `close it with ${stop}; a value with blanks needs quotes around it`,
      );
    }
    return out.parts;
  }

  /** One character, or all the plain ones that follow as well. */
  #take(): string {
    const start = this.#at;
    plain.lastIndex = start + 1;
    plain.test(this.#text);
    this.#at = Math.min(this.#end, Math.max(start + 1, plain.lastIndex));
    return this.#text.slice(start, this.#at);
  }

  #single(): string {
    const close = this.#text.indexOf("'", this.#at + 1);
    if (close < 0 || close >= this.#end) {
      this.#unclosed("single");
      return "";
    }
    const text = this.#text.slice(this.#at + 1, close);
    this.#at = close + 1;
    return text;
  }

  #double(out: PartList, depth: number): void {
    const opened = this.#at++;
    while (this.#at < this.#end && !this.#failed) {
      const character = this.#text[this.#at] ?? "";
      if (character === '"') {
        this.#at++;
        return;
      }
      if (character === "$") {
        out.push(this.#dollar(depth === 0, depth));
        continue;
      }
      this.#at++;
      if (character !== this.#escape) {
        out.text(character);
        continue;
      }
      const next = this.#at < this.#end ? this.#text[this.#at] ?? "" : "";
      // Only these can be escaped in double quotes; elsewhere the escape character stands for itself.
      if (next === '"' || next === "$" || next === this.#escape) {
        out.text(next);
        this.#at++;
      } else if (next !== "") out.text(character);
    }
    if (this.#failed) return;
    this.#at = opened;
    this.#unclosed("double");
  }

  #dollar(quoted: boolean, depth: number): Part {
    const start = this.#at++;
    const inBraces = this.#text[this.#at] === "{" && this.#at < this.#end;
    if (inBraces) return this.#braces(start, quoted, depth);
    const name = this.#name();
    if (name === "") return { kind: "text", text: "$" };
    return this.#variable(start, name, quoted, depth);
  }

  #braces(start: number, quoted: boolean, depth: number): Part {
    this.#at++;
    const name = this.#name();
    const broken: Part = { kind: "text", text: "$" };
    if (name === "") {
      const wrong = this.#at < this.#end ? `found ${quote(this.#peek())}` : "the word ends";
      const hint = `write \${name}, or ${this.#escape}\${ for the characters themselves`;
      this.#fail("BIMA005", start, `Cannot read a substitution: expected a name after "\${", ${wrong}`, hint);
      return broken;
    }
    if (this.#at >= this.#end) {
      this.#fail(
        "BIMA005",
        start,
        `Cannot read substitution of ${quote(name)}: "}" is missing`,
        `write \${${name}}`,
      );
      return broken;
    }
    if (this.#text[this.#at] === "}") {
      this.#at++;
      return this.#variable(start, name, quoted, depth);
    }
    const operator = operators.find((operator) => this.#text.startsWith(operator, this.#at));
    if (operator === undefined || this.#at + operator.length > this.#end) {
      this.#fail(
        "BIMA005",
        start,
        `Cannot read substitution of ${quote(name)}: unknown modifier ${quote(this.#peek())}`,
        `the modifiers are ${operators.join(" ")}`,
      );
      return broken;
    }
    if (depth >= deepest) {
      const message = `Cannot read a substitution: nested more than ${deepest} times`;
      this.#fail("BIMA005", start, message, "put a part of it into a variable of its own");
      return broken;
    }
    this.#at += operator.length;
    const slashes = operator === "/" || operator === "//";
    const raw = slashes || operator.startsWith("#") || operator.startsWith("%");
    const operand = this.#until(slashes ? "/" : "}", raw, depth + 1, start);
    const replacement = slashes && !this.#failed ? this.#until("}", true, depth + 1, start) : undefined;
    return {
      ...this.#variable(start, name, quoted, depth),
      operator,
      operand,
      ...(replacement === undefined ? {} : { replacement }),
    };
  }

  #variable(start: number, name: string, quoted: boolean, depth: number): VariablePart {
    return {
      kind: "variable",
      name,
      quoted: quoted && depth === 0,
      span: this.#source.span(start, this.#at),
    };
  }

  /** Letters, digits and `_`; or only digits; or one of the shell's special parameters. */
  #name(): string {
    const start = this.#at;
    const first = this.#peek();
    if (first === "") return "";
    if ("@*#?-$!".includes(first)) {
      this.#at++;
      return first;
    }
    const rest = digit.test(first) ? digit : nameRest;
    if (rest === nameRest && !nameStart.test(first)) return "";
    for (let next = first; next !== "" && rest.test(next); next = this.#peek()) this.#at += next.length;
    return this.#text.slice(start, this.#at);
  }

  /** The next whole character (two units outside of the basic plane), empty at the end. */
  #peek(): string {
    if (this.#at >= this.#end) return "";
    return String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0);
  }

  #unclosed(kind: "single" | "double"): void {
    this.#fail(
      "BIMA004",
      this.#at,
      `Cannot read a word: its ${kind} quote is not closed`,
      `close the quote, or write ${this.#escape}${this.#text[this.#at]} for the character itself`,
    );
  }

  #fail(code: "BIMA004" | "BIMA005", from: number, message: string, hint: string): void {
    this.#failed = true;
    this.#diagnostics.push(finding(code, message, this.#source.span(from, this.#end), hint));
  }
}

/** Collects parts and joins neighbouring texts. */
class PartList {
  readonly parts: Part[] = [];

  text(text: string): void {
    this.push({ kind: "text", text });
  }

  push(part: Part): void {
    const last = this.parts.at(-1);
    if (part.kind === "text" && part.text === "") return;
    if (part.kind === "text" && last?.kind === "text") {
      this.parts[this.parts.length - 1] = { kind: "text", text: last.text + part.text };
    } else this.parts.push(part);
  }
}
