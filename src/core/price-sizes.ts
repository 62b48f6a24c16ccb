import type { Calibration, Range } from './estimate.ts';
import { calibrationFor, localCalibration } from './local-calibration.ts';
import type { ModelPrice, PriceBand } from './model-price.ts';
import { shippedModel } from './models.ts';
import { type MicroUsd, type PricedTokens, priceTokens, type Rate } from './money.ts';
import { bandFor, type PriceList } from './price-list.ts';
import type { CachedPrefix, RequestSizes, SizeClass } from './request-sizes.ts';
import type { Shard } from './shard.ts';

export type RangeEnd = keyof Range;

/** At which prices requests go. */
export interface Pricing {
  readonly route: Shard['route'];
  readonly prices: PriceList;
  /** RFC 3339, or a date. */
  readonly at: string;
}

/** One end of a range of guesses at what requests are charged for. */
export interface SizesEnd {
  readonly end: RangeEnd;
  readonly calibration: Calibration;
  /** Of the tokens under this mark, the share that is read from the cache: 0 to 1. */
  readonly hitRate: (prefix: CachedPrefix) => number;
  /** Output tokens of all requests of a class. */
  readonly outputOf: (size: SizeClass) => number;
}

const ROUNDING = { low: 'down', likely: 'nearest', high: 'up' } as const;
const ROUND = { low: Math.floor, likely: Math.round, high: Math.ceil } as const;

/** Input tokens of all requests of a class. */
export function inputOf(size: Pick<SizeClass, 'model' | 'tokens'>, calibration: Calibration, end: RangeEnd) {
  return ROUND[end](size.tokens * calibrationFor(calibration, size.model)[end]);
}

/**
 * What the requests cost; null when a model has no price. At the `high` end the price is a bound: a class is charged by the band
 * of its largest request, and what stands under a mark by the dearest band of its model.
 */
export function priceSizes(sizes: RequestSizes, end: SizesEnd, pricing: Pricing): MicroUsd | null {
  if (pricing.route === 'none') return 0;
  let cost = 0;
  for (const classes of byModel(sizes.classes)) {
    const [{ model, isUs }] = classes;
    const price = pricing.prices.priceOf(model, pricing.at);
    if (price === null) return null;
    const prefixes = sizes.prefixes.filter((one) => one.model === model && one.isUs === isUs);
    const percents = [
      ...(pricing.route === 'batch' ? [price.batchPercent] : []),
      ...(isUs ? [price.usPercent] : []),
    ];
    const parts = [...priceClasses(classes, price, end), ...priceMarks(classes, prefixes, price, end)];
    cost += priceTokens(parts, percents, ROUNDING[end.end]);
  }
  return cost;
}

function* priceClasses(
  classes: readonly SizeClass[],
  price: ModelPrice,
  { end, calibration, outputOf }: SizesEnd,
): Generator<PricedTokens> {
  for (const size of classes) {
    const band = bandOf(size, price, calibration, end);
    yield { tokens: inputOf(size, calibration, end), rate: band.input };
    yield { tokens: ROUND[end](outputOf(size)), rate: band.output };
  }
}

/** What a mark adds to the price of its tokens as input, or takes from it. */
function* priceMarks(
  classes: readonly SizeClass[],
  prefixes: readonly CachedPrefix[],
  price: ModelPrice,
  { end, calibration, hitRate }: SizesEnd,
): Generator<PricedTokens> {
  const bands = classes.map((size) => bandOf(size, price, calibration, end));
  // A mark does not say which size its requests have.
  const [band, highest] = [bands[0], bands.at(-1)];
  if (band === undefined || highest === undefined) return;
  const { input, cacheRead, ...writes } = end === 'high' ? highest : band;
  const writeOf = ({ ttl }: CachedPrefix): Rate => (ttl === '1h' ? writes.cacheWrite1h : writes.cacheWrite5m);
  let left = classes.reduce((sum, size) => sum + inputOf(size, calibration, end), 0);
  // Should the marks hold more than there is, a bound takes the dearest.
  for (const prefix of prefixes.toSorted((a, b) => writeOf(b) - writeOf(a))) {
    const cached = Math.min(left, cachedTokens(prefix, calibration, end));
    left -= cached;
    const read = Math.round(cached * hitRate(prefix));
    const write = writeOf(prefix);
    // A price that a user gave may make a write cheaper than none, or than a read: no reason to expect one.
    const dearest = Math.max(0, write - input, cacheRead - input);
    yield { tokens: cached - read, rate: end === 'high' ? dearest : write - input };
    yield { tokens: read, rate: cacheRead - input };
  }
}

/**
 * The tokens under one mark, of all its requests, that its model takes into the cache: none below its minimum. A mark before
 * it that is below takes nothing, so that this one begins at the beginning. At the `high` end they may be more than the requests have.
 */
export function cachedTokens(prefix: CachedPrefix, calibration: Calibration, end: RangeEnd): number {
  const ratios = calibrationFor(calibration, prefix.model);
  const least = (prefix.model === null ? null : shippedModel(prefix.model)?.minCachedTokens) ?? 0;
  // Whole requests were counted: what is marked may be of a denser text than the rest, at most of the densest.
  const most = Math.max(ratios.high, localCalibration(prefix.model).high);
  // Whether it is cached is one guess for both, for else the low end would be one of another kind.
  const ratio = end === 'high' ? most : ratios.likely;
  if (prefix.tokensUpTo * ratio < least) return 0;
  const isFirst = (prefix.tokensUpTo - prefix.tokens) * ratio < least;
  const each = isFirst ? prefix.tokensUpTo : prefix.tokens;
  return ROUND[end](each * prefix.requests * (end === 'high' ? most : ratios[end]));
}

function bandOf(size: SizeClass, price: ModelPrice, calibration: Calibration, end: RangeEnd): PriceBand {
  const one = end === 'high' ? size.largest : size.tokens / size.requests;
  const index = bandFor(price, Math.ceil(one * calibrationFor(calibration, size.model)[end]));
  const band = price.bands[index];
  if (band === undefined) throw new RangeError(`${price.model} has no price`);
  return band;
}

/** The classes of each model, the smallest first. */
function byModel(classes: readonly SizeClass[]): readonly [SizeClass, ...SizeClass[]][] {
  const models = new Map<string, [SizeClass, ...SizeClass[]]>();
  for (const size of classes.toSorted((a, b) => a.exponent - b.exponent)) {
    const key = `${size.isUs} ${size.model}`;
    const known = models.get(key);
    if (known === undefined) models.set(key, [size]);
    else known.push(size);
  }
  return [...models.values()];
}
