import { type NumberRange, parseRange } from './axes.ts';

/**
 * Which records of the source become requests. What it says is done in this order: the conditions, `missing`, then either
 * the sample or offset and limit.
 */
export interface Narrowing {
  /** Each must hold. */
  readonly conditions: readonly Condition[];
  /** Leave out records whose output files are all there. */
  readonly missing: boolean;
  readonly offset: number;
  readonly limit: number | null;
  readonly sample: SampleSize | null;
}

/** A column has one of some values. */
export interface Condition {
  readonly column: string;
  /** As they were written; `10-17` also means the numbers from 10 to 17. */
  readonly values: readonly string[];
  /** Where it was said. */
  readonly from: 'select' | '--select';
}

export interface SampleSize {
  readonly count: number;
  readonly seed: number;
}

/** What a narrowing has done so far. */
export interface Narrowed {
  /** Records looked at; what could not be read as one is not counted. */
  readonly records: number;
  readonly kept: number;
  /** False when the source holds more, which was not looked at because the limit was reached. */
  readonly isWhole: boolean;
  readonly leftOut: LeftOut;
  /** Values of conditions that no record had; empty unless `isWhole`. */
  readonly unmatched: readonly UnmatchedValue[];
}

export interface LeftOut {
  readonly select: number;
  /** Their output files are there. */
  readonly done: number;
  readonly offset: number;
  readonly sample: number;
}

export interface UnmatchedValue {
  readonly from: Condition['from'];
  readonly column: string;
  readonly value: string;
}

export const DEFAULT_SEED = 1;

/** A select of the job file as conditions. */
export function conditionsOf(select: Readonly<Record<string, readonly string[]>>): readonly Condition[] {
  return Object.entries(select).map(([column, values]) => ({ column, values, from: 'select' }));
}

/**
 * `--select column=value`, as often as given: the same column again adds a value. Null for a text without a column or
 * without `=`, in its place.
 */
export function parseSelects(texts: readonly string[]): readonly Condition[] | { readonly bad: string } {
  const columns = new Map<string, string[]>();
  for (const text of texts) {
    const cut = text.indexOf('=');
    const column = text.slice(0, Math.max(cut, 0)).trim();
    if (column === '') return { bad: text };
    const values = columns.get(column) ?? [];
    values.push(text.slice(cut + 1));
    columns.set(column, values);
  }
  return [...columns].map(([column, values]) => ({ column, values, from: '--select' }));
}

/** Whether values of one column fit a condition, and which of its values none has fitted so far. */
export interface Matcher {
  fits(value: string): boolean;
  unmatched(): readonly string[];
}

// The numbers of a longer range are not watched one by one.
const MAX_WATCHED = 1_000;

/** Values are compared as text; a range takes its numbers as axes write them, and its own text. */
export function createMatcher(values: readonly string[]): Matcher {
  const literals = new Set(values);
  const waiting = new Set(values);
  const ranges = values.flatMap((value) => {
    const range = parseRange(value);
    return range === null || range.to < range.from ? [] : [{ value, range, met: new Set<number>() }];
  });
  return {
    fits(value) {
      let isFit = literals.has(value);
      if (isFit) waiting.delete(value);
      for (const { value: written, range, met } of ranges) {
        const number = numberIn(range, value);
        if (number === null) continue;
        isFit = true;
        waiting.delete(written);
        if (range.to - range.from < MAX_WATCHED) met.add(number);
      }
      return isFit;
    },
    unmatched: () => [
      ...values.filter((value) => waiting.has(value)),
      ...ranges.flatMap(({ value, range, met }) => (waiting.has(value) ? [] : gaps(range, met))),
    ],
  };
}

/** The number that a value is in a range, or null. */
function numberIn({ from, to, width }: NumberRange, value: string): number | null {
  if (!/^\d{1,15}$/.test(value)) return null;
  const number = Number(value);
  if (number < from || number > to) return null;
  return value === String(number).padStart(width ?? 0, '0') ? number : null;
}

/** What is missing from a range of which something was met, as ranges: `12`, `14-16`. */
function gaps({ from, to, width }: NumberRange, met: ReadonlySet<number>): readonly string[] {
  if (met.size === 0) return [];
  const found: string[] = [];
  const write = (number: number): string => String(number).padStart(width ?? 0, '0');
  for (let number = from; number <= to; number += 1) {
    if (met.has(number)) continue;
    const first = number;
    while (number < to && !met.has(number + 1)) number += 1;
    found.push(first === number ? write(first) : `${write(first)}-${write(number)}`);
  }
  return found;
}

/** Some of a stream of things of unknown length. */
export interface Sampler<T> {
  offer(thing: T): void;
  /** In the order in which they were offered. */
  take(): readonly T[];
}

/** Each thing is as likely to be kept as any other; holds no more than `count` (Vitter's algorithm R). */
export function createSampler<T>({ count, seed }: SampleSize): Sampler<T> {
  const random = seededRandom(seed);
  const kept: { readonly at: number; readonly thing: T }[] = [];
  let offered = 0;
  return {
    offer(thing) {
      const at = offered;
      offered += 1;
      if (kept.length < count) {
        kept.push({ at, thing });
        return;
      }
      const place = Math.floor(random() * offered);
      if (place < count) kept[place] = { at, thing };
    },
    take: () => kept.toSorted((a, b) => a.at - b.at).map(({ thing }) => thing),
  };
}

/** The same numbers from 0 to 1 for the same seed, on every machine (mulberry32, public domain). */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
