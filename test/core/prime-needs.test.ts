import { expect, test } from 'vitest';
import { openPriceList } from '../../src/core/price-list.ts';
import { findPrimeNeeds } from '../../src/core/prime-needs.ts';
import type { CachedPrefix } from '../../src/core/request-sizes.ts';

const prefix = (more: Partial<CachedPrefix> = {}): CachedPrefix => ({
  model: 'claude-haiku-5-5',
  isUs: false,
  ttl: '1h',
  tokens: 1_000,
  tokensUpTo: 1_000,
  requests: 10,
  distinct: 1,
  hash: 'aa',
  ...more,
});

const find = (...prefixes: readonly CachedPrefix[]) =>
  findPrimeNeeds(prefixes, openPriceList([]), '2026-11-20');

test.each([
  ['no_mark', []],
  ['only_5m', [prefix({ ttl: '5m' })]],
  // 512 tokens at least, and this is about 1.3 × 300.
  ['too_short', [prefix({ tokens: 300, tokensUpTo: 300 })]],
  ['not_shared', [prefix({ requests: 1 }), prefix({ requests: 50, distinct: 50, hash: '' })]],
] as const)('%s: there is nothing to prime', (reason, prefixes) => {
  expect(find(...prefixes)).toEqual({ kind: 'nothing', reason });
});

test('what is shared, long enough and kept for an hour is primed, the rest is left alone', () => {
  const found = find(
    prefix({ ttl: '5m', hash: 'short-lived' }),
    prefix({ requests: 1, hash: 'alone' }),
    prefix(),
  );
  expect(found).toMatchObject({ kind: 'needs', needs: [{ hash: 'aa' }] });
});

test('of very many beginnings the twenty that save most are primed', () => {
  const many = Array.from({ length: 30 }, (_, index) => prefix({ hash: `p${index}`, requests: index + 2 }));
  const found = find(...many);
  if (found.kind !== 'needs') throw new Error('nothing was found');
  expect(found.needs.map(({ hash }) => hash)).toEqual(
    Array.from({ length: 20 }, (_, index) => `p${29 - index}`),
  );
});

test('a dearer model comes first', () => {
  // 10 requests each save 9 × 1,000 tokens × (write - read): 0.19 on Haiku 5.5, 3.9 on Sonnet 5.5.
  const found = find(prefix({ hash: 'cheap' }), prefix({ hash: 'dear', model: 'claude-sonnet-5-5' }));
  expect(found).toMatchObject({ needs: [{ hash: 'dear' }, { hash: 'cheap' }] });
});
