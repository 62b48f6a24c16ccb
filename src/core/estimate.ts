import type { MicroUsd } from './money.ts';

/** Three guesses at one number. `high` is meant as a bound: what is expected never to be passed. */
export interface Range<T = number> {
  readonly low: T;
  readonly likely: T;
  readonly high: T;
}

/** What a job, or a part of it, is expected to cost. Kept with the job when it is submitted. */
export interface Estimate {
  /** RFC 3339, this machine's time. */
  readonly madeAt: string;
  readonly stages: readonly StageEstimate[];
  readonly total: PartEstimate;
  /** In the order of the data; empty in a job without groups. */
  readonly groups: readonly GroupEstimate[];
  /** Models without a price: what they cost is unknown, and so are the sums over them. */
  readonly unpriced: readonly string[];
}

export interface PartEstimate {
  readonly requests: number;
  /** All of the prompt, cached or not. */
  readonly inputTokens: Range;
  readonly outputTokens: Range;
  /** Null: some model has no price. */
  readonly batch: Range<MicroUsd> | null;
  readonly realTime: Range<MicroUsd> | null;
}

export interface GroupEstimate extends PartEstimate {
  readonly group: string;
}

export interface StageEstimate extends PartEstimate {
  readonly stage: string;
  readonly calibration: Calibration;
  readonly outputBasis: OutputBasis;
  /** Of the tokens under cache marks, the share that is read: 0 to 1. Null: nothing is marked that its model would cache. */
  readonly cacheHitRate: Range | null;
  /** It waits for other stages, so its prompts are guessed. */
  readonly isLater: boolean;
}

/** Tokens of the API for one local token. */
export interface Calibration extends Range {
  /** Requests that count_tokens was asked for; 0: local only, and the range is wide. */
  readonly counted: number;
}

/** What the likely output comes from: earlier answers of this stage, the job file, or nothing but max_tokens. */
export type OutputBasis = 'history' | 'expected' | 'max_tokens';
