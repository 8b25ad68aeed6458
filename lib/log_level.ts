/**
 * How much is said.
 *
 * @module
 */

/** The levels of `BIMA_LOG`, the most talkative first. */
export const logLevels = ["trace", "debug", "info", "warn", "error"] as const;

/** One of {@linkcode logLevels}. */
export type LogLevel = typeof logLevels[number];

/** Other names of levels, which users of earlier versions have in their scripts. */
export const logLevelAliases: Readonly<Record<string, LogLevel>> = {
  warning: "warn",
  fatal: "error",
  panic: "error",
};
