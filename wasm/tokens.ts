// Input → literals and matches. Three ways, from fast to thorough; all of them write tokens and count symbols.
import {
  DISTANCE_COUNT,
  distanceSymbol,
  HEAD,
  HEAD_SIZE,
  increment,
  INPUT,
  LENGTH_SYMBOL,
  PREVIOUS,
  PREVIOUS_SIZE,
  SYMBOL_COUNT,
  TOKEN_LIMIT,
  TOKENS,
  WINDOW,
} from "./memory";

const MIN_MATCH: u32 = 4;
const MAX_MATCH: u32 = 258;
const FULL: u32 = TOKENS + 4 * TOKEN_LIMIT;

/** One after the last token. */
export let tokensEnd: u32 = TOKENS;

/** Forgets all positions, and learns those of the dictionary. */
export function reset(dictionary: u32, fast: bool): void {
  memory.fill(HEAD, 0, HEAD_SIZE);
  memory.fill(PREVIOUS, 0, PREVIOUS_SIZE);
  for (let pos: u32 = 0; pos < dictionary; pos++) {
    if (fast) insertPair(pos);
    else insert(pos);
  }
}

/**
 * Greedy, with the last two positions of each hash. Of a match only a few positions are remembered.
 *
 * @returns the position after the last token
 */
export function parseFast(pos: u32, end: u32): u32 {
  let t = TOKENS;
  const safe: u32 = end > MIN_MATCH ? end - MIN_MATCH : 0;
  while (pos < safe && t < FULL) {
    const at = INPUT + pos;
    const word = load<u32>(at);
    const slot = pairSlot(word);
    const pair = load<u32>(slot);
    store<u32>(slot, (pair << 16) | (pos & 0xffff));
    const limit = min<u32>(MAX_MATCH, end - pos);
    let length: u32 = 0;
    let distance = (pos - pair) & 0xffff;
    if (isReachable(distance, pos) && load<u32>(at - distance) == word) {
      length = matchLength(at, at - distance, limit);
    }
    if (length < 32) {
      const other = (pos - (pair >> 16)) & 0xffff;
      if (isReachable(other, pos) && load<u32>(at - other) == word) {
        const n = matchLength(at, at - other, limit);
        if (n > length) {
          length = n;
          distance = other;
        }
      }
    }
    if (length == 0) {
      t = literal(t, word & 0xff);
      pos++;
    } else {
      t = match(t, length, distance);
      const next = pos + length;
      insertPair(pos + 1);
      insertPair(next - 1);
      pos = next;
    }
  }
  if (pos >= safe) {
    for (; pos < end && t < FULL; pos++) t = literal(t, load<u8>(INPUT + pos));
  }
  tokensEnd = t;
  return pos;
}

/** Takes the longest match at each position. See {@link parseFast}. */
export function parseGreedy(pos: u32, end: u32, depth: u32, nice: u32): u32 {
  let t = TOKENS;
  while (pos < end && t < FULL) {
    const found = longest(pos, MIN_MATCH - 1, min<u32>(MAX_MATCH, end - pos), depth, nice);
    if (found == 0) {
      t = literal(t, load<u8>(INPUT + pos));
      pos++;
    } else {
      t = match(t, found >> 16, (found & 0xffff) + 1);
      const next = pos + (found >> 16);
      for (pos++; pos < next; pos++) insert(pos);
    }
  }
  tokensEnd = t;
  return pos;
}

/** Takes a match only if none of more than its length starts one byte later. See {@link parseFast}. */
export function parseLazy(pos: u32, end: u32, depth: u32, nice: u32, lazy: u32): u32 {
  let t = TOKENS;
  // A row of ever longer matches adds at most MAX_MATCH literals before the match that ends it.
  while (pos < end && t < FULL - 4 * (MAX_MATCH + 1)) {
    let found = longest(pos, MIN_MATCH - 1, min<u32>(MAX_MATCH, end - pos), depth, nice);
    if (found == 0) {
      t = literal(t, load<u8>(INPUT + pos));
      pos++;
      continue;
    }
    let known = pos + 1;
    while ((found >> 16) < lazy) {
      const length = found >> 16;
      const limit = min<u32>(MAX_MATCH, end - known);
      if (limit <= length) break;
      const better = longest(known, length, limit, length < 8 ? depth >> 1 : depth >> 2, nice);
      known++;
      if (better == 0) break;
      t = literal(t, load<u8>(INPUT + pos));
      pos++;
      found = better;
    }
    t = match(t, found >> 16, (found & 0xffff) + 1);
    pos += found >> 16;
    for (; known < pos; known++) insert(known);
  }
  tokensEnd = t;
  return pos;
}

/**
 * Remembers a position and finds the longest match there.
 *
 * @returns the length from bit 16 on and distance - 1 below, or 0 when nothing is longer than `best`
 */

function longest(pos: u32, best: u32, limit: u32, depth: u32, nice: u32): u32 {
  const at = INPUT + pos;
  const word = load<u32>(at);
  const slot = HEAD + 2 * hash(word);
  let candidate: u32 = load<u16>(slot);
  store<u16>(PREVIOUS + 2 * (pos % WINDOW), <u16> candidate);
  store<u16>(slot, <u16> pos);
  let found: u32 = 0;
  if (limit < MIN_MATCH) return found;
  let last: u32 = 0;
  let tail = load<u32>(at + best - 3);
  for (; depth > 0; depth--) {
    const distance = (pos - candidate) & 0xffff;
    // Entries older than the window were overwritten by newer ones: the chain ends where distances stop growing.
    if (distance <= last || !isReachable(distance, pos)) break;
    last = distance;
    const from = at - distance;
    if (load<u32>(from + best - 3) == tail && load<u32>(from) == word) {
      const n = matchLength(at, from, limit);
      if (n > best) {
        best = n;
        found = (n << 16) | (distance - 1);
        if (n >= nice || n == limit) break;
        tail = load<u32>(at + best - 3);
      }
    }
    candidate = load<u16>(PREVIOUS + 2 * ((pos - distance) % WINDOW));
  }
  return found;
}

function insert(pos: u32): void {
  const slot = HEAD + 2 * hash(load<u32>(INPUT + pos));
  store<u16>(PREVIOUS + 2 * (pos % WINDOW), load<u16>(slot));
  store<u16>(slot, <u16> pos);
}

function insertPair(pos: u32): void {
  const slot = pairSlot(load<u32>(INPUT + pos));
  store<u32>(slot, (load<u32>(slot) << 16) | (pos & 0xffff));
}

function pairSlot(word: u32): u32 {
  return HEAD + 4 * hash(word);
}

/** Multiplicative hashing by the golden ratio: 15 bits. */

function hash(word: u32): u32 {
  return (word * 0x9e3779b1) >> 17;
}

/** Whether the distance is one to 32768 and not before the dictionary. Stale entries are sorted out here too. */

function isReachable(distance: u32, pos: u32): bool {
  return distance - 1 < WINDOW && distance <= pos;
}

/** @returns how many bytes are the same, at most `limit`; the first four are known to be */

function matchLength(a: u32, b: u32, limit: u32): u32 {
  let n: u32 = MIN_MATCH;
  while (n < limit) {
    const difference = load<u64>(a + n) ^ load<u64>(b + n);
    if (difference != 0) {
      n += <u32> (ctz<u64>(difference) >> 3);
      break;
    }
    n += 8;
  }
  return min<u32>(n, limit);
}

function literal(t: u32, byte: u32): u32 {
  store<u32>(t, byte);
  increment(SYMBOL_COUNT, byte);
  return t + 4;
}

function match(t: u32, length: u32, distance: u32): u32 {
  store<u32>(t, 0x80000000 | ((length - 3) << 16) | (distance - 1));
  increment(SYMBOL_COUNT, 257 + load<u8>(LENGTH_SYMBOL + length - 3));
  increment(DISTANCE_COUNT, distanceSymbol(distance - 1));
  return t + 4;
}
