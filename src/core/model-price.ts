import type { Rate } from './money.ts';

/** What a model charges for a million tokens of each kind, up to a length of the prompt. */
export interface PriceBand {
  /** Prompts of up to so many tokens (input, cache writes and cache reads together); null: of any length. */
  readonly maxPromptTokens: number | null;
  readonly input: Rate;
  readonly output: Rate;
  readonly cacheWrite5m: Rate;
  readonly cacheWrite1h: Rate;
  readonly cacheRead: Rate;
}

/** A model's real-time prices, and what is taken of them. */
export interface ModelPrice {
  /** The model's id. */
  readonly model: string;
  /** Other names of it, dated and dateless. */
  readonly aliases: readonly string[];
  /** From shortest to longest; the last one has no bound. The band of a request's prompt prices all of its tokens. */
  readonly bands: readonly PriceBand[];
  /** In a batch: percent of the price. */
  readonly batchPercent: number;
  /** With `inference_geo: us`: percent of the price. */
  readonly usPercent: number;
  /** Dates, the first one it holds on and the first one it does not; null: no bound. */
  readonly from: string | null;
  readonly until: string | null;
  /** Where it was read, and when: a date. */
  readonly source: string;
  readonly asOf: string;
}

/** `prices` of a job file: what it says replaces what is shipped, and adds models. Rates are real-time. */
export interface PriceOverride {
  readonly model: string;
  readonly input: Rate | null;
  readonly output: Rate | null;
  /** Null: as shipped where the model is known, else from the input price (1.25, 2 and 0.1 times). */
  readonly cacheWrite5m: Rate | null;
  readonly cacheWrite1h: Rate | null;
  readonly cacheRead: Rate | null;
  /** Null: as shipped, else 50. */
  readonly batchPercent: number | null;
}
