import { expect, test } from 'vitest';
import { boundOf, boundOfRequest } from '../../src/core/cost-bound.ts';
import type { Calibration } from '../../src/core/estimate.ts';
import { LOCAL_CALIBRATION, localCalibration } from '../../src/core/local-calibration.ts';
import { openPriceList } from '../../src/core/price-list.ts';
import type { CachedPrefix, RequestSizes, SizeClass } from '../../src/core/request-sizes.ts';

// Prices by hand, USD per million, API.md 1.20: claude-sonnet-5-5 2 in, 10 out, 4 for a 1h write; claude-haiku-5-5 0.10 in and
// 0.50 out up to 100,000 tokens of prompt, 0.50 and 2.50 above; batch: half.
const SONNET = 'claude-sonnet-5-5';
const COUNTED: Calibration = { low: 1, likely: 1.1, high: 1.2, counted: 4 };
const PRICES = openPriceList([]);

const bounding = (route: 'batch' | 'real_time', calibration = COUNTED) =>
  ({ calibration, route, prices: PRICES, at: '2026-11-20' }) as const;

function sizeOf(more: Partial<SizeClass>): SizeClass {
  const size = { model: SONNET, isUs: false, exponent: 10, requests: 10, tokens: 10_000 };
  return { ...size, largest: 1_000, maxTokens: 5_000, ...more };
}

function sizesOf(classes: readonly SizeClass[], prefixes: readonly CachedPrefix[] = []): RequestSizes {
  return { classes, prefixes, sample: [] };
}

function prefixOf(more: Partial<CachedPrefix>): CachedPrefix {
  const prefix = { model: SONNET, isUs: false, ttl: '1h', requests: 10, distinct: 1, hash: 'h' } as const;
  return { ...prefix, tokens: 600, tokensUpTo: 600, ...more };
}

test('the bound takes the high count of each prompt and every answer at its max_tokens', () => {
  // 10,000 x 1.2 = 12,000 in x 2 = 24,000; 5,000 out x 10 = 50,000; 74,000 micro-dollars, in a batch half.
  expect(boundOf(sizesOf([sizeOf({})]), bounding('real_time'))).toBe(74_000);
  expect(boundOf(sizesOf([sizeOf({})]), bounding('batch'))).toBe(37_000);
});

test('what is marked is taken as written each time', () => {
  // All 12,000 tokens at 4 in the place of 2: 24,000 more; (74,000 + 24,000) / 2.
  expect(boundOf(sizesOf([sizeOf({})], [prefixOf({})]), bounding('batch'))).toBe(49_000);
});

test('what is marked may be of a denser text than the rest, which the count of whole requests does not show', () => {
  // 200 x 10 at up to 3.25, not 1.2, tokens each: 6,500 at 4 in the place of 2: 13,000 more; (74,000 + 13,000) / 2.
  const prefix = prefixOf({ tokens: 200, tokensUpTo: 200 });
  expect(boundOf(sizesOf([sizeOf({})], [prefix]), bounding('batch'))).toBe(43_500);
});

test('marks that might hold more than there is are taken for the dearer kind', () => {
  const prefixes = [prefixOf({ ttl: '5m' }), prefixOf({ hash: 'i', tokensUpTo: 1_200 })];
  expect(boundOf(sizesOf([sizeOf({})], prefixes), bounding('batch'))).toBe(49_000);
});

test('with a price that makes reads the dearest, all that is marked is taken as read', () => {
  const override = { model: SONNET, input: 2_000_000, output: 10_000_000, cacheRead: 6_000_000 };
  const rest = { cacheWrite5m: null, cacheWrite1h: null, batchPercent: null };
  const prices = openPriceList([{ ...override, ...rest }]);
  // 12,000 x 6 + 50,000 = 122,000, in a batch half.
  const pricing = { ...bounding('batch'), prices };
  expect(boundOf(sizesOf([sizeOf({})], [prefixOf({})]), pricing)).toBe(61_000);
});

test('a mark below the minimum of its model changes nothing', () => {
  // 150 x 3.25 = 487.5 of 512 tokens.
  const prefix = prefixOf({ tokens: 150, tokensUpTo: 150 });
  expect(boundOf(sizesOf([sizeOf({})], [prefix]), bounding('batch'))).toBe(37_000);
});

test('a mark after one that is below the minimum is written from the beginning on', () => {
  const first = prefixOf({ tokens: 100, tokensUpTo: 100 });
  const second = prefixOf({ tokens: 100, tokensUpTo: 200, hash: 'i' });
  expect(boundOf(sizesOf([sizeOf({})], [first, second]), bounding('batch'))).toBe(43_500);
});

test('a request for the US costs a tenth more', () => {
  expect(boundOf(sizesOf([sizeOf({ isUs: true })]), bounding('batch'))).toBe(40_700);
});

test('a class is charged by the band of its largest prompt at the high count', () => {
  const small = { exponent: 14, requests: 1, tokens: 10_000, largest: 10_000, maxTokens: 1_000 };
  const large = { exponent: 17, requests: 1, tokens: 90_000, largest: 90_000, maxTokens: 1_000 };
  const classes = [large, small].map((one) => sizeOf({ model: 'claude-haiku-5-5', ...one }));
  // 12,000 x 0.10 + 1,000 x 0.50 = 1,700; 108,000 x 0.50 + 1,000 x 2.50 = 56,500; half of 58,200.
  expect(boundOf(sizesOf(classes), bounding('batch'))).toBe(29_100);
});

test('less than a micro-dollar is rounded up', () => {
  const size = { model: 'claude-haiku-5-5', requests: 1, tokens: 1, largest: 1, maxTokens: 0 };
  expect(boundOf(sizesOf([sizeOf(size)]), bounding('batch'))).toBe(1);
});

test('a model without a price has no bound, and what is not sent costs nothing', () => {
  const sizes = sizesOf([sizeOf({}), sizeOf({ model: 'claude-nobody' })]);
  expect(boundOf(sizes, bounding('batch'))).toBeNull();
  expect(boundOf(sizes, { ...bounding('batch'), route: 'none' })).toBe(0);
});

test('without a count each model has a wide margin of its own', () => {
  // 10,000 x 2.5 x 3 = 75,000 and 5,000 x 15 = 75,000 for Sonnet 4.6; 10,000 x 3.25 x 2 = 65,000 and 50,000 for Sonnet 5.5.
  const older = sizesOf([sizeOf({ model: 'claude-sonnet-4-6' })]);
  expect(boundOf(older, bounding('real_time', LOCAL_CALIBRATION))).toBe(150_000);
  expect(boundOf(sizesOf([sizeOf({})]), bounding('real_time', LOCAL_CALIBRATION))).toBe(115_000);
});

test('one request is bound by its text', () => {
  const turn = '"messages":[{"role":"user","content":"';
  const paramsJson = `{"model":"${SONNET}","max_tokens":500,${turn}${'x'.repeat(4_000 - turn.length - 4)}"}]}`;
  // 1,000 x 1.2 x 2 + 500 x 10 = 7,400.
  expect(boundOfRequest(paramsJson, bounding('real_time'))).toBe(7_400);
});

test.each([
  ['claude-haiku-4-5', 1],
  ['claude-haiku-4-5-20251001', 1],
  ['claude-opus-4-6', 1],
  ['claude-opus-4-7', 1.3],
  ['claude-sonnet-5-5', 1.3],
  ['claude-next-9', 1.3],
])('%s takes about %d tokens for four bytes', (model, likely) => {
  expect(localCalibration(model).likely).toBe(likely);
});
