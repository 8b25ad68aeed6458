/**
 * `--chmod`: octal, or symbolic as `chmod` takes it (POSIX, "chmod", extended description).
 *
 * @module
 */

/** Turns the permission bits of a node into others. */
export type ModeChange = (mode: number, isDirectory: boolean) => number;

const clause = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/;

/**
 * @param text `644`, `0755`, `u+x,go-w`, `a=rX`
 * @returns the change, or `undefined` when the text is neither form
 */
export function parseMode(text: string): ModeChange | undefined {
  if (/^0*[0-7]{1,4}$/.test(text)) {
    const mode = parseInt(text, 8);
    return () => mode;
  }
  const changes: ((mode: number, before: ModeBefore) => number)[] = [];
  for (const part of text.split(",")) {
    const match = clause.exec(part);
    if (match === null) return undefined;
    const [, who = "", actions = ""] = match;
    for (const [, operator = "", permissions = ""] of actions.matchAll(/([-+=])([^-+=]*)/g)) {
      changes.push((mode, before) => change(mode, before, { who: who || "a", operator, permissions }));
    }
  }
  return (mode, isDirectory) => {
    const before = { runs: isDirectory || (mode & 0o111) !== 0 };
    return changes.reduce((bits, apply) => apply(bits, before), mode);
  };
}

/** The shift of each class in the permission bits, and its special bit. */
const classes = {
  u: { shift: 6, special: 0o4000 },
  g: { shift: 3, special: 0o2000 },
  o: { shift: 0, special: 0o1000 },
};

/** What is decided by the mode as it was before the first change. */
interface ModeBefore {
  /** Whether `X` means `x`: a directory, or executable by somebody. */
  readonly runs: boolean;
}

interface Action {
  readonly who: string;
  readonly operator: string;
  readonly permissions: string;
}

function change(mode: number, before: ModeBefore, { who, operator, permissions }: Action): number {
  const chosen = (["u", "g", "o"] as const).filter((name) => who.includes(name) || who.includes("a"));
  let bits = 0;
  let mask = 0;
  for (const name of chosen) {
    const { shift, special } = classes[name];
    bits |= permissionBits(mode, before, permissions) << shift;
    // The sticky bit goes only when it is named, as on BSD.
    mask |= (0o7 << shift) | (name === "o" ? 0 : special);
    if (permissions.includes("s") && name !== "o") bits |= special;
  }
  if (permissions.includes("t") && (who.includes("a") || who.includes("o"))) bits |= classes.o.special;
  if (operator === "+") return mode | bits;
  if (operator === "-") return mode & ~bits;
  return (mode & ~mask) | bits;
}

/** The three bits that the letters mean; `u`, `g` and `o` copy those of another class. */
function permissionBits(mode: number, { runs }: ModeBefore, permissions: string): number {
  if (permissions === "u" || permissions === "g" || permissions === "o") {
    return (mode >> classes[permissions].shift) & 0o7;
  }
  const executes = permissions.includes("x") || (permissions.includes("X") && runs);
  return (permissions.includes("r") ? 4 : 0) | (permissions.includes("w") ? 2 : 0) | (executes ? 1 : 0);
}
