/**
 * The forms of `--chown` and `--chmod`.
 *
 * @module
 */

/** The largest number of a user or group; the one above it means "no change" to Linux. */
const largestId = 0xfffffffe;

/** @returns whether the text is `user`, `user:group` or their numbers */
export function isOwner(text: string): boolean {
  const parts = text.split(":");
  return parts.length <= 2 &&
    parts.every((part) =>
      /^[0-9]+$/.test(part) ? Number(part) <= largestId : /^[A-Za-z_][A-Za-z0-9_.-]*\$?$/.test(part)
    );
}

/** @returns whether the text is an octal mode up to 7777 or a symbolic one such as `u=rwX,go-w` */
export function isMode(text: string): boolean {
  if (/^[0-9]+$/.test(text)) return /^0*[0-7]{1,4}$/.test(text);
  return /^[ugoa]*([-+=]([rwxXst]*|[ugo]))+(,[ugoa]*([-+=]([rwxXst]*|[ugo]))+)*$/.test(text);
}
