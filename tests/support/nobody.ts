/**
 * Rights that root does not feel the lack of.
 *
 * @module
 */
import process from "node:process";

/** The user id of nobody. */
const nobody = 65534;

/**
 * Runs something without root's rights. Tests run one after the other, so nothing else feels it.
 *
 * @param work what to run
 * @returns what it returns
 */
export async function asNobody<T>(work: () => T | Promise<T>): Promise<T> {
  const before = process.geteuid?.() ?? 0;
  if (before !== 0) return await work();
  process.seteuid?.(nobody);
  try {
    return await work();
  } finally {
    process.seteuid?.(before);
  }
}
