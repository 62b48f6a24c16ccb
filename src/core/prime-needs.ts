import { LOCAL_CALIBRATION } from './local-calibration.ts';
import type { ModelPrice } from './model-price.ts';
import type { PriceList } from './price-list.ts';
import { cachedTokens } from './price-sizes.ts';
import type { CachedPrefix } from './request-sizes.ts';

/** More than so many batches' worth of single requests would cost more time than they save. */
const MOST_PRIMES = 20;

/** A prompt's beginning that several requests share and that their model keeps for an hour. */
export type PrimeNeed = Pick<CachedPrefix, 'model' | 'isUs' | 'hash'>;

/** What there is to be seeded, or why there is nothing. */
export type PrimeFinding =
  | { readonly kind: 'needs'; readonly needs: readonly PrimeNeed[] }
  | { readonly kind: 'nothing'; readonly reason: 'no_mark' | 'only_5m' | 'too_short' | 'not_shared' };

/** Tells one beginning from another: the same text is another one to another model. */
export function prefixKey({ model, isUs, hash }: PrimeNeed): string {
  return `${hash} ${isUs} ${model}`;
}

/**
 * Which beginnings are worth a request that goes first: marked for an hour, long enough for their model, and shared by at
 * least two requests; the biggest savings first, MOST_PRIMES at most. `prefixes`: of all requests that are to be sent.
 */
export function findPrimeNeeds(
  prefixes: readonly CachedPrefix[],
  prices: PriceList,
  at: string,
): PrimeFinding {
  if (prefixes.length === 0) return { kind: 'nothing', reason: 'no_mark' };
  const anHour = prefixes.filter(({ ttl }) => ttl === '1h');
  if (anHour.length === 0) return { kind: 'nothing', reason: 'only_5m' };
  const long = anHour.filter((prefix) => cachedTokens(prefix, LOCAL_CALIBRATION, 'likely') > 0);
  if (long.length === 0) return { kind: 'nothing', reason: 'too_short' };
  // The many that are counted as one are those of single requests.
  const shared = long.filter(({ hash, requests }) => hash !== '' && requests > 1);
  if (shared.length === 0) return { kind: 'nothing', reason: 'not_shared' };
  const savings = new Map(
    shared.map((prefix) => [prefix, savingOf(prefix, prices.priceOf(prefix.model, at))]),
  );
  const best = shared.toSorted((a, b) => (savings.get(b) ?? 0) - (savings.get(a) ?? 0));
  return { kind: 'needs', needs: best.slice(0, MOST_PRIMES) };
}

/** To compare with others only: what its requests save when they read what the first of them has written. */
function savingOf({ requests, tokensUpTo }: CachedPrefix, price: ModelPrice | null): number {
  const band = price?.bands[0];
  const rate = band === undefined ? 1 : band.cacheWrite1h - band.cacheRead;
  return (requests - 1) * tokensUpTo * rate;
}
