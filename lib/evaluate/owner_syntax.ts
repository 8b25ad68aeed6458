/**
 * How USER and `--chown` are written; whether a name exists only the image can tell.
 *
 * @module
 */

/** The largest number of a user or group; the one above it means "no change" to Linux. */
const largestId = 0xfffffffe;

/** @returns whether the text is `user` or `user:group`, each a name or a number */
export function isOwner(text: string): boolean {
  const parts = text.split(":");
  return parts.length <= 2 &&
    parts.every((part) =>
      /^[0-9]+$/.test(part) ? Number(part) <= largestId : /^[A-Za-z_][A-Za-z0-9_.-]*\$?$/.test(part)
    );
}
