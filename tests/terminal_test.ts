/** What people see of a build. */
import { assert, assertEquals, assertNotMatch } from "@std/assert";
import type { Descriptor } from "../lib/oci.ts";
import { type LogLevel, logLevels } from "../lib/log_level.ts";
import type { BuildEvent } from "../lib/progress.ts";
import { bytes, createTerminal, type TerminalOptions } from "../lib/terminal.ts";

const descriptor: Descriptor = { mediaType: "x", digest: `sha256:${"ab".repeat(32)}`, size: 2048 };
const warning: BuildEvent = {
  kind: "warning",
  text: "Containerfile:1:1: warning[BIMA160]: odd",
  diagnostic: { code: "BIMA160", severity: "warning", message: "odd" },
};
const platform = { os: "linux", architecture: "amd64" };

const layer = (title: string, size = 4096, index = 0): BuildEvent => ({ kind: "layer", index, title, size });
const wrote = (index = 0, reused = false): BuildEvent => ({ kind: "written", index, descriptor, reused });
const passed = (count: number, index = 0): BuildEvent => ({ kind: "bytes", index, count });

const events: readonly BuildEvent[] = [
  warning,
  { kind: "planned", platform, layers: 2 },
  { kind: "containerd", event: { kind: "connected", version: "v1.6.20" } },
  layer("COPY kernel /kernel"),
  passed(1024),
  wrote(),
  layer("urunc.json", 10, 1),
  wrote(1, true),
  { kind: "finishing" },
];

/** Time stands still, or goes in steps of a second, while a test looks. */
function clock(step: number): Disposable {
  const real = Date.now;
  let now = 1_000_000;
  Date.now = () => now += step;
  return { [Symbol.dispose]: () => void (Date.now = real) };
}

/** @returns what a terminal wrote for these events, piece by piece */
function shown(some: readonly BuildEvent[], options: Partial<TerminalOptions> = {}, step = 1000): string[] {
  using _ = clock(step);
  const pieces: string[] = [];
  const write = (text: string): void => void pieces.push(text);
  const { listener } = createTerminal({ write, level: "warn", interactive: false, ...options });
  for (const event of some) listener(event);
  return pieces;
}

const first = "[1/2] COPY kernel /kernel  4 KiB -> 2 KiB  sha256:abababababab\n";
const second = "[2/2] urunc.json  unchanged, used again  sha256:abababababab\n";
const warned = `${"text" in warning ? warning.text : ""}\n`;

Deno.test("createTerminal() shows lines by their level when it is no terminal", () => {
  const lines: Readonly<Record<LogLevel, readonly string[]>> = {
    error: [],
    warn: [warned],
    info: [warned, first, second],
    debug: [
      warned,
      "planned 2 layers for linux/amd64\n",
      "connected to containerd v1.6.20\n",
      first,
      second,
      "writing config and manifest\n",
    ],
    trace: [],
  };
  for (const level of logLevels) {
    assertEquals(shown(events, { level }), [...lines[level === "trace" ? "debug" : level]], level);
  }
});

Deno.test("createTerminal() never writes a control sequence when it is no terminal", () => {
  for (const level of logLevels) assertNotMatch(shown(events, { level }).join(""), /[^\P{Cc}\n]/u);
});

const clear = "\r\x1b[2K";

Deno.test("createTerminal() moves one line on a terminal and takes it away before the next one", () => {
  assertEquals(shown(events, { interactive: true }), [
    warned,
    `${clear}[1/2] COPY kernel /kernel 0 B of 4 KiB, 0 %`,
    `${clear}[1/2] COPY kernel /kernel 1 KiB of 4 KiB, 25 %`,
    clear,
    first,
    `${clear}[2/2] urunc.json 0 B of 10 B, 0 %`,
    clear,
    second,
  ]);
});

Deno.test("createTerminal() moves the line at most ten times a second", () => {
  const many = [layer("x", 100), ...Array.from({ length: 50 }, () => passed(1))];
  assertEquals(shown(many, { interactive: true }, 0).length, 1);
  assertEquals(shown(many, { interactive: true }, 50).length, 26);
  assertEquals(shown(many, { interactive: true }, 100).length, 51);
});

Deno.test("createTerminal() is quiet on a terminal when only errors are wanted", () => {
  assertEquals(shown(events, { interactive: true, level: "error" }), []);
});

Deno.test("createTerminal() never shows more than there is", () => {
  const big = shown([layer("x", 1000), passed(5000)], { interactive: true }).at(-1);
  assertEquals(big, `${clear}[1/0] x 1000 B of 1000 B, 100 %`);
  const empty = shown([layer("x", 0), passed(512)], { interactive: true }).at(-1);
  assertEquals(empty, `${clear}[1/0] x 0 B of 0 B, 100 %`);
});

Deno.test("createTerminal() keeps layers apart that are written side by side", () => {
  const pieces = shown(
    [
      { kind: "planned", platform, layers: 2 },
      layer("one", 1000, 0),
      layer("two", 1000, 1),
      passed(500, 0),
      passed(100, 1),
      passed(1, 7),
    ],
    { interactive: true },
  );
  assertEquals(pieces.slice(2), [
    `${clear}[1/2] one 500 B of 1000 B, 50 %`,
    `${clear}[2/2] two 100 B of 1000 B, 10 %`,
  ]);
});

Deno.test("createTerminal() does nothing for bytes of a layer that it does not know", () => {
  assertEquals(shown([passed(5)], { interactive: true }), []);
});

Deno.test("createTerminal() has the moving line fit into the terminal", () => {
  const title = `COPY ${"long ".repeat(40)}/x`;
  for (const columns of [1, 10, 20, 40, 80, 81, 200, 500]) {
    for (const size of [0, 4096, 1023.9 * 2 ** 30]) {
      const line = shown([layer(title, size), passed(size)], { interactive: true, columns }).at(-1) ?? "";
      assert(line.startsWith(clear));
      assert(line.length - clear.length < Math.max(columns, 1), `${columns}: ${line.length}`);
    }
  }
  // A terminal that does not know its width is taken for one of 80.
  const line = shown([layer(title)], { interactive: true, columns: 0 })[0] ?? "";
  assertEquals(line.length - clear.length, 79);
  assert(line.endsWith("… 0 B of 4 KiB, 0 %"), line);
});

Deno.test("createTerminal() takes what an instruction would tell the terminal out of it", () => {
  const title = "COPY \x1b[2J\x07a\r\nb\t\x9b31m\u202ec\u2066 /d\x7f";
  const plain = "COPY  [2J a b 31m c  /d ";
  for (const interactive of [false, true]) {
    const pieces = shown([layer(title, 10), wrote()], { level: "info", interactive });
    assertEquals(pieces.at(-1), `[1/0] ${plain}  10 B -> 2 KiB  sha256:abababababab\n`);
    const text = pieces.join("").replaceAll(clear, "");
    assertNotMatch(text, /[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/u);
  }
});

Deno.test("createTerminal() cuts a long title between characters", () => {
  const pieces = shown([layer("😀".repeat(70), 10), wrote()], { level: "info" });
  assertEquals(pieces, [`[1/0] ${"😀".repeat(59)}…  10 B -> 2 KiB  sha256:abababababab\n`]);
});

Deno.test("createTerminal() writes lines of its own and takes the moving one away when asked", () => {
  using _ = clock(1000);
  const pieces: string[] = [];
  const write = (text: string): void => void pieces.push(text);
  const terminal = createTerminal({ write, level: "info", interactive: true });
  terminal.clear();
  terminal.listener(layer("x", 10));
  terminal.log("debug", "not this");
  terminal.log("error", "this");
  terminal.listener(passed(1));
  terminal.clear();
  terminal.clear();
  assertEquals(pieces, [
    `${clear}[1/0] x 0 B of 10 B, 0 %`,
    clear,
    "this\n",
    `${clear}[1/0] x 1 B of 10 B, 10 %`,
    clear,
  ]);
});

Deno.test("bytes() writes sizes for people in powers of 1024", () => {
  const sizes: Readonly<Record<string, number>> = {
    "0 B": 0,
    "1 B": 1,
    "1023 B": 1023,
    "1 KiB": 1024,
    "1.5 KiB": 1536,
    "1023.9 KiB": 1023.9 * 1024,
    "1 MiB": 2 ** 20 - 1,
    "3 GiB": 3 * 2 ** 30,
    "1.1 TiB": 1.1 * 2 ** 40,
    "2048 TiB": 2 ** 51,
  };
  for (const [text, count] of Object.entries(sizes)) assertEquals(bytes(count), text);
});
