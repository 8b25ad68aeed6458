// Tokens → the bits of one DEFLATE block (RFC 1951, 3.2): stored, fixed or dynamic, whichever is the shortest.
import { assignCodes, buildCode } from "./huffman";
import {
  CODELEN_BITS,
  CODELEN_CODE,
  CODELEN_COUNT,
  DISTANCE_BITS,
  DISTANCE_CODE,
  DISTANCE_COUNT,
  distanceSymbol,
  get,
  increment,
  INPUT,
  LENGTH_SYMBOL,
  OUTPUT,
  RUNS,
  SYMBOL_BITS,
  SYMBOL_CODE,
  SYMBOL_COUNT,
  TOKENS,
} from "./memory";
import { tokensEnd } from "./tokens";

const END_OF_BLOCK: u32 = 256;
const STORED_LIMIT: u32 = 65535;

let out: u32 = OUTPUT;
let bits: u64 = 0;
let bitCount: u32 = 0;

/** Starts at the beginning of the output. */
export function open(): void {
  out = OUTPUT;
  bits = 0;
  bitCount = 0;
}

/** @returns how many bytes the output has, the last one filled up with zeros */
export function close(): u32 {
  align();
  return out - OUTPUT;
}

/** An empty stored block: the output then ends at a byte, and another block can follow (Z_SYNC_FLUSH). */
export function writeSync(): void {
  put(0, 3);
  writeStored(0, 0);
}

/** Writes the tokens, which stand for the input from `from` to `end`. */
export function writeBlock(from: u32, end: u32, last: bool): void {
  increment(SYMBOL_COUNT, END_OF_BLOCK);
  buildCode(SYMBOL_COUNT, 286, 15, SYMBOL_BITS, SYMBOL_CODE);
  buildCode(DISTANCE_COUNT, 30, 15, DISTANCE_BITS, DISTANCE_CODE);
  const symbols = usedOf(SYMBOL_BITS, 286, 257);
  const distances = usedOf(DISTANCE_BITS, 30, 1);
  const runs = writeRuns(symbols, distances);
  buildCode(CODELEN_COUNT, 19, 7, CODELEN_BITS, CODELEN_CODE);
  let codelens: u32 = 19;
  while (codelens > 4 && load<u8>(CODELEN_BITS + codelenOrder(codelens - 1)) == 0) codelens--;

  const extra = extraBits();
  const fixed = 3 + extra + fixedBits();
  const dynamic = 3 + extra + dynamicBits(codelens);
  const size = end - from;
  const stored = 8 * size + 40 * ((size + STORED_LIMIT - 1) / STORED_LIMIT);
  if (size > 0 && stored < min(fixed, dynamic)) {
    while (from < end) {
      const next = min<u32>(from + STORED_LIMIT, end);
      put(last && next == end ? 1 : 0, 3);
      writeStored(from, next);
      from = next;
    }
    return;
  }
  if (fixed <= dynamic) {
    put(<u64> last | 2, 3);
    for (let symbol: u32 = 0; symbol < 288; symbol++) {
      store<u8>(SYMBOL_BITS + symbol, <u8> fixedLength(symbol));
    }
    memory.fill(DISTANCE_BITS, 5, 32);
    assignCodes(288, SYMBOL_BITS, SYMBOL_CODE);
    assignCodes(32, DISTANCE_BITS, DISTANCE_CODE);
  } else {
    put(<u64> last | 4, 3);
    put(symbols - 257, 5);
    put(distances - 1, 5);
    put(codelens - 4, 4);
    for (let i: u32 = 0; i < codelens; i++) put(load<u8>(CODELEN_BITS + codelenOrder(i)), 3);
    for (let i: u32 = 0; i < runs; i++) {
      const run: u32 = load<u16>(RUNS + 2 * i);
      const code = get(CODELEN_CODE, run & 31);
      put(code & 0xffff, code >> 16);
      put(run >> 5, runBits(run & 31));
    }
  }
  writeTokens();
}

function writeTokens(): void {
  // Locals, because the compiler keeps globals in memory.
  let b = bits;
  let n = bitCount;
  let to = out;
  const end = tokensEnd;
  for (let t = TOKENS; t < end; t += 4) {
    const token = load<u32>(t);
    if (<i32> token >= 0) {
      const code = get(SYMBOL_CODE, token);
      b |= <u64> (code & 0xffff) << n;
      n += code >> 16;
    } else {
      const length = (token >> 16) & 0xff;
      const symbol: u32 = load<u8>(LENGTH_SYMBOL + length);
      const code = get(SYMBOL_CODE, 257 + symbol);
      b |= <u64> (code & 0xffff) << n;
      n += code >> 16;
      if (symbol >= 8 && symbol < 28) {
        const width = (symbol >> 2) - 1;
        b |= <u64> (length & ((1 << width) - 1)) << n;
        n += width;
      }
      const distance = token & 0x7fff;
      const far = distanceSymbol(distance);
      const farCode = get(DISTANCE_CODE, far);
      b |= <u64> (farCode & 0xffff) << n;
      n += farCode >> 16;
      if (far >= 4) {
        const width = (far >> 1) - 1;
        b |= <u64> (distance & ((1 << width) - 1)) << n;
        n += width;
      }
    }
    // At most 7 bits are left over and a token adds at most 48: 64 bits are enough.
    store<u64>(to, b);
    to += n >> 3;
    b >>= n & 56;
    n &= 7;
  }
  bits = b;
  bitCount = n;
  out = to;
  const code = get(SYMBOL_CODE, END_OF_BLOCK);
  put(code & 0xffff, code >> 16);
}

/** The code lengths of both codes as run lengths (RFC 1951, 3.2.7). @returns how many runs there are */
function writeRuns(symbols: u32, distances: u32): u32 {
  memory.fill(CODELEN_COUNT, 0, 4 * 19);
  const total = symbols + distances;
  let runs: u32 = 0;
  let i: u32 = 0;
  while (i < total) {
    const length = lengthAt(i, symbols);
    let n: u32 = 1;
    while (i + n < total && lengthAt(i + n, symbols) == length) n++;
    i += n;
    if (length == 0) {
      for (; n >= 11; n -= min<u32>(n, 138)) runs = writeRun(runs, 18, min<u32>(n, 138) - 11);
      if (n >= 3) {
        runs = writeRun(runs, 17, n - 3);
        n = 0;
      }
    } else {
      runs = writeRun(runs, length, 0);
      for (n--; n >= 3; n -= min<u32>(n, 6)) runs = writeRun(runs, 16, min<u32>(n, 6) - 3);
    }
    for (; n > 0; n--) runs = writeRun(runs, length, 0);
  }
  return runs;
}

function writeRun(runs: u32, symbol: u32, extra: u32): u32 {
  store<u16>(RUNS + 2 * runs, <u16> (symbol | (extra << 5)));
  increment(CODELEN_COUNT, symbol);
  return runs + 1;
}

function lengthAt(i: u32, symbols: u32): u32 {
  return i < symbols ? load<u8>(SYMBOL_BITS + i) : load<u8>(DISTANCE_BITS + i - symbols);
}

function usedOf(lengths: u32, symbols: u32, least: u32): u32 {
  while (symbols > least && load<u8>(lengths + symbols - 1) == 0) symbols--;
  return symbols;
}

/** The order of the code lengths' own lengths: 16 17 18 0 8 7 9 6 10 5 11 4 12 3 13 2 14 1 15. */
function codelenOrder(i: u32): u32 {
  if (i < 4) return i == 3 ? 0 : 16 + i;
  const step = (i - 4) >> 1;
  return i & 1 ? 7 - step : 8 + step;
}

function runBits(symbol: u32): u32 {
  if (symbol < 16) return 0;
  return symbol == 18 ? 7 : symbol - 14;
}

function fixedLength(symbol: u32): u32 {
  if (symbol < 144) return 8;
  if (symbol < 256) return 9;
  return symbol < 280 ? 7 : 8;
}

function extraBits(): u32 {
  let sum: u32 = 0;
  for (let symbol: u32 = 8; symbol < 28; symbol++) {
    sum += get(SYMBOL_COUNT, 257 + symbol) * ((symbol >> 2) - 1);
  }
  for (let symbol: u32 = 4; symbol < 30; symbol++) sum += get(DISTANCE_COUNT, symbol) * ((symbol >> 1) - 1);
  return sum;
}

function fixedBits(): u32 {
  let sum: u32 = 0;
  for (let symbol: u32 = 0; symbol < 286; symbol++) sum += get(SYMBOL_COUNT, symbol) * fixedLength(symbol);
  for (let symbol: u32 = 0; symbol < 30; symbol++) sum += get(DISTANCE_COUNT, symbol) * 5;
  return sum;
}

function dynamicBits(codelens: u32): u32 {
  let sum: u32 = 14 + 3 * codelens;
  for (let symbol: u32 = 0; symbol < 19; symbol++) {
    sum += get(CODELEN_COUNT, symbol) * (load<u8>(CODELEN_BITS + symbol) + runBits(symbol));
  }
  for (let symbol: u32 = 0; symbol < 286; symbol++) {
    sum += get(SYMBOL_COUNT, symbol) * load<u8>(SYMBOL_BITS + symbol);
  }
  for (let symbol: u32 = 0; symbol < 30; symbol++) {
    sum += get(DISTANCE_COUNT, symbol) * load<u8>(DISTANCE_BITS + symbol);
  }
  return sum;
}

/** One stored block after its three header bits. */
function writeStored(from: u32, end: u32): void {
  align();
  const size = end - from;
  store<u16>(out, <u16> size);
  store<u16>(out + 2, <u16> ~size);
  memory.copy(out + 4, INPUT + from, size);
  out += 4 + size;
}

/** Appends up to 48 bits. */
function put(value: u64, count: u32): void {
  bits |= value << bitCount;
  bitCount += count;
  store<u64>(out, bits);
  out += bitCount >> 3;
  bits >>= bitCount & 56;
  bitCount &= 7;
}

/** Fills the byte up with zeros; `put` has written its bits already. */
function align(): void {
  if (bitCount > 0) out++;
  bits = 0;
  bitCount = 0;
}
