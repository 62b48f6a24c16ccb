import { randomBytes } from 'node:crypto';

const ID_ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** 32-bit FNV-1a of a text with a final mix; the same text and seed give the same number in every process. */
export function hashText(text: string, seed = 0): number {
  let hash = (0x811c9dc5 ^ seed) | 0;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return mix(hash);
}

/** Where a hash stands between 0 and 1. Different salts give independent places for one hash. */
export function shareOf(hash: number, salt: string): number {
  return mix(hash ^ hashText(salt)) / 0x1_0000_0000;
}

/** A repeatable source of numbers in [0, 1): what it gives depends on the seed alone (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** One element of a list that is not empty. */
export function pick<T>(list: readonly [T, ...T[]], random: () => number): T {
  return list[Math.floor(random() * list.length)] ?? list[0];
}

/** An id in the API's form, such as `msgbatch_01…`: unguessable, and in no order. */
export function randomId(prefix: string): string {
  let id = `${prefix}_01`;
  for (const byte of randomBytes(22)) id += ID_ALPHABET[byte % ID_ALPHABET.length];
  return id;
}

/** The same form of id, but always the same one for the same text. */
export function derivedId(prefix: string, text: string): string {
  const random = seededRandom(hashText(text));
  let id = `${prefix}_01`;
  for (let index = 0; index < 22; index += 1) id += ID_ALPHABET[Math.floor(random() * ID_ALPHABET.length)];
  return id;
}

/** Spreads every input bit over all 32 output bits (the finalizer of murmur3). */
function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
