import type { Calibration } from './estimate.ts';
import type { MicroUsd } from './money.ts';
import { type Pricing, priceSizes } from './price-sizes.ts';
import type { RequestSizes } from './request-sizes.ts';
import { SizeCounter } from './size-counter.ts';

/** What a bound is made with. Without counted requests the calibration is the wide one of each model. */
export interface Bounding extends Pricing {
  readonly calibration: Calibration;
}

/**
 * The most that requests of these sizes may cost: each prompt at its high count, all that is marked written to the cache and
 * nothing read, each answer at its max_tokens. Null when a model has no price. Searches of the web are not in it.
 */
export function boundOf(sizes: RequestSizes, { calibration, ...pricing }: Bounding): MicroUsd | null {
  const end = {
    end: 'high',
    calibration,
    hitRate: () => 0,
    outputOf: ({ maxTokens }: { readonly maxTokens: number }) => maxTokens,
  } as const;
  return priceSizes(sizes, end, pricing);
}

/** The same of one request. */
export function boundOfRequest(paramsJson: string, bounding: Bounding): MicroUsd | null {
  const counter = new SizeCounter();
  counter.add(paramsJson, null);
  return boundOf(counter.sizes(), bounding);
}
