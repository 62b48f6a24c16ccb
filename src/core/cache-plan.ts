import type { Bounding } from './cost-bound.ts';
import type { Calibration } from './estimate.ts';
import { calibrationFor } from './local-calibration.ts';
import { shippedModel } from './models.ts';
import { formatUsd, type MicroUsd, priceTokens } from './money.ts';
import { bandFor } from './price-list.ts';
import { cachedTokens } from './price-sizes.ts';
import type { CachedPrefix, RequestSizes } from './request-sizes.ts';

/** What caching comes to for prompts that are marked alike, by the likely count of their tokens. */
export interface PrefixPlan {
  readonly model: string | null;
  readonly ttl: CachedPrefix['ttl'];
  /** How many different ones, and requests that begin with one of them. */
  readonly prefixes: number;
  readonly requests: number;
  /** Likely tokens of the longest of them. */
  readonly longest: number;
  /** From so many on the model caches at all; 0: not known. */
  readonly minimum: number;
  /** At least one is long enough for its model. */
  readonly isCached: boolean;
  /** The share of requests that read at best: all but the first of each prefix. 0 to 1. */
  readonly bestHitRate: number;
  /** Above this share it costs less than no cache; null: no price is known. */
  readonly neededHitRate: number | null;
  /** What caching adds to the price when nobody reads, and when all do that can; negative: saves. Null: no price. */
  readonly atWorst: MicroUsd | null;
  readonly atBest: MicroUsd | null;
}

/**
 * Above which share of hits a mark pays, from the prices of a write and a read: with w and r in multiples of the input price,
 * writing what misses and reading what hits costs (1 - h) w + h r, which is 1 at h = (w - 1) / (w - r).
 */
export function breakEvenRate(rates: {
  readonly input: number;
  readonly write: number;
  readonly read: number;
}): number {
  const { input, write, read } = rates;
  if (write <= input) return 0;
  return (write - input) / (write - read);
}

/** One plan for each model, time and fate of its marks: cached, or too short. */
export function planPrefixes(
  { prefixes }: Pick<RequestSizes, 'prefixes'>,
  pricing: Bounding,
): readonly PrefixPlan[] {
  const alike = Map.groupBy(prefixes, (prefix) =>
    JSON.stringify([prefix.model, prefix.ttl, isCached(prefix, pricing.calibration), isShared(prefix)]),
  );
  return [...alike.values()].map((list) => planOf(list, pricing));
}

/** What is to be told of cache marks. */
export interface CacheRemark {
  readonly text: string;
  /** They cost more than they save, or do nothing. */
  readonly isWarning: boolean;
}

/** Of the marks of one stage; nothing where it has none. `stage` null: the job has one. */
export function cachePlan(
  sizes: Pick<RequestSizes, 'prefixes'>,
  pricing: Bounding,
  stage: string | null = null,
): readonly CacheRemark[] {
  const where = stage === null ? '' : ` of stage ${stage}`;
  return planPrefixes(sizes, pricing).map((plan) => remarkOn(plan, where, pricing));
}

function remarkOn(plan: PrefixPlan, where: string, { route }: Bounding): CacheRemark {
  const { model, ttl, longest, minimum, requests, bestHitRate, neededHitRate } = plan;
  const marks = `the ${ttl} cache mark${where}`;
  if (!plan.isCached) {
    const text = `${marks} is below the minimum of ${model} (about ${amount(longest)} of ${amount(minimum)} tokens): nothing is cached`;
    return { text, isWarning: true };
  }
  const needed = neededHitRate === null ? 'some' : percent(neededHitRate);
  if (bestHitRate === 0) {
    const text = `${marks} stands behind what differs: each of ${requests} requests pays for a write and none reads`;
    return { text: `${text}${priceOf(plan, route)}`, isWarning: true };
  }
  if (neededHitRate !== null && bestHitRate <= neededHitRate) {
    const text = `${marks} does not pay: at most ${percent(bestHitRate)} of ${requests} requests can read, and it takes more than ${needed}`;
    return { text: `${text}${priceOf(plan, route)}`, isWarning: true };
  }
  const text = `${marks} pays when more than ${needed} of ${requests} requests read it${priceOf(plan, route)}`;
  // Source: build-with-claude/batch-processing, «most batches finish within an hour».
  const isShort = ttl === '5m' && route === 'batch';
  return isShort
    ? { text: `${text}; few batches are done in five minutes, so mark with 1h`, isWarning: true }
    : { text, isWarning: false };
}

function priceOf({ atWorst, atBest }: PrefixPlan, route: Bounding['route']): string {
  if (atWorst === null || atBest === null) return '';
  const where = route === 'batch' ? ' in a batch' : '';
  return atBest < 0
    ? `: it saves up to ${formatUsd(-atBest)}${where}, or costs up to ${formatUsd(atWorst)} more than none`
    : `: up to ${formatUsd(atWorst)} more than without${where}`;
}

function amount(tokens: number): string {
  return tokens.toLocaleString('en-US');
}

/** Never rounded down to what is not enough. */
function percent(share: number): string {
  return `${Math.ceil(share * 100)} %`;
}

function isCached(prefix: CachedPrefix, calibration: Calibration): boolean {
  return cachedTokens(prefix, calibration, 'likely') > 0;
}

function isShared({ requests, distinct }: CachedPrefix): boolean {
  return requests > distinct;
}

function planOf(list: readonly CachedPrefix[], pricing: Bounding): PrefixPlan {
  const { calibration } = pricing;
  const [{ model = null, ttl = '1h' } = {}] = list;
  const requests = Math.max(...list.map((prefix) => prefix.requests), sumUnnested(list));
  const tokens = list.map((prefix) => cachedTokens(prefix, calibration, 'likely'));
  const all = sum(tokens);
  const reads = sum(
    list.map(
      (prefix, index) => ((tokens[index] ?? 0) * (prefix.requests - prefix.distinct)) / prefix.requests,
    ),
  );
  const longest = Math.max(...list.map(({ tokensUpTo }) => tokensUpTo)) * ratioOf(model, calibration);
  return {
    model,
    ttl,
    prefixes: sum(list.map(({ distinct }) => distinct)),
    requests,
    longest: Math.round(longest),
    minimum: (model === null ? null : shippedModel(model)?.minCachedTokens) ?? 0,
    isCached: all > 0,
    bestHitRate: all === 0 ? 0 : reads / all,
    ...pricesOf(list, tokens, pricing),
  };
}

/** Requests with several marks are counted once: those of the first mark of each. */
function sumUnnested(list: readonly CachedPrefix[]): number {
  return sum(list.filter(({ tokens, tokensUpTo }) => tokens === tokensUpTo).map(({ requests }) => requests));
}

function pricesOf(
  list: readonly CachedPrefix[],
  tokens: readonly number[],
  { calibration, prices, at, route }: Bounding,
): Pick<PrefixPlan, 'neededHitRate' | 'atWorst' | 'atBest'> {
  const [first] = list;
  const price = prices.priceOf(first?.model ?? null, at);
  if (first === undefined || price === null) return { neededHitRate: null, atWorst: null, atBest: null };
  const longest = Math.max(...list.map(({ tokensUpTo }) => tokensUpTo));
  const band = price.bands[bandFor(price, longest * ratioOf(first.model, calibration))];
  if (band === undefined) throw new RangeError(`${price.model} has no price`);
  const write = first.ttl === '1h' ? band.cacheWrite1h : band.cacheWrite5m;
  const { input, cacheRead: read } = band;
  const percents = (isUs: boolean): readonly number[] => [
    ...(route === 'batch' ? [price.batchPercent] : []),
    ...(isUs ? [price.usPercent] : []),
  ];
  let atWorst = 0;
  let atBest = 0;
  for (const [index, { requests, distinct, isUs }] of list.entries()) {
    const all = tokens[index] ?? 0;
    const written = Math.round((all * distinct) / requests);
    const plain = priceTokens([{ tokens: all, rate: input }], percents(isUs));
    const onlyWritten = [{ tokens: all, rate: write }];
    const mostlyRead = [
      { tokens: written, rate: write },
      { tokens: all - written, rate: read },
    ];
    atWorst += priceTokens(onlyWritten, percents(isUs)) - plain;
    atBest += priceTokens(mostlyRead, percents(isUs)) - plain;
  }
  return { neededHitRate: breakEvenRate({ input, write, read }), atWorst, atBest };
}

function ratioOf(model: string | null, calibration: Calibration): number {
  return calibrationFor(calibration, model).likely;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
