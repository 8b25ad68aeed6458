/**
 * The command line: what there is, and how its words become values. Prints nothing and knows no defaults of the
 * library.
 *
 * @module
 */
import { UsageError } from "./errors.ts";
import { nearest } from "./nearest.ts";

/** An option of a command. */
export interface OptionInfo {
  /** Its long name, without dashes. */
  readonly name: string;
  /** Other names, short ones among them. */
  readonly aliases?: readonly string[];
  /** What its value is called in the help; absent for a switch. */
  readonly value?: string;
  /** Whether it may be given more than once. Default: false. */
  readonly many?: boolean;
  /** The environment variable that stands in for it. */
  readonly env?: string;
  /** What the help says; the default stands at the end. */
  readonly text: string;
}

/** The options of `bima build`, in the order of the help. */
export const buildOptions = [
  {
    name: "tag",
    aliases: ["t"],
    value: "NAME",
    many: true,
    text: "name of the image, name[:tag]; may be given again for more names (required)",
  },
  {
    name: "file",
    aliases: ["f"],
    value: "CONTAINERFILE",
    text:
      'the Containerfile, relative to the working directory; - is stdin (default: "./Containerfile", else Dockerfile, else those of CONTEXT)',
  },
  {
    name: "output",
    aliases: ["out", "o"],
    value: "OUTPUT",
    text: 'where the image goes: ctr, tar, or type=tar,dest=PATH with - for stdout (default: "ctr")',
  },
  { name: "tar", text: "short for --output=tar: a tar in the working directory, named after the tag" },
  {
    name: "namespace",
    aliases: ["n"],
    value: "NAMESPACE",
    env: "CONTAINERD_NAMESPACE",
    text: 'containerd namespace (default: "default")',
  },
  {
    name: "address",
    aliases: ["a"],
    value: "ADDRESS",
    env: "CONTAINERD_ADDRESS",
    text: 'containerd socket (default: "/run/containerd/containerd.sock")',
  },
  {
    name: "snapshotter",
    value: "SNAPSHOTTER",
    env: "CONTAINERD_SNAPSHOTTER",
    text: "containerd snapshotter to unpack with (default: the namespace's own, else overlayfs)",
  },
  { name: "no-unpack", text: "import into containerd without unpacking" },
  {
    name: "unpack-by",
    value: "WHO",
    text: "bima, which leaves to containerd what it cannot do, or containerd (default: bima)",
  },
  { name: "timeout", value: "SECONDS", text: "how long connecting to containerd may take (default: 10)" },
  {
    name: "platform",
    value: "PLATFORM",
    text: "os/architecture[/variant] (default: what the unikernel's binary says)",
  },
  { name: "target", value: "STAGE", text: "stage to build (default: the last one)" },
  {
    name: "build-arg",
    value: "NAME=VALUE",
    many: true,
    text: "value for ARG; without =VALUE it comes from the environment",
  },
  { name: "label", value: "KEY=VALUE", many: true, text: "label that wins over those of the Containerfile" },
  {
    name: "annotation",
    value: "KEY=VALUE",
    many: true,
    text: "annotation of the manifest besides the labels",
  },
  { name: "compression-level", value: "LEVEL", text: "gzip level, 1 (fast) to 9 (small) (default: 6)" },
  { name: "strict", text: "warnings stop the build" },
  { name: "quiet", aliases: ["q"], text: "no progress and no warnings" },
  { name: "help", aliases: ["h"], text: "show this help" },
] as const satisfies readonly OptionInfo[];

/** The name of an option of `bima build`. */
export type OptionName = typeof buildOptions[number]["name"];

/** What stood on a command line. */
export interface CommandLine<Name extends string = OptionName> {
  /** The arguments that are no options. */
  readonly positional: readonly string[];
  /** @returns whether a switch is on */
  has(name: Name): boolean;
  /** @returns the last value of an option, else that of its environment variable unless that is empty */
  value(name: Name): string | undefined;
  /** @returns all values of an option, in order */
  values(name: Name): readonly string[];
}

/**
 * Reads the words after the command. Options and arguments may be mixed; `--` ends the options; every name may have
 * one dash as well as two, as Go's flag package has it; the value of a short one may follow without a blank.
 *
 * @param words the words
 * @param options what there is
 * @param environment reads an environment variable
 * @returns what was given
 * @throws {UsageError} for an option that there is not, a value that is missing or one too many
 */
export function readCommandLine<Name extends string>(
  words: readonly string[],
  options: readonly (OptionInfo & { readonly name: Name })[],
  environment: (name: string) => string | undefined,
): CommandLine<Name> {
  const byName = new Map<string, OptionInfo>(
    options.flatMap((option) =>
      [option.name, ...option.aliases ?? []].map((name) => [name, option] as const)
    ),
  );
  const switches = new Map<string, boolean>();
  const given = new Map<string, string[]>();
  const positional: string[] = [];
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--") {
      positional.push(...rest);
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      positional.push(word);
      continue;
    }
    const { option, attached } = findOption(word, byName);
    if (option.value === undefined) {
      switches.set(option.name, attached === undefined || booleanOf(word, attached));
      continue;
    }
    const value = attached ?? rest.shift();
    if (value === undefined || value === "") {
      throw new UsageError(`Cannot use ${word.replace(/=$/, "")}: its value is missing`, {
        hint: `write --${option.name} ${option.value}`,
      });
    }
    given.set(option.name, [...given.get(option.name) ?? [], value]);
  }
  for (const { name, many = false } of options) {
    const values = given.get(name) ?? [];
    if (values.length > 1 && !many) {
      throw new UsageError(
        `Cannot use --${name} ${values.length} times: it was given "${values.join('" and "')}"`,
      );
    }
  }
  return {
    positional,
    has: (name) => switches.get(name) ?? false,
    values: (name) => given.get(name) ?? [],
    value: (name) => {
      const last = given.get(name)?.at(-1);
      if (last !== undefined) return last;
      const variable = byName.get(name)?.env;
      return (variable === undefined ? undefined : environment(variable)) || undefined;
    },
  };
}

function findOption(
  word: string,
  byName: ReadonlyMap<string, OptionInfo>,
): { readonly option: OptionInfo; readonly attached?: string } {
  const [, dashes = "", name = "", attached] = /^(--?)([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
  const whole = byName.get(name);
  if (whole !== undefined) {
    return { option: whole, ...(attached === undefined ? {} : { attached }) };
  }
  // -tNAME is -t NAME.
  const short = dashes === "-" ? byName.get(name.slice(0, 1)) : undefined;
  if (short?.value !== undefined) return { option: short, attached: word.slice(2) };
  const long = [...byName.keys()].filter((known) => known.length > 1);
  const near = nearest(name, long);
  throw new UsageError(`Cannot use ${dashes}${name}: there is no such option`, {
    hint: near === undefined ? "--help shows the options" : `did you mean --${near}?`,
  });
}

function booleanOf(word: string, text: string): boolean {
  if (/^(?:1|t|true)$/i.test(text)) return true;
  if (/^(?:0|f|false)$/i.test(text)) return false;
  throw new UsageError(`Cannot use ${word}: expected true or false after the =`);
}

/** @returns the lines of the help on options */
export function describeOptions(options: readonly OptionInfo[]): string[] {
  return options.flatMap(({ name, aliases = [], value, env, text }) => {
    const suffix = value === undefined ? "" : ` ${value}`;
    const names = [name, ...aliases].map((alias) => `${alias.length === 1 ? "-" : "--"}${alias}${suffix}`);
    const variable = env === undefined ? "" : ` [$${env}]`;
    return [`  ${names.join(", ")}`, `        ${text}${variable}`];
  });
}
