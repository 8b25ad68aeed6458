/**
 * What people see of a build, on stderr: lines, and on a terminal a line that moves.
 *
 * @module
 */
import { format } from "@std/fmt/bytes";
import type { ContainerdEvent } from "./containerd.ts";
import { type LogLevel, logLevels } from "./log_level.ts";
import { formatPlatform } from "./platform.ts";
import type { BuildEvent, ProgressListener } from "./progress.ts";

/** What {@linkcode createTerminal} shows, and how. */
export interface TerminalOptions {
  /** Takes the text. */
  readonly write: (text: string) => void;
  /** What is less important than this is not shown. */
  readonly level: LogLevel;
  /** Whether a line may be written over. */
  readonly interactive: boolean;
}

/** Shows a build. */
export interface Terminal {
  /** Listens to the build. */
  readonly listener: ProgressListener;
  /** Writes a line of the given importance. */
  log(level: LogLevel, text: string): void;
  /** Takes the moving line away. */
  clear(): void;
}

/** How often the moving line moves, in milliseconds. */
const interval = 100;

/** @returns a terminal; on an interactive one the steps are shown even though they are only worth `info` */
export function createTerminal({ write, level, interactive }: TerminalOptions): Terminal {
  let moving = false;
  let shownAt = 0;
  let layer = { count: 0, index: 0, size: 0, done: 0, title: "" };
  const clear = (): void => {
    if (moving) write("\r\x1b[2K");
    moving = false;
  };
  const log = (importance: LogLevel, text: string): void => {
    if (logLevels.indexOf(importance) < logLevels.indexOf(level)) return;
    clear();
    write(`${text}\n`);
  };
  const steps = interactive && level === "warn" ? "warn" : "info";
  const move = (): void => {
    const now = Date.now();
    if (!interactive || level === "error" || now - shownAt < interval) return;
    shownAt = now;
    const share = layer.size === 0 ? 100 : Math.min(100, Math.floor(100 * layer.done / layer.size));
    const text = `${position(layer)} ${short(layer.title, 40)} ${bytes(layer.done)} of ${
      bytes(layer.size)
    }, ${share} %`;
    write(`\r\x1b[2K${text}`);
    moving = true;
  };
  const listener = (event: BuildEvent): void => {
    switch (event.kind) {
      case "warning":
        return log("warn", event.text);
      case "planned":
        layer = { ...layer, count: event.layers };
        return log("debug", `planned ${event.layers} layers for ${formatPlatform(event.platform)}`);
      case "layer":
        layer = { ...layer, index: event.index, size: event.size, done: 0, title: event.title };
        return move();
      case "bytes":
        layer.done += event.count;
        return move();
      case "written": {
        const { digest, size } = event.descriptor;
        const how = event.reused ? "unchanged, used again" : `${bytes(layer.size)} -> ${bytes(size)}`;
        return log(steps, `${position(layer)} ${short(layer.title, 60)}  ${how}  ${digest.slice(0, 19)}`);
      }
      case "finishing":
        return log("debug", "writing config and manifest");
      case "containerd":
        return log("debug", describe(event.event));
    }
  };
  return { listener, log, clear };
}

/** @returns a size for people, in powers of 1024 */
export function bytes(count: number): string {
  return format(count, { binary: true, maximumFractionDigits: 1 });
}

function position({ index, count }: { readonly index: number; readonly count: number }): string {
  return `[${index + 1}/${count}]`;
}

function short(text: string, width: number): string {
  // Instructions can hold anything; a terminal must not be told anything by them.
  // deno-lint-ignore no-control-regex -- control characters are what is looked for.
  const plain = text.replace(/[\x00-\x1f\x7f-\x9f]+/g, " ");
  return plain.length <= width ? plain : `${plain.slice(0, width - 1)}…`;
}

function describe(event: ContainerdEvent): string {
  switch (event.kind) {
    case "connected":
      return `connected to containerd ${event.version}`;
    case "locked":
      return `somebody else writes ${event.ref}, waiting`;
    case "present":
      return `${event.digest} is there already`;
    case "unpacked":
      return `${event.present ? "was unpacked already" : "unpacked"}: ${event.digest}`;
    case "leftover":
      return `could not take back lease ${event.lease}, containerd drops it within a day`;
  }
}
