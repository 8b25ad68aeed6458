// Raw DEFLATE (RFC 1951) in AssemblyScript: one block of at most 1 MiB, with up to 32 KiB before it as dictionary.
//
// Why not the runtime's zlib: it hashes with whatever the processor offers, so the same input gives other bytes on
// another architecture, and may do so after an update. This code computes with integers alone and starts each block
// with clean tables: its bytes depend on nothing but input and level.
import { close, open, writeBlock, writeSync } from "./block";
import { DISTANCE_COUNT, INPUT, LENGTH_SYMBOL, OUTPUT, SYMBOL_COUNT } from "./memory";
import { reset } from "./matches";
import { parseFast, parseLazy } from "./tokens";

/** @returns where the dictionary, and right after it the block, are expected */
export function input(): u32 {
  return INPUT;
}

/** @returns where the compressed block begins */
export function output(): u32 {
  return OUTPUT;
}

/**
 * Compresses the block.
 *
 * @param start the length of the dictionary, at most 32 KiB: where the block begins
 * @param end where it ends, at most 1 MiB later
 * @param last whether it is the last one; otherwise the output ends with a sync flush, so that another may follow
 * @param level 1 (fastest) to 9 (smallest)
 * @returns how many bytes came out; never more than 2 KiB beyond what went in
 */
export function deflate(start: u32, end: u32, last: bool, level: u32): u32 {
  lengthSymbols();
  // Hashes reach three bytes beyond the end; what an earlier block left there must not matter.
  store<u32>(INPUT + end, 0);
  open();
  reset(start, level >= CHAINED);
  let pos = start;
  do {
    memory.fill(SYMBOL_COUNT, 0, 4 * 288);
    memory.fill(DISTANCE_COUNT, 0, 4 * 32);
    const from = pos;
    pos = parse(pos, end, level);
    writeBlock(from, pos, last && pos == end);
  } while (pos < end);
  if (!last) writeSync();
  return close();
}

/** From this level on, chains are searched. */
const CHAINED: u32 = 7;

function parse(pos: u32, end: u32, level: u32): u32 {
  switch (level) {
    case 1:
      return parseFast(pos, end, 2);
    case 2:
      return parseFast(pos, end, 4);
    case 3:
      return parseLazy(pos, end, 0, 4, 0);
    case 4:
      return parseLazy(pos, end, 5, 4, 0);
    case 5:
      return parseLazy(pos, end, 8, 4, 0);
    case 6:
      return parseLazy(pos, end, 16, 4, 0);
    case 7:
      return parseLazy(pos, end, 16, 16, 64);
    case 8:
      return parseLazy(pos, end, 64, 64, 258);
    default:
      return parseLazy(pos, end, 258, 1000, 258);
  }
}

/** The symbol of each length (RFC 1951, 3.2.5): four for each power of two, and the longest has its own. */
function lengthSymbols(): void {
  for (let x: u32 = 0; x < 255; x++) {
    const n: u32 = 31 - clz<u32>(x);
    store<u8>(LENGTH_SYMBOL + x, <u8> (x < 8 ? x : 4 * (n - 1) + ((x >> (n - 2)) & 3)));
  }
  store<u8>(LENGTH_SYMBOL + 255, 28);
}
