/**
 * The arguments of each instruction: which form they have, how many there are, where they stand.
 *
 * @module
 */
import { type Code, codes, finding } from "./codes.ts";
import type { Diagnostic, Span } from "./diagnostic.ts";
import { type Flags, type FlagTable, readFlags, skipBlanks } from "./flags.ts";
import type { ArgDefinition, Instruction, Keyword, Pair, Text } from "./instruction.ts";
import { readJsonArray } from "./json_array.ts";
import type { LogicalLine } from "./scan.ts";
import { readSources } from "./sources.ts";
import type { SourceText } from "./source_text.ts";
import {
  endOfQuotedWord,
  type Escape,
  isBlank,
  lexWord,
  literal,
  type Range,
  splitBlanks,
  splitQuoted,
  type Word,
} from "./words.ts";

/** An instruction whose name is known. */
export interface InstructionText {
  readonly keyword: Keyword;
  readonly keywordSpan: Span;
  readonly line: LogicalLine;
  /** The offset after the name. */
  readonly end: number;
  readonly escape: Escape;
}

const copyFlags: FlagTable = {
  from: "text",
  chown: "text",
  chmod: "text",
  exclude: "list",
  parents: "switch",
  link: "switch",
};

/** The flags of each instruction; ADD's are those of Docker, so that only the source is refused. */
const flagTables: Readonly<Partial<Record<Keyword, FlagTable>>> = {
  FROM: { platform: "text" },
  COPY: copyFlags,
  ADD: {
    chown: "text",
    chmod: "text",
    exclude: "list",
    link: "switch",
    unpack: "switch",
    checksum: "text",
    "keep-git-dir": "switch",
  },
};

const refusals = {
  RUN: {
    code: "BIMA030",
    hint:
      "run the command before the build and COPY its result; nothing is executed while an image is packed",
  },
  ONBUILD: {
    code: "BIMA031",
    hint: "leave it out; there is no later build that would start from this image",
  },
  HEALTHCHECK: { code: "BIMA032", hint: "leave it out; a unikernel has no second process to ask" },
  SHELL: { code: "BIMA033", hint: "leave it out and write CMD and ENTRYPOINT in exec form" },
} as const satisfies Partial<Record<Keyword, { code: Code; hint: string }>>;

/**
 * Reads what follows an instruction's name.
 *
 * @param instruction the instruction
 * @param diagnostics receives what is wrong
 * @returns the instruction; of kind `invalid` when there was an error
 */
export function readArguments(instruction: InstructionText, diagnostics: Diagnostic[]): Instruction {
  const found: Diagnostic[] = [];
  const result = new ArgumentReader(instruction, found).read();
  // One by one: a spread of very many arguments would overflow the stack.
  for (const diagnostic of found) diagnostics.push(diagnostic);
  const refused = result !== undefined && result.kind in refusals;
  if (result !== undefined && (refused || !found.some(({ severity }) => severity === "error"))) return result;
  const { keyword, keywordSpan, line } = instruction;
  return { kind: "invalid", keyword, keywordSpan, span: line.span };
}

class ArgumentReader {
  readonly #keyword: Keyword;
  readonly #keywordSpan: Span;
  readonly #line: LogicalLine;
  readonly #source: SourceText;
  readonly #escape: Escape;
  readonly #range: Range;
  readonly #diagnostics: Diagnostic[];

  constructor({ keyword, keywordSpan, line, end, escape }: InstructionText, diagnostics: Diagnostic[]) {
    const { text } = line.source;
    this.#keyword = keyword;
    this.#keywordSpan = keywordSpan;
    this.#line = line;
    this.#source = line.source;
    this.#escape = escape;
    this.#range = { start: skipBlanks(text, end, text.length), end: text.length };
    this.#diagnostics = diagnostics;
  }

  read(): Instruction | undefined {
    const keyword = this.#keyword;
    const base = { span: this.#line.span, keywordSpan: this.#keywordSpan };
    if (keyword === "RUN" || keyword === "ONBUILD" || keyword === "HEALTHCHECK" || keyword === "SHELL") {
      const { code, hint } = refusals[keyword];
      this.#report(code, `Cannot use ${keyword}: ${codes[code].title.replace(`${keyword} `, "it ")}`, {
        span: this.#keywordSpan,
        hint,
      });
      return { kind: keyword, ...base, rest: this.#text(this.#range) };
    }
    const flags = readFlags(
      keyword,
      this.#source,
      this.#range,
      flagTables[keyword] ?? {},
      this.#escape,
      this.#diagnostics,
    );
    const { rest } = flags;
    if (rest.start >= rest.end) {
      const what = keyword === "COPY" || keyword === "ADD" ? "a source and a destination" : "an argument";
      this.#report("BIMA009", `Cannot use ${keyword}: expected ${what}, found nothing`, {
        span: this.#keywordSpan,
        hint: `write ${usage[keyword]}`,
      });
      return undefined;
    }
    switch (keyword) {
      case "FROM":
        return this.#from(flags);
      case "ARG":
        return { kind: keyword, ...base, definitions: this.#definitions(rest) };
      case "ENV":
      case "LABEL":
        return { kind: keyword, ...base, pairs: this.#pairs(rest) };
      case "COPY":
      case "ADD": {
        const escape = this.#escape;
        const parts = readSources({ keyword, line: this.#line, rest, flags, escape }, this.#diagnostics);
        return parts === undefined ? undefined : { kind: keyword, ...base, ...parts };
      }
      case "WORKDIR":
      case "USER":
      case "STOPSIGNAL":
        return { kind: keyword, ...base, value: this.#word(rest) };
      case "MAINTAINER":
        this.#report("BIMA066", "MAINTAINER is deprecated", {
          span: this.#keywordSpan,
          hint: "write LABEL org.opencontainers.image.authors=…",
        });
        return { kind: keyword, ...base, name: this.#text(rest) };
      case "CMD":
      case "ENTRYPOINT": {
        const array = readJsonArray(keyword, this.#source, rest, this.#diagnostics);
        if (array.kind === "broken") return undefined;
        const command = array.kind === "array"
          ? {
            form: "exec",
            args: array.elements.map(({ source, span }) => ({ text: source.text, span })),
          } as const
          : { form: "shell", line: this.#text(rest) } as const;
        return { kind: keyword, ...base, command };
      }
      case "EXPOSE":
        return { kind: keyword, ...base, values: this.#blankSeparated(rest) };
      case "VOLUME": {
        const values = this.#listOrJson(rest);
        return values === undefined ? undefined : { kind: keyword, ...base, values };
      }
    }
  }

  #from({ rest, texts }: Flags): Instruction | undefined {
    const ranges = splitBlanks(this.#source, rest);
    const [image, as, name, extra] = ranges;
    const isAs = as === undefined || this.#slice(as).toUpperCase() === "AS";
    const odd = !isAs ? as : as !== undefined && name === undefined ? as : extra;
    if (image === undefined || odd !== undefined) {
      const what = odd === undefined ? "nothing" : `"${this.#slice(odd)}"`;
      const span = odd === undefined ? this.#keywordSpan : this.#source.span(odd.start, odd.end);
      this.#report("BIMA010", `Cannot use FROM: expected IMAGE or IMAGE AS NAME, found ${what}`, {
        span,
        hint: "write FROM scratch or FROM scratch AS name",
      });
      return undefined;
    }
    const platform = texts.get("platform");
    const stage = name === undefined ? undefined : this.#stageName(name);
    return {
      kind: "FROM",
      span: this.#line.span,
      keywordSpan: this.#keywordSpan,
      image: this.#word(image),
      ...(stage === undefined ? {} : { name: stage }),
      ...(platform === undefined ? {} : { platform }),
    };
  }

  #stageName(range: Range): Text {
    const text = this.#slice(range).toLowerCase();
    const span = this.#source.span(range.start, range.end);
    if (!/^[a-z][a-z0-9_.-]*$/.test(text)) {
      const message = `Cannot use stage name "${text}": expected a letter, then letters, digits, _ . or -`;
      this.#report("BIMA015", message, { span, hint: "for example FROM scratch AS kernel" });
    } else if (text === "scratch" || text === "context") {
      const message = `Stage name "${text}" is reserved: nothing can refer to this stage by it`;
      this.#report("BIMA069", message, { span, hint: "choose another name" });
    }
    return { text, span };
  }

  #definitions(rest: Range): ArgDefinition[] {
    return splitQuoted(this.#source, rest, this.#escape).map((range) => {
      const { key, value } = this.#splitPair(range);
      return value === undefined ? { key } : { key, value };
    });
  }

  #pairs(rest: Range): Pair[] {
    const ranges = splitQuoted(this.#source, rest, this.#escape);
    const [first] = ranges;
    if (first !== undefined && !this.#slice(first).includes("=")) return this.#legacyPair(rest);
    return ranges.map((range) => {
      const { key, value } = this.#splitPair(range);
      if (value !== undefined) return { key, value };
      this.#report(
        "BIMA014",
        `Cannot read "${shorten(this.#slice(range))}": expected name=value, found no =`,
        {
          span: key.span,
          hint: "put quotes around a value with blanks, or = between name and value",
        },
      );
      return { key, value: literal("", key.span) };
    });
  }

  /** `LABEL key some value`: the value is all that follows the first blanks. */
  #legacyPair(rest: Range): Pair[] {
    const { text } = this.#source;
    let end = rest.start;
    while (end < rest.end && !isBlank(text[end])) end++;
    const keyRange = { start: rest.start, end };
    const valueRange = { start: skipBlanks(text, end, rest.end), end: rest.end };
    const key = this.#word(keyRange);
    if (valueRange.start >= valueRange.end) {
      const name = shorten(this.#slice(keyRange));
      this.#report("BIMA009", `Cannot use ${this.#keyword} "${name}": its value is missing`, {
        span: key.span,
        hint: `write ${this.#keyword} ${name}=value`,
      });
    } else {
      this.#report("BIMA061", `${this.#keyword} without = sets one name to all of the rest`, {
        span: this.#source.span(rest.start, rest.end),
        hint: `write ${this.#keyword} ${shorten(this.#slice(keyRange))}="…"`,
      });
    }
    return [{ key, value: this.#word(valueRange) }];
  }

  /** Splits at the first `=` that no quotes enclose. */
  #splitPair(range: Range): { key: Word; value?: Word } {
    const at = endOfQuotedWord(this.#source.text, range.start, range.end, this.#escape, "=");
    const key = this.#word({ start: range.start, end: at });
    if (key.parts.length === 0) {
      this.#report("BIMA014", `Cannot use ${this.#keyword}: expected a name before =, found nothing`, {
        span: this.#source.span(range.start, Math.min(at + 1, range.end)),
        hint: `write ${usage[this.#keyword]}`,
      });
    }
    return at < range.end ? { key, value: this.#word({ start: at + 1, end: range.end }) } : { key };
  }

  #listOrJson(rest: Range): Word[] | undefined {
    const array = readJsonArray(this.#keyword, this.#source, rest, this.#diagnostics);
    if (array.kind === "broken") return undefined;
    if (array.kind === "none") return this.#blankSeparated(rest);
    const words = array.elements.map(({ source, span }) => {
      const range = { start: 0, end: source.text.length };
      const { parts } = lexWord(source, range, { escape: this.#escape }, this.#diagnostics);
      return { parts, span };
    });
    if (words.length > 0) return words;
    this.#report("BIMA009", `Cannot use ${this.#keyword}: its array is empty`, {
      span: this.#source.span(rest.start, rest.end),
      hint: `write ${usage[this.#keyword]}`,
    });
    return undefined;
  }

  #blankSeparated(rest: Range): Word[] {
    return splitBlanks(this.#source, rest).map((range) => this.#word(range));
  }

  #word(range: Range): Word {
    return lexWord(this.#source, range, { escape: this.#escape }, this.#diagnostics);
  }

  #text({ start, end }: Range): Text {
    return { text: this.#source.text.slice(start, end), span: this.#source.span(start, end) };
  }

  #slice({ start, end }: Range): string {
    return this.#source.text.slice(start, end);
  }

  #report(code: Code, message: string, { span, hint }: { span: Span; hint: string }): void {
    this.#diagnostics.push(finding(code, message, span, hint));
  }
}

/** How each instruction is written, for hints. */
export const usage: Readonly<Record<Keyword, string>> = {
  FROM: "FROM scratch",
  RUN: "RUN command",
  CMD: 'CMD ["first", "second"]',
  LABEL: "LABEL key=value",
  MAINTAINER: "MAINTAINER name",
  EXPOSE: "EXPOSE 80/tcp",
  ENV: "ENV name=value",
  ADD: "COPY source destination",
  COPY: "COPY source destination",
  ENTRYPOINT: 'ENTRYPOINT ["first", "second"]',
  VOLUME: "VOLUME /path",
  USER: "USER user:group",
  WORKDIR: "WORKDIR /path",
  ARG: "ARG name=default",
  ONBUILD: "ONBUILD instruction",
  STOPSIGNAL: "STOPSIGNAL SIGTERM",
  HEALTHCHECK: "HEALTHCHECK NONE",
  SHELL: 'SHELL ["/bin/sh", "-c"]',
};

/** A text that fits into a message. */
export function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
