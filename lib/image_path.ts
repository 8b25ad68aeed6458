/**
 * Paths inside an image.
 *
 * @module
 */
import { normalize } from "@std/path/posix";

/**
 * @param base an absolute path; @param path absolute, or relative to `base`
 * @returns the absolute, clean path: no `.`, `..`, `//` or trailing slash; nothing leaves `/`
 */
export function joinPath(base: string, path: string): string {
  const joined = normalize(path.startsWith("/") ? `/${path}` : `/${base}/${path}`);
  return joined.length > 1 && joined.endsWith("/") ? joined.slice(0, -1) : joined;
}

/** @returns whether a path can only mean a directory: it ends in `/`, or in an element `.` or `..` */
export function isDirectoryPath(path: string): boolean {
  return path === "" || /(^|\/)\.{0,2}$/.test(path);
}
