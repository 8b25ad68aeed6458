/**
 * What people see of a build, on stderr: lines, and on a terminal a line that moves.
 *
 * @module
 */
import type { ContainerdEvent } from "./containerd.ts";
import { messageOf } from "./errors.ts";
import { type LogLevel, logLevels } from "./log_level.ts";
import type { Descriptor } from "./oci.ts";
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
  /** The width of the terminal in characters; 0 when it does not know. Default: 80. */
  readonly columns?: number;
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

/** A layer on its way. */
interface Moving {
  readonly title: string;
  /** Of its files, in bytes. */
  readonly size: number;
  /** How much of its tar went by, in bytes. */
  done: number;
}

/** Makes a terminal. On an interactive one the steps are shown even though they are only worth `info`. */
export function createTerminal({ write, level, interactive, columns }: TerminalOptions): Terminal {
  const width = columns || 80;
  const layers = new Map<number, Moving>();
  let count = 0;
  let moving = false;
  let shownAt = 0;
  const clear = (): void => {
    if (moving) write("\r\x1b[2K");
    moving = false;
  };
  const log = (importance: LogLevel, text: string): void => {
    if (logLevels.indexOf(importance) < logLevels.indexOf(level)) return;
    clear();
    write(`${text}\n`);
  };
  const position = (index: number): string => `[${index + 1}/${count}]`;
  const steps = interactive && level === "warn" ? "warn" : "info";
  const move = (index: number): void => {
    const layer = layers.get(index);
    const now = Date.now();
    if (!interactive || layer === undefined || level === "error" || now - shownAt < interval) return;
    shownAt = now;
    const { title, size, done } = layer;
    const share = size === 0 ? 100 : Math.min(100, Math.floor(100 * done / size));
    const sums = ` ${bytes(Math.min(done, size))} of ${bytes(size)}, ${share} %`;
    const room = width - 2 - sums.length - position(index).length;
    // A line that wraps could not be taken away again.
    write(`\r\x1b[2K${`${position(index)} ${short(title, Math.max(room, 8))}${sums}`.slice(0, width - 1)}`);
    moving = true;
  };
  const written = (index: number, descriptor: Descriptor, reused: boolean): void => {
    const { title = "", size = 0 } = layers.get(index) ?? {};
    layers.delete(index);
    const how = reused ? "unchanged, used again" : `${bytes(size)} -> ${bytes(descriptor.size)}`;
    log(steps, `${position(index)} ${short(title, 60)}  ${how}  ${descriptor.digest.slice(0, 19)}`);
  };
  const listener = (event: BuildEvent): void => {
    switch (event.kind) {
      case "warning":
        return log("warn", event.text);
      case "planned":
        count = event.layers;
        return log("debug", `planned ${count} layers for ${formatPlatform(event.platform)}`);
      case "layer":
        layers.set(event.index, { title: event.title, size: event.size, done: 0 });
        return move(event.index);
      case "bytes": {
        const layer = layers.get(event.index);
        if (layer !== undefined) layer.done += event.count;
        return move(event.index);
      }
      case "written":
        return written(event.index, event.descriptor, event.reused);
      case "finishing":
        return log("debug", "writing config and manifest");
      case "containerd":
        return log("debug", describe(event.event));
    }
  };
  return { listener, log, clear };
}

/** The units of IEC 80000-13. */
const units = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** @returns a size for people, in powers of 1024 with one digit after the point, in every language the same */
export function bytes(count: number): string {
  let rest = count;
  let unit = 0;
  // What would be rounded to 1024 is one of the next unit.
  for (; rest >= 1023.95 && unit < units.length - 1; unit++) rest /= 1024;
  return `${Number(rest.toFixed(1))} ${units[unit]}`;
}

function short(text: string, width: number): string {
  // Instructions can hold anything; a terminal must not be told anything by them, nor turned around.
  const plain = [...text.replace(/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu, " ")];
  return plain.length <= width ? plain.join("") : `${plain.slice(0, width - 1).join("")}…`;
}

const unpackings = {
  present: "was unpacked already",
  written: "unpacked",
  applied: "unpacked by containerd",
} as const;

function describe(event: ContainerdEvent): string {
  switch (event.kind) {
    case "connected":
      return `connected to containerd ${event.version}`;
    case "locked":
      return `somebody else writes ${event.ref}, waiting`;
    case "present":
      return `${event.digest} is there already`;
    case "unpacked":
      return `${unpackings[event.how]}: ${event.digest}`;
    case "left":
      return `containerd unpacks the layers: ${messageOf(event.reason)}`;
    case "leftover":
      return `could not take back lease ${event.lease}, containerd drops it within a day`;
  }
}
