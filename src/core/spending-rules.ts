import type { PriceOverride } from './model-price.ts';
import type { MicroUsd } from './money.ts';

/** What a job file says of money. */
export interface SpendingRules {
  /** The most that the job may cost, retries and later stages included; null: no bound. */
  readonly maxMicroUsd: MicroUsd | null;
  /** Above this high estimate a submission asks where somebody can answer. */
  readonly askAboveMicroUsd: MicroUsd;
  readonly prices: readonly PriceOverride[];
  /** Stage → what its answers are expected to be; a stage that says nothing is left out. */
  readonly expectedOutput: Readonly<Record<string, ExpectedOutput>>;
}

/** Of one answer: so many tokens, or a percentage of its request's input. */
export type ExpectedOutput =
  | { readonly kind: 'tokens'; readonly tokens: number }
  | { readonly kind: 'percent'; readonly percent: number };

export const ASK_ABOVE_MICRO_USD = 5_000_000;

export const NO_SPENDING_RULES: SpendingRules = {
  maxMicroUsd: null,
  askAboveMicroUsd: ASK_ABOVE_MICRO_USD,
  prices: [],
  expectedOutput: {},
};
