/**
 * Containerfiles for property tests: generated ones of every form, and hand-written ones to be mutated.
 *
 * @module
 */
import fc from "fast-check";
import type { Containerfile, Instruction } from "../../lib/parse/instruction.ts";
import type { Part, Word } from "../../lib/parse/words.ts";

const nowhere = { start: { line: 1, column: 1 }, end: { line: 1, column: 1 } };
const base = { span: nowhere, keywordSpan: nowhere };

/** One line of anything that an editor can write: quotes, blanks, escapes, characters outside of ASCII. */
const lineText = fc.string({
  unit: fc.constantFrom(..."ab/.:=$\"'\\`{}[]<>#*?- \téß日🦀"),
  minLength: 1,
  maxLength: 8,
});
const solidText = fc.string({
  unit: fc.constantFrom(..."ab/.:=$\"'\\`{}[]<>#*?-é🦀"),
  minLength: 1,
  maxLength: 8,
});
/** For JSON strings: line ends and other control characters too. */
const anyText = fc.string({
  unit: fc.constantFrom(..."ab/$\"'\\ \n\r\t\u0001é🦀"),
  minLength: 1,
  maxLength: 8,
});
const patternText = fc.stringMatching(/^[a-z.][a-z.*?]{0,4}$/);
const name = fc.oneof(fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,5}$/), fc.constantFrom("1", "@", "été"));

/** A word whose texts are of one kind; `quotable` tells whether variables in double quotes are allowed. */
function word(text: fc.Arbitrary<string>, quotable = true): fc.Arbitrary<Word> {
  const { parts } = fc.letrec<{ parts: Part[]; part: Part; inner: Part[]; innerPart: Part }>((tie) => ({
    parts: fc.array(tie("part"), { maxLength: 4 }).map(joined),
    inner: fc.array(tie("innerPart"), { maxLength: 2 }).map(joined),
    innerPart: part(text, fc.constant(false), tie("inner")),
    part: part(text, quotable ? fc.boolean() : fc.constant(false), tie("inner")),
  }));
  return parts.map((parts) => ({ parts, span: nowhere }));
}

function part(
  text: fc.Arbitrary<string>,
  quoted: fc.Arbitrary<boolean>,
  inner: fc.Arbitrary<Part[]>,
): fc.Arbitrary<Part> {
  const common = { kind: fc.constant("variable" as const), name, quoted, span: fc.constant(nowhere) };
  const pattern = patternText.map((text): Part[] => [{ kind: "text", text }]);
  const slash = fc.constantFrom("/" as const, "//" as const);
  return fc.oneof(
    { weight: 6, arbitrary: text.map((text): Part => ({ kind: "text", text })) },
    { weight: 3, arbitrary: fc.record(common) },
    {
      weight: 1,
      arbitrary: fc.record({
        ...common,
        operator: fc.constantFrom(
          ":-" as const,
          ":+" as const,
          ":?" as const,
          "-" as const,
          "+" as const,
          "?" as const,
        ),
        operand: inner,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        ...common,
        operator: fc.constantFrom("#" as const, "##" as const, "%" as const, "%%" as const),
        operand: pattern,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ ...common, operator: slash, operand: pattern, replacement: pattern }),
    },
  );
}

/** Two texts in a row are one; that is how the parser has them. */
function joined(parts: readonly Part[]): Part[] {
  const out: Part[] = [];
  for (const part of parts) {
    const last = out.at(-1);
    if (part.kind === "text" && last?.kind === "text") {
      out[out.length - 1] = { kind: "text", text: last.text + part.text };
    } else out.push(part);
  }
  return out;
}

const filled = (word: fc.Arbitrary<Word>) => word.filter(({ parts }) => parts.length > 0);
const flag = <Value>(value: fc.Arbitrary<Value>) => value.map((value) => ({ value, span: nowhere }));
const inLine = word(lineText);
const solid = word(solidText);
const inJson = word(anyText);
/** The old form is told from the new one by the first `=`, so a pattern, which cannot be escaped, has none. */
const key = filled(inLine);

/** A line as it stands after CMD or RUN: no blanks around it, no array, no continuation. */
const rawLine = fc.string({ unit: fc.constantFrom(..."ab $\"'=-#<"), minLength: 1, maxLength: 12 })
  .map((text) => text.trim()).filter((text) => text !== "" && !text.includes("<<"));
const text = rawLine.map((text) => ({ text, span: nowhere }));

const heredoc = fc.record({
  kind: fc.constant("heredoc" as const),
  name: fc.constantFrom("EOF", "X", "END_1"),
  content: word(fc.string({ unit: fc.constantFrom(..."ab $\\\"'#\n\t"), minLength: 1, maxLength: 10 }), false)
    .map(({ parts, span }) => ({ parts: joined([...parts, { kind: "text", text: "\n" } as Part]), span })),
  span: fc.constant(nowhere),
});
const path = (of: fc.Arbitrary<Word>) => fc.record({ kind: fc.constant("path" as const), path: of });

const copyFlags = fc.record({
  chown: flag(inLine),
  chmod: flag(inLine),
  link: flag(fc.boolean()),
}, { requiredKeys: [] });
const exclude = fc.array(flag(inLine), { maxLength: 2 });
const copyBody = fc.oneof(
  fc.record({ sources: fc.array(path(inJson), { minLength: 1, maxLength: 3 }), destination: inJson }),
  fc.record({
    sources: fc.array(fc.oneof(path(word(fc.stringMatching(/^[a-z<[/-]{1,6}$/), false)), heredoc), {
      minLength: 1,
      maxLength: 3,
    }),
    destination: filled(word(fc.stringMatching(/^[a-z<[/-]{1,6}$/), false)),
  }).filter(({ sources, destination }) => {
    const words = [...sources.flatMap((source) => source.kind === "path" ? source.path : []), destination];
    return !JSON.stringify(words).includes(" ");
  }),
);

const instruction: fc.Arbitrary<Instruction> = fc.oneof(
  fc.record({
    image: solid,
    name: fc.option(fc.stringMatching(/^[a-z][a-z0-9_.-]{0,4}$/)),
    platform: fc.option(solid),
  })
    .map(({ image, name, platform }): Instruction => ({
      kind: "FROM",
      ...base,
      image,
      ...(name === null ? {} : { name: { text: name, span: nowhere } }),
      ...(platform === null ? {} : { platform: { value: platform, span: nowhere } }),
    })),
  fc.array(fc.record({ key, value: inLine }, { requiredKeys: ["key"] }), { minLength: 1, maxLength: 3 })
    .map((definitions): Instruction => ({ kind: "ARG", ...base, definitions })),
  fc.record({
    kind: fc.constantFrom("ENV" as const, "LABEL" as const),
    pairs: fc.array(fc.record({ key, value: inLine }), { minLength: 1, maxLength: 3 }),
  }).map((pairs): Instruction => ({ ...base, ...pairs })),
  fc.tuple(
    copyFlags,
    exclude,
    copyBody,
    fc.oneof(
      fc.record({ kind: fc.constant("COPY" as const), from: flag(inLine), parents: flag(fc.boolean()) }, {
        requiredKeys: ["kind"],
      }),
      fc.record({ kind: fc.constant("ADD" as const), unpack: flag(fc.boolean()) }, {
        requiredKeys: ["kind"],
      }),
    ),
  ).map(([flags, exclude, body, rest]): Instruction => ({ ...base, ...flags, exclude, ...body, ...rest })),
  fc.record({
    kind: fc.constantFrom("WORKDIR" as const, "USER" as const, "STOPSIGNAL" as const),
    value: inLine,
  }).map((value): Instruction => ({ ...base, ...value })),
  fc.record({
    kind: fc.constantFrom("CMD" as const, "ENTRYPOINT" as const),
    command: fc.oneof(
      fc.record({
        form: fc.constant("exec" as const),
        args: fc.array(anyText.map((text) => ({ text, span: nowhere })), { maxLength: 3 }),
      }),
      fc.record({ form: fc.constant("shell" as const), line: text }),
    ),
  }).map((command): Instruction => ({ ...base, ...command })),
  fc.array(solid, { minLength: 1, maxLength: 3 }).map((values): Instruction => ({
    kind: "EXPOSE",
    ...base,
    values,
  })),
  fc.array(inJson, { minLength: 1, maxLength: 3 }).map((values): Instruction => ({
    kind: "VOLUME",
    ...base,
    values,
  })),
  text.map((name): Instruction => ({ kind: "MAINTAINER", ...base, name })),
  fc.record({
    kind: fc.constantFrom("RUN" as const, "ONBUILD" as const, "HEALTHCHECK" as const, "SHELL" as const),
    rest: text,
  }).map((rest): Instruction => ({ ...base, ...rest })),
);

/** Containerfiles that need not make sense, of all that the types allow. */
export const containerfiles: fc.Arbitrary<Containerfile> = fc.record({
  directives: fc.record({
    escape: fc.constantFrom("\\" as const, "`" as const),
    syntax: fc.stringMatching(/^[a-z][a-z/:]{0,8}$/),
    check: fc.stringMatching(/^[a-z][a-z=;,]{0,8}$/),
  }, { requiredKeys: ["escape"] }),
  instructions: fc.array(instruction, { maxLength: 6 }),
  diagnostics: fc.constant([]),
});

/** Hand-written files that together use every part of the language. */
export const corpus: readonly string[] = [
  "FROM scratch\nCOPY kernel /unikernel/kernel\nLABEL com.urunc.unikernel.binary=/unikernel/kernel\n",
  "# syntax=docker/dockerfile:1\n# escape=`\nARG A=1\nFROM scratch AS one\nLABEL a=`\n  # note\n\n  \"b c\" d='e $f'\n",
  "FROM scratch AS a\nCOPY <<EOF <<-'B C' /x/\none $A \\$B ${C:-d}\nEOF\n\ttwo\n\tB\nEOF\nFROM a\nCOPY --from=a / /\n",
  'from scratch\r\nENV a=${b:-${c:+"d e"}} f ${g#h*} \r\ncmd ["x", "\\u00e9\\n"]\r\nEntrypoint ["y"]\r\nEXPOSE 80-90/udp\r\n',
  'FROM scratch\nLABEL k some "old value"\nENV x y z\nVOLUME ["/a", "/b c"]\nUSER 1:2\nSTOPSIGNAL SIGRTMIN+3\nMAINTAINER me\n',
  'FROM alpine\nRUN <<EOF cat > x\nfoo\nEOF\nONBUILD COPY a b\nHEALTHCHECK NONE\nSHELL ["a"]\nADD http://x/y /z\nCPOY a b\n',
  "FROM scratch\nCOPY --chown=1:2 --chmod=u=rwX,go-w --exclude=*.o --exclude=b --parents --link a[1-3] ../b* c/\nWORKDIR a\nWORKDIR ../b\n",
  "\uFEFFARG V\nFROM ${V:?no version} AS x\nARG TARGETARCH V\nCOPY $TARGETARCH ${V/a/b} ${V//?/c} ${V%%x*} /d/\n",
];
