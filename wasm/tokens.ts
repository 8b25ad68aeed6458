// Input → literals and matches: tokens, whose symbols are counted along the way.
import { find, findChained, insert, insertChained, MAX_MATCH, MIN_MATCH, WAYS } from "./matches";
import {
  DISTANCE_COUNT,
  distanceSymbol,
  increment,
  INPUT,
  LENGTH_SYMBOL,
  SYMBOL_COUNT,
  TOKEN_LIMIT,
  TOKENS,
} from "./memory";

const FULL: u32 = TOKENS + 4 * TOKEN_LIMIT;

/** One after the last token. */
export let tokensEnd: u32 = TOKENS;

/**
 * Takes the first good match, and of each match remembers two positions only.
 *
 * @param pos where to start
 * @param end where the input ends
 * @param ways how many positions are tried, at most WAYS
 * @returns the position after the last token: `end`, or less when there is no room for more tokens
 */
export function parseFast(pos: u32, end: u32, ways: u32): u32 {
  let t = TOKENS;
  while (pos < end && t < FULL) {
    const found = find(pos, min<u32>(MAX_MATCH, end - pos), MIN_MATCH - 1, ways);
    if (found == 0) {
      t = literal(t, load<u8>(INPUT + pos));
      pos++;
    } else {
      t = match(t, found);
      insert(pos + 1);
      pos += found >> 16;
      insert(pos - 1);
    }
  }
  tokensEnd = t;
  return pos;
}

/**
 * Takes a match only if no longer one starts at the next byte, and remembers all positions.
 *
 * @param lazy a match this long is taken at once
 * @param depth how many positions are tried; more than WAYS go along chains
 * @param nice a match this long ends the search in a chain
 * @returns as {@link parseFast}
 */
export function parseLazy(pos: u32, end: u32, lazy: u32, depth: u32, nice: u32): u32 {
  const chained = depth > WAYS;
  let t = TOKENS;
  // A row of ever longer matches adds at most MAX_MATCH literals before the match that ends it.
  while (pos < end && t < FULL - 4 * (MAX_MATCH + 1)) {
    const limit = min<u32>(MAX_MATCH, end - pos);
    let found = chained
      ? findChained(pos, limit, MIN_MATCH - 1, depth, nice)
      : find(pos, limit, MIN_MATCH - 1, depth);
    if (found == 0) {
      t = literal(t, load<u8>(INPUT + pos));
      pos++;
      continue;
    }
    let known = pos + 1;
    while (found >> 16 < lazy) {
      const length = found >> 16;
      const limit = min<u32>(MAX_MATCH, end - known);
      if (limit <= length) break;
      // The longer the match, the less is a better one worth.
      const better = chained
        ? findChained(known, limit, length, length < 8 ? depth >> 1 : depth >> 2, nice)
        : find(known, limit, length, depth);
      known++;
      if (better == 0) break;
      t = literal(t, load<u8>(INPUT + pos));
      pos++;
      found = better;
    }
    t = match(t, found);
    pos += found >> 16;
    if (chained) {
      for (; known < pos; known++) insertChained(known);
    } else {
      for (; known < pos; known++) insert(known);
    }
  }
  tokensEnd = t;
  return pos;
}

function literal(t: u32, byte: u32): u32 {
  store<u32>(t, byte);
  increment(SYMBOL_COUNT, byte);
  return t + 4;
}

/** A match as it was found: its length from bit 16 on and distance - 1 below. */

function match(t: u32, found: u32): u32 {
  const length = (found >> 16) - 3;
  const distance = found & 0xffff;
  store<u32>(t, 0x80000000 | (length << 16) | distance);
  increment(SYMBOL_COUNT, 257 + load<u8>(LENGTH_SYMBOL + length));
  increment(DISTANCE_COUNT, distanceSymbol(distance));
  return t + 4;
}
