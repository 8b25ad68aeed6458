// Symbol counts → length-limited canonical Huffman codes (RFC 1951, 3.2.2).
import { get, increment, LENGTH_COUNT, NEXT_CODE, NODES, set, SORTED } from "./memory";

/** The longest code of DEFLATE. */
const MAX_BITS: u32 = 15;

/**
 * Builds a code. Ties are broken by the symbol's number, so the code depends on the counts alone.
 *
 * @param counts u32 for each symbol, below 2^23
 * @param symbols how many symbols there are, at most 288
 * @param limit the longest code that may come out
 * @param lengths u8 for each symbol, out: 0 when it does not occur
 * @param codes u32 for each symbol, out; only those that occur are written
 */
export function buildCode(counts: u32, symbols: u32, limit: u32, lengths: u32, codes: u32): void {
  memory.fill(lengths, 0, symbols);
  let used: u32 = 0;
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const count = get(counts, symbol);
    if (count > 0) set(SORTED, used++, (count << 9) | symbol);
  }
  if (used < 2) {
    // Every decoder takes a complete code of two symbols; not every one takes one symbol or none.
    const only: u32 = used == 1 ? get(SORTED, 0) & 511 : 0;
    store<u8>(lengths + only, 1);
    store<u8>(lengths + (only == 0 ? 1 : 0), 1);
  } else {
    sort(used);
    mergeTree(used);
    countLengths(used, limit);
    let i: u32 = 0;
    for (let length = limit; length > 0; length--) {
      for (let n = get(LENGTH_COUNT, length); n > 0; n--) {
        store<u8>(lengths + (get(SORTED, i++) & 511), <u8> length);
      }
    }
  }
  assignCodes(symbols, lengths, codes);
}

/** Gives each symbol that has a length its code. */
export function assignCodes(symbols: u32, lengths: u32, codes: u32): void {
  memory.fill(LENGTH_COUNT, 0, 4 * (MAX_BITS + 1));
  for (let symbol: u32 = 0; symbol < symbols; symbol++) increment(LENGTH_COUNT, load<u8>(lengths + symbol));
  set(LENGTH_COUNT, 0, 0);
  let code: u32 = 0;
  for (let length: u32 = 1; length <= MAX_BITS; length++) {
    code = (code + get(LENGTH_COUNT, length - 1)) << 1;
    set(NEXT_CODE, length, code);
  }
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const length: u32 = load<u8>(lengths + symbol);
    if (length == 0) continue;
    const next = get(NEXT_CODE, length);
    set(NEXT_CODE, length, next + 1);
    set(codes, symbol, (reverse(next) >> (32 - length)) | (length << 16));
  }
}

/** Sorts by count, then by symbol: Shell's sort, which needs no memory. */
function sort(n: u32): void {
  for (let gap: u32 = 121; gap > 0; gap /= 3) {
    for (let i = gap; i < n; i++) {
      const item = get(SORTED, i);
      let j = i;
      for (; j >= gap && get(SORTED, j - gap) > item; j -= gap) set(SORTED, j, get(SORTED, j - gap));
      set(SORTED, j, item);
    }
  }
}

/**
 * Huffman's algorithm on sorted counts with two queues, the inner nodes in place of the leaves that they took
 * (Moffat and Katajainen 1995). Leaves the depth of each inner node in NODES, the root's last.
 */
function mergeTree(n: u32): void {
  for (let i: u32 = 0; i < n; i++) set(NODES, i, get(SORTED, i) >> 9);
  let leaf: u32 = 0;
  let inner: u32 = 0;
  for (let node: u32 = 0; node < n - 1; node++) {
    let weight: u32 = 0;
    for (let child = 0; child < 2; child++) {
      if (leaf >= n || (inner < node && get(NODES, inner) < get(NODES, leaf))) {
        weight += get(NODES, inner);
        set(NODES, inner++, node);
      } else {
        weight += get(NODES, leaf++);
      }
    }
    set(NODES, node, weight);
  }
  set(NODES, n - 2, 0);
  for (let node: i32 = <i32> n - 3; node >= 0; node--) set(NODES, node, get(NODES, get(NODES, node)) + 1);
}

/** Inner nodes' depths → how many leaves there are of each length, none longer than `limit`. */
function countLengths(n: u32, limit: u32): void {
  memory.fill(LENGTH_COUNT, 0, 4 * (MAX_BITS + 1));
  let node: i32 = <i32> n - 2;
  let depth: u32 = 0;
  for (let places: u32 = 1; places > 0; depth++) {
    let inner: u32 = 0;
    for (; node >= 0 && get(NODES, node) == depth; node--) inner++;
    const length = min<u32>(depth, limit);
    set(LENGTH_COUNT, length, get(LENGTH_COUNT, length) + places - inner);
    places = 2 * inner;
  }
  // Cut to the limit, the leaves may need more than the whole code space. Each step lengthens the longest leaf that
  // is below the limit and puts one from the limit beside it, which frees one place.
  let space: u32 = 0;
  for (let length: u32 = 1; length <= limit; length++) space += get(LENGTH_COUNT, length) << (limit - length);
  for (; space > <u32> 1 << limit; space--) {
    let length = limit - 1;
    while (get(LENGTH_COUNT, length) == 0) length--;
    set(LENGTH_COUNT, length, get(LENGTH_COUNT, length) - 1);
    set(LENGTH_COUNT, length + 1, get(LENGTH_COUNT, length + 1) + 2);
    set(LENGTH_COUNT, limit, get(LENGTH_COUNT, limit) - 1);
  }
}

function reverse(x: u32): u32 {
  x = ((x >> 1) & 0x55555555) | ((x & 0x55555555) << 1);
  x = ((x >> 2) & 0x33333333) | ((x & 0x33333333) << 2);
  x = ((x >> 4) & 0x0f0f0f0f) | ((x & 0x0f0f0f0f) << 4);
  return bswap<u32>(x);
}
