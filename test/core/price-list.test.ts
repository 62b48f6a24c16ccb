import { describe, expect, test } from 'vitest';
import type { PriceOverride } from '../../src/core/model-price.ts';
import { bandFor, openPriceList } from '../../src/core/price-list.ts';

const AT = '2026-11-20T12:00:00Z';

function override(model: string, more: Partial<PriceOverride>): PriceOverride {
  return {
    model,
    input: null,
    output: null,
    cacheWrite5m: null,
    cacheWrite1h: null,
    cacheRead: null,
    batchPercent: null,
    ...more,
  };
}

function priceOf(model: string, overrides: readonly PriceOverride[], at = AT) {
  return openPriceList(overrides).priceOf(model, at);
}

describe('a price is found', () => {
  test('by the dated and by the dateless name of a model', () => {
    const list = openPriceList([]);
    expect(list.priceOf('claude-haiku-4-5-20251001', AT)).toBe(list.priceOf('claude-haiku-4-5', AT));
    expect(list.priceOf('claude-haiku-4-5', AT)).not.toBeNull();
  });

  test('not for a model that nobody knows, and not for a made-up date of one that is known', () => {
    const list = openPriceList([]);
    expect(list.priceOf('claude-nope', AT)).toBeNull();
    expect(list.priceOf('claude-opus-5-20260723', AT)).toBeNull();
    expect(list.priceOf(null, AT)).toBeNull();
  });

  // Sonnet 5.5 read its cache at 0.20 USD before 2026-10-07, and at 0.10 since.
  test.each([
    ['2026-09-28', 200_000],
    ['2026-10-06T23:59:59.999999+00:00', 200_000],
    ['2026-10-07T00:00:00Z', 100_000],
    ['2026-10-07', 100_000],
    // Still the 6th in UTC.
    ['2026-10-07T01:30:00+02:00', 200_000],
  ])('of the day it is asked for: on %s a read of Sonnet 5.5 is %i', (at, read) => {
    const list = openPriceList([]);
    expect(list.priceOf('claude-sonnet-5-5', at)?.bands[0]?.cacheRead).toBe(read);
    expect(list.all(at).filter(({ model }) => model === 'claude-sonnet-5-5')).toHaveLength(1);
  });

  test('with the surcharge for the US only on models from 4.6 on', () => {
    const list = openPriceList([]);
    const percents = ['opus-4-5', 'sonnet-4-5', 'haiku-4-5', 'opus-4-6', 'sonnet-4-6', 'haiku-5-5'].map(
      (name) => list.priceOf(`claude-${name}`, AT)?.usPercent,
    );
    expect(percents).toEqual([100, 100, 100, 110, 110, 110]);
  });
});

describe('what the job file says', () => {
  test('wins under each name of the model', () => {
    const overrides = [override('claude-haiku-4-5-20251001', { input: 800_000, output: 4_000_000 })];
    expect(priceOf('claude-haiku-4-5', overrides)?.bands).toEqual([
      {
        maxPromptTokens: null,
        input: 800_000,
        output: 4_000_000,
        // As shipped.
        cacheWrite5m: 1_250_000,
        cacheWrite1h: 2_000_000,
        cacheRead: 100_000,
      },
    ]);
  });

  test('wins on every day', () => {
    const overrides = [override('claude-sonnet-5-5', { cacheRead: 50_000 })];
    for (const at of ['2026-10-01', '2026-11-01'])
      expect(priceOf('claude-sonnet-5-5', overrides, at)?.bands[0]?.cacheRead).toBe(50_000);
  });

  test('replaces the bands of a model by one where it names input or output', () => {
    const price = priceOf('claude-haiku-5-5', [override('claude-haiku-5-5', { input: 90_000 })]);
    // What it leaves out is that of the longest prompts: 2.50 out, 0.625, 1.00, 0.05.
    expect(price?.bands).toEqual([
      {
        maxPromptTokens: null,
        input: 90_000,
        output: 2_500_000,
        cacheWrite5m: 625_000,
        cacheWrite1h: 1_000_000,
        cacheRead: 50_000,
      },
    ]);
  });

  test('leaves the bands alone where it names the cache or the batch only', () => {
    const price = priceOf('claude-haiku-5-5', [
      override('claude-haiku-5-5', { cacheRead: 0, batchPercent: 40 }),
    ]);
    expect(price?.batchPercent).toBe(40);
    expect(
      price?.bands.map(({ maxPromptTokens, input, cacheRead }) => [maxPromptTokens, input, cacheRead]),
    ).toEqual([
      [100_000, 100_000, 0],
      [null, 500_000, 0],
    ]);
  });

  test('adds a model, whose cache prices come from its input', () => {
    const list = openPriceList([override('claude-new', { input: 3_000_001, output: 15_000_000 })]);
    // 125 %: 3,750,001.25; 200 %: 6,000,002; 10 %: 300,000.1
    expect(list.priceOf('claude-new', AT)).toMatchObject({
      batchPercent: 50,
      bands: [
        {
          maxPromptTokens: null,
          input: 3_000_001,
          output: 15_000_000,
          cacheWrite5m: 3_750_001,
          cacheWrite1h: 6_000_002,
          cacheRead: 300_000,
        },
      ],
    });
    expect(list.all(AT).at(-1)?.model).toBe('claude-new');
  });

  test('adds no model without both prices', () => {
    expect(priceOf('claude-new', [override('claude-new', { input: 3_000_000 })])).toBeNull();
  });

  test('of one model twice is what was said last', () => {
    const overrides = [
      override('claude-new', { input: 1, output: 2 }),
      override('claude-new', { output: 3, cacheRead: 4 }),
    ];
    expect(priceOf('claude-new', overrides)?.bands[0]).toMatchObject({ input: 1, output: 3, cacheRead: 4 });
  });
});

test.each([
  [0, 0],
  [100_000, 0],
  [100_001, 1],
  [1_000_000, 1],
])('a prompt of %i tokens is in band %i of Haiku 5.5', (tokens, band) => {
  const price = openPriceList([]).priceOf('claude-haiku-5-5', AT);
  expect(price === null ? null : bandFor(price, tokens)).toBe(band);
});
