import { type MicroUsd, sumOrUnknown } from './money.ts';
import type { BilledCounts, SpentLine } from './spent-line.ts';

/** What several lines come to. */
export interface SpentSum extends BilledCounts {
  readonly answers: number;
  /** Null, likewise below: some of them have no price. */
  readonly cost: MicroUsd | null;
  readonly realTime: MicroUsd | null;
  readonly uncached: MicroUsd | null;
}

/** Lines are added as they are: each was rounded once. */
export function sumSpent(lines: readonly SpentLine[]): SpentSum {
  const count = (key: Exclude<keyof SpentSum, 'cost' | 'realTime' | 'uncached'>): number =>
    lines.reduce((sum, line) => sum + line[key], 0);
  return {
    answers: count('answers'),
    input: count('input'),
    output: count('output'),
    cacheWrite5m: count('cacheWrite5m'),
    cacheWrite1h: count('cacheWrite1h'),
    cacheRead: count('cacheRead'),
    webSearches: count('webSearches'),
    cost: sumOrUnknown(lines.map(({ cost }) => cost)),
    realTime: sumOrUnknown(lines.map(({ realTime }) => realTime)),
    uncached: sumOrUnknown(lines.map(({ uncached }) => uncached)),
  };
}
