/**
 * How much is said.
 *
 * @module
 */

/** The levels of `BIMA_LOG`, the most talkative first. */
export const logLevels = ["trace", "debug", "info", "warn", "error"] as const;

/** One of {@linkcode logLevels}. */
export type LogLevel = typeof logLevels[number];
