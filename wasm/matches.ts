// Where has this been before? Two answers: the last four positions of each hash, which one read brings, or all
// positions of each hash in the window, as a chain. Positions are kept as 16 bits; what they lead to is compared.
import { HEAD, HEAD_SIZE, INPUT, PREVIOUS, PREVIOUS_SIZE, WINDOW } from "./memory";

export const MIN_MATCH: u32 = 4;
export const MAX_MATCH: u32 = 258;
/** How many positions a bucket has. Whoever wants to look at more needs chains. */
export const WAYS: u32 = 4;

/** A match this long ends the search in a bucket. */
const ENOUGH: u32 = 64;

/** Forgets all positions, and learns those of the dictionary. */
export function reset(dictionary: u32, chained: bool): void {
  memory.fill(HEAD, 0, HEAD_SIZE);
  memory.fill(PREVIOUS, 0, PREVIOUS_SIZE);
  for (let pos: u32 = 0; pos < dictionary; pos++) {
    if (chained) insertChained(pos);
    else insert(pos);
  }
}

/** Remembers a position in its bucket. The oldest one there is forgotten. */

export function insert(pos: u32): void {
  const bucket = bucketOf(load<u32>(INPUT + pos));
  store<u64>(bucket, (load<u64>(bucket) << 16) | <u64> (pos & 0xffff));
}

/** Remembers a position at the head of its chain. */

export function insertChained(pos: u32): void {
  const head = headOf(load<u32>(INPUT + pos));
  store<u16>(PREVIOUS + 2 * (pos % WINDOW), load<u16>(head));
  store<u16>(head, <u16> pos);
}

/**
 * Remembers a position in its bucket, and finds the longest match with one that is there.
 *
 * @param limit the longest match that may be found
 * @param best only what is longer counts; from 3 to limit - 1
 * @param ways how many positions are tried, at most WAYS
 * @returns the length from bit 16 on and distance - 1 below, or 0
 */

export function find(pos: u32, limit: u32, best: u32, ways: u32): u32 {
  const at = INPUT + pos;
  const word = load<u32>(at);
  const bucket = bucketOf(word);
  let positions = load<u64>(bucket);
  store<u64>(bucket, (positions << 16) | <u64> (pos & 0xffff));
  let found: u32 = 0;
  if (limit < MIN_MATCH) return found;
  for (; ways > 0; ways--) {
    const distance = (pos - <u32> positions) & 0xffff;
    positions >>= 16;
    if (!isReachable(distance, pos)) break;
    const from = at - distance;
    if (load<u32>(from) == word && load<u8>(from + best) == load<u8>(at + best)) {
      const length = matchLength(at, from, limit);
      if (length > best) {
        best = length;
        found = (length << 16) | (distance - 1);
        if (length >= ENOUGH || length == limit) break;
      }
    }
  }
  return found;
}

/**
 * Like {@link find}, along a chain.
 *
 * @param depth how many positions are tried
 * @param nice a match this long ends the search
 */

export function findChained(pos: u32, limit: u32, best: u32, depth: u32, nice: u32): u32 {
  const at = INPUT + pos;
  const word = load<u32>(at);
  const head = headOf(word);
  let candidate: u32 = load<u16>(head);
  store<u16>(PREVIOUS + 2 * (pos % WINDOW), <u16> candidate);
  store<u16>(head, <u16> pos);
  let found: u32 = 0;
  if (limit < MIN_MATCH) return found;
  let last: u32 = 0;
  // The end of what is already found differs sooner than its beginning.
  let tail = load<u32>(at + best - 3);
  for (; depth > 0; depth--) {
    const distance = (pos - candidate) & 0xffff;
    // Positions that fell out of the window were overwritten by later ones: there distances stop growing.
    if (distance <= last || !isReachable(distance, pos)) break;
    last = distance;
    const from = at - distance;
    if (load<u32>(from + best - 3) == tail && load<u32>(from) == word) {
      const length = matchLength(at, from, limit);
      if (length > best) {
        best = length;
        found = (length << 16) | (distance - 1);
        if (length >= nice || length == limit) break;
        tail = load<u32>(at + best - 3);
      }
    }
    candidate = load<u16>(PREVIOUS + 2 * ((pos - distance) % WINDOW));
  }
  return found;
}

/** Fibonacci hashing: 14 bits choose one of the buckets of 8 bytes. */

function bucketOf(word: u32): u32 {
  return HEAD + 8 * ((word * 0x9e3779b1) >> 18);
}

/** 15 bits choose one of the heads of 2 bytes. */

function headOf(word: u32): u32 {
  return HEAD + 2 * ((word * 0x9e3779b1) >> 17);
}

/** Whether the distance is one from 1 to 32768 that does not lead beyond the dictionary. */

function isReachable(distance: u32, pos: u32): bool {
  return distance - 1 < WINDOW && distance <= pos;
}

/** How many bytes are the same, at most `limit`; of the first MIN_MATCH it is known. */

function matchLength(a: u32, b: u32, limit: u32): u32 {
  let length: u32 = MIN_MATCH;
  while (length < limit) {
    const difference = load<u64>(a + length) ^ load<u64>(b + length);
    if (difference != 0) {
      length += <u32> (ctz<u64>(difference) >> 3);
      break;
    }
    length += 8;
  }
  return min<u32>(length, limit);
}
