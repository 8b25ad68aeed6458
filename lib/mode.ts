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
  if (/^[0-7]{1,5}$/.test(text)) {
    const mode = parseInt(text, 8);
    return mode > 0o7777 ? undefined : () => mode;
  }
  const changes: ModeChange[] = [];
  for (const part of text.split(",")) {
    const match = clause.exec(part);
    if (match === null) return undefined;
    const [, who = "", actions = ""] = match;
    for (const [, operator = "", permissions = ""] of actions.matchAll(/([-+=])([^-+=]*)/g)) {
      changes.push((mode, isDirectory) => change(mode, isDirectory, who || "a", operator, permissions));
    }
  }
  return (mode, isDirectory) => changes.reduce((bits, apply) => apply(bits, isDirectory), mode);
}

/** The shift of each class in the permission bits, and its special bit. */
const classes = {
  u: { shift: 6, special: 0o4000 },
  g: { shift: 3, special: 0o2000 },
  o: { shift: 0, special: 0o1000 },
};

function change(
  mode: number,
  isDirectory: boolean,
  who: string,
  operator: string,
  permissions: string,
): number {
  const chosen = (["u", "g", "o"] as const).filter((name) => who.includes(name) || who.includes("a"));
  let bits = 0;
  let mask = 0;
  for (const name of chosen) {
    const { shift, special } = classes[name];
    bits |= permissionBits(mode, isDirectory, permissions) << shift;
    mask |= (0o7 << shift) | (name === "o" ? 0 : special);
    if (permissions.includes("s") && name !== "o") bits |= special;
  }
  if (permissions.includes("t") && (who.includes("a") || who.includes("o"))) bits |= classes.o.special;
  if (operator === "+") return mode | bits;
  if (operator === "-") return mode & ~bits;
  return (mode & ~mask) | bits;
}

/** The three bits that the letters mean; `u`, `g` and `o` copy those of another class. */
function permissionBits(mode: number, isDirectory: boolean, permissions: string): number {
  if (permissions === "u" || permissions === "g" || permissions === "o") {
    return (mode >> classes[permissions].shift) & 0o7;
  }
  const runs = permissions.includes("x") ||
    (permissions.includes("X") && (isDirectory || (mode & 0o111) !== 0));
  return (permissions.includes("r") ? 4 : 0) | (permissions.includes("w") ? 2 : 0) | (runs ? 1 : 0);
}
