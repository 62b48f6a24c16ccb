import type { MicroUsd } from './money.ts';
import type { FailureClass } from './result.ts';

/** What is charged by number. */
export interface BilledCounts {
  /** Tokens, without both cache figures. */
  readonly input: number;
  readonly output: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
  readonly cacheRead: number;
  readonly webSearches: number;
}

/** What one answer was billed by, from its `usage`. */
export interface BilledUsage extends BilledCounts {
  /** `batch`, `standard`, …; null where the answer does not say. */
  readonly serviceTier: string | null;
  /** `us`, `global`, …; null where the answer does not say. */
  readonly inferenceGeo: string | null;
}

/**
 * What answers of one shard cost that share all that makes a price. Kept with the shard for good: an attempt that was
 * paid stays paid when its row goes out again.
 */
export interface SpentLine extends BilledCounts {
  /** As the answers name it; null where they name none. */
  readonly model: string | null;
  /** Index among the bands of the model's price. */
  readonly band: number;
  readonly serviceTier: string | null;
  readonly isUs: boolean;
  /** Of the answers; null: good ones. */
  readonly failure: FailureClass | null;
  readonly answers: number;
  /** The sum of the squares of each answer's output tokens, for their spread. */
  readonly outputSquares: number;
  /** What was charged; null: no price is known. */
  readonly cost: MicroUsd | null;
  /** The same tokens at the real-time price. */
  readonly realTime: MicroUsd | null;
  /** What was charged, had nothing been cached: every token of the prompt at the price of input. */
  readonly uncached: MicroUsd | null;
}

export const NOTHING_BILLED: BilledUsage = {
  input: 0,
  output: 0,
  cacheWrite5m: 0,
  cacheWrite1h: 0,
  cacheRead: 0,
  webSearches: 0,
  serviceTier: null,
  inferenceGeo: null,
};
