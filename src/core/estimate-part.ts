import type { Calibration, PartEstimate, Range } from './estimate.ts';
import type { OutputGuess } from './guess-output.ts';
import { type MicroUsd, sumOrUnknown } from './money.ts';
import type { PriceList } from './price-list.ts';
import { cachedTokens, inputOf, priceSizes, type RangeEnd } from './price-sizes.ts';
import type { CachedPrefix, RequestSizes, SizeClass } from './request-sizes.ts';

/** The sizes of some requests; at each end the same where they are built. */
export interface EstimatedSizes extends Range<RequestSizes> {
  readonly calibration: Calibration;
}

export interface PartInput {
  readonly output: OutputGuess;
  /** Of earlier answers, the share of the cached tokens that was read; null: nobody knows. */
  readonly measuredHitRate: number | null;
  readonly prices: PriceList;
  readonly at: string;
}

const NO_RANGE: Range = { low: 0, likely: 0, high: 0 };
export const NO_PART: PartEstimate = {
  requests: 0,
  inputTokens: NO_RANGE,
  outputTokens: NO_RANGE,
  batch: NO_RANGE,
  realTime: NO_RANGE,
};

/** What some requests are expected to be and to cost. */
export function estimatePart(sizes: EstimatedSizes, input: PartInput): PartEstimate {
  const { calibration } = sizes;
  const outputOf = (size: SizeClass, end: RangeEnd): number =>
    input.output.outputOf(size, inputOf(size, calibration, 'likely'), end);
  const price = (route: 'batch' | 'real_time'): Range<MicroUsd> | null => {
    const range = rangeOf((end) => {
      // What is read from the cache is cheap: many reads are the low end.
      const hitRate = (prefix: CachedPrefix): number => hitRatesOfPrefix(prefix, input.measuredHitRate)[end];
      const at = { end, calibration, hitRate, outputOf: (size: SizeClass) => outputOf(size, end) };
      return priceSizes(sizes[end], at, { route, prices: input.prices, at: input.at });
    });
    const { low, likely, high } = range;
    if (low === null || likely === null || high === null) return null;
    // A price that a user gave may make a read dearer than a write.
    return { low: Math.min(low, likely), likely, high };
  };
  const sum = (end: RangeEnd, of: (size: SizeClass) => number): number =>
    sizes[end].classes.reduce((total, size) => total + of(size), 0);
  return {
    requests: sizes.likely.classes.reduce((total, { requests }) => total + requests, 0),
    inputTokens: rangeOf((end) => sum(end, (size) => inputOf(size, calibration, end))),
    outputTokens: rangeOf((end) => Math.round(sum(end, (size) => outputOf(size, end)))),
    batch: price('batch'),
    realTime: price('real_time'),
  };
}

/** The parts as one. */
export function sumParts(parts: readonly PartEstimate[]): PartEstimate {
  const prices = (of: (part: PartEstimate) => Range<MicroUsd> | null): Range<MicroUsd> | null => {
    const known = parts.map(of);
    const range = rangeOf((end) => sumOrUnknown(known.map((one) => one?.[end] ?? null)));
    const { low, likely, high } = range;
    return low === null || likely === null || high === null ? null : { low, likely, high };
  };
  const tokens = (of: (part: PartEstimate) => Range): Range =>
    rangeOf((end) => parts.reduce((sum, part) => sum + of(part)[end], 0));
  return {
    requests: parts.reduce((sum, { requests }) => sum + requests, 0),
    inputTokens: tokens(({ inputTokens }) => inputTokens),
    outputTokens: tokens(({ outputTokens }) => outputTokens),
    batch: prices(({ batch }) => batch),
    realTime: prices(({ realTime }) => realTime),
  };
}

/** The share of the tokens under marks that is read, from few to many; null when nothing is marked that would be cached. */
export function hitRatesOf(sizes: EstimatedSizes, measured: number | null): Range | null {
  const marked = sizes.likely.prefixes.map((prefix) => ({
    tokens: cachedTokens(prefix, sizes.calibration, 'likely'),
    rates: hitRatesOfPrefix(prefix, measured),
  }));
  const all = marked.reduce((sum, { tokens }) => sum + tokens, 0);
  if (all === 0) return null;
  const rateOf = (end: RangeEnd): number =>
    marked.reduce((sum, { tokens, rates }) => sum + tokens * rates[end], 0) / all;
  return { low: rateOf('high'), likely: rateOf('likely'), high: rateOf('low') };
}

/** By the end of the price: at its high end nothing is read, at its low end all but the first of each prefix. */
function hitRatesOfPrefix({ requests, distinct }: CachedPrefix, measured: number | null): Range {
  const most = requests === 0 ? 0 : Math.max(0, 1 - distinct / requests);
  // Hits are best effort in a batch: 30 to 98 % are reported (prompt caching page), so half way is a guess.
  return { low: most, likely: Math.min(most, measured ?? most / 2), high: 0 };
}

function rangeOf<T>(of: (end: RangeEnd) => T): Range<T> {
  return { low: of('low'), likely: of('likely'), high: of('high') };
}
