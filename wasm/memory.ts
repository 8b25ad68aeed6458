// The memory map of the module. Everything has a fixed place, so nothing is ever allocated.

/** The distance that a match can reach back: the window of DEFLATE (RFC 1951, 2). */
export const WINDOW: u32 = 32768;
/** What is compressed at once, in bytes. */
export const BLOCK: u32 = 1 << 20;
/** Symbols of one DEFLATE block: it then gets codes of its own. */
export const TOKEN_LIMIT: u32 = 16384;

/** Dictionary and block, one after the other; reads go up to 8 bytes beyond. */
export const INPUT: u32 = 1024;
/** What comes out. A block that does not shrink is stored, which costs less than 1 KiB. */
export const OUTPUT: u32 = INPUT + WINDOW + BLOCK + 64;

/** The latest positions with each hash: u16, in chains one of them, in buckets four. */
export const HEAD: u32 = OUTPUT + BLOCK + 2048;
export const HEAD_SIZE: u32 = 8 << 14;
/** The position before, with the same hash, for each position of the window: u16. */
export const PREVIOUS: u32 = HEAD + HEAD_SIZE;
export const PREVIOUS_SIZE: u32 = 2 * WINDOW;
/** u32: a literal's byte, or bit 31, length - 3 from bit 16 and distance - 1. */
export const TOKENS: u32 = PREVIOUS + PREVIOUS_SIZE;

/** How often each symbol occurs, u32: literals and lengths, distances, code lengths. */
export const SYMBOL_COUNT: u32 = TOKENS + 4 * TOKEN_LIMIT;
export const DISTANCE_COUNT: u32 = SYMBOL_COUNT + 4 * 288;
export const CODELEN_COUNT: u32 = DISTANCE_COUNT + 4 * 32;
/** How many bits each symbol takes, u8. */
export const SYMBOL_BITS: u32 = CODELEN_COUNT + 4 * 32;
export const DISTANCE_BITS: u32 = SYMBOL_BITS + 288;
export const CODELEN_BITS: u32 = DISTANCE_BITS + 32;
/** The code of each symbol, first bit lowest, and from bit 16 on its length: u32. */
export const SYMBOL_CODE: u32 = CODELEN_BITS + 32;
export const DISTANCE_CODE: u32 = SYMBOL_CODE + 4 * 288;
export const CODELEN_CODE: u32 = DISTANCE_CODE + 4 * 32;
/** The code lengths of both codes as runs: u16, symbol in the low five bits, repeat count above. */
export const RUNS: u32 = CODELEN_CODE + 4 * 32;
/** The length symbol (minus 257) for each length - 3: u8. */
export const LENGTH_SYMBOL: u32 = RUNS + 2 * 320;
/** Scratch space of the code construction: u32 each. */
export const SORTED: u32 = LENGTH_SYMBOL + 256;
export const NODES: u32 = SORTED + 4 * 288;
export const LENGTH_COUNT: u32 = NODES + 4 * 288;
export const NEXT_CODE: u32 = LENGTH_COUNT + 4 * 16;

export function get(table: u32, index: u32): u32 {
  return load<u32>(table + 4 * index);
}

export function set(table: u32, index: u32, value: u32): void {
  store<u32>(table + 4 * index, value);
}

export function increment(table: u32, index: u32): void {
  const at = table + 4 * index;
  store<u32>(at, load<u32>(at) + 1);
}

/** The symbol of a distance - 1 (RFC 1951, 3.2.5); from 4 on a symbol has symbol / 2 - 1 extra bits. */

export function distanceSymbol(x: u32): u32 {
  if (x < 2) return x;
  const n: u32 = 31 - clz<u32>(x);
  return 2 * n + ((x >> (n - 1)) & 1);
}
