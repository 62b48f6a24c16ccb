import { describe, expect, test } from 'vitest';
import { chargeOf } from '../../src/core/billing.ts';
import { openPriceList } from '../../src/core/price-list.ts';
import { type BilledUsage, NOTHING_BILLED } from '../../src/core/spent-line.ts';

/**
 * The table of the price page on 2026-11-20, USD for a million tokens: input, output, cache write 5m, 1h, cache read;
 * then the same in a batch.
 */
type Row = readonly [
  model: string,
  standard: readonly [number, number, number, number, number],
  batch: readonly [number, number, number, number, number],
];
const TABLE: readonly Row[] = [
  ['claude-fable-5-2', [8, 40, 10, 16, 0.2], [4, 20, 5, 8, 0.1]],
  ['claude-mythos-5-2', [8, 40, 10, 16, 0.2], [4, 20, 5, 8, 0.1]],
  ['claude-fable-5-1', [10, 50, 12.5, 20, 0.25], [5, 25, 6.25, 10, 0.125]],
  ['claude-mythos-5-1', [10, 50, 12.5, 20, 0.25], [5, 25, 6.25, 10, 0.125]],
  ['claude-fable-5', [10, 50, 12.5, 20, 1], [5, 25, 6.25, 10, 0.5]],
  ['claude-mythos-5', [10, 50, 12.5, 20, 1], [5, 25, 6.25, 10, 0.5]],
  ['claude-opus-5-5', [4, 20, 5, 8, 0.2], [2, 10, 2.5, 4, 0.1]],
  ['claude-opus-5', [5, 25, 6.25, 10, 0.5], [2.5, 12.5, 3.125, 5, 0.25]],
  ['claude-opus-4-8', [5, 25, 6.25, 10, 0.5], [2.5, 12.5, 3.125, 5, 0.25]],
  ['claude-opus-4-7', [5, 25, 6.25, 10, 0.5], [2.5, 12.5, 3.125, 5, 0.25]],
  ['claude-opus-4-6', [5, 25, 6.25, 10, 0.5], [2.5, 12.5, 3.125, 5, 0.25]],
  ['claude-opus-4-5', [5, 25, 6.25, 10, 0.5], [2.5, 12.5, 3.125, 5, 0.25]],
  ['claude-opus-4-5-20251101', [5, 25, 6.25, 10, 0.5], [2.5, 12.5, 3.125, 5, 0.25]],
  ['claude-sonnet-5-5', [2, 10, 2.5, 4, 0.1], [1, 5, 1.25, 2, 0.05]],
  ['claude-sonnet-5', [2, 10, 2.5, 4, 0.2], [1, 5, 1.25, 2, 0.1]],
  ['claude-sonnet-4-6', [3, 15, 3.75, 6, 0.3], [1.5, 7.5, 1.875, 3, 0.15]],
  ['claude-sonnet-4-5', [3, 15, 3.75, 6, 0.3], [1.5, 7.5, 1.875, 3, 0.15]],
  ['claude-sonnet-4-5-20250929', [3, 15, 3.75, 6, 0.3], [1.5, 7.5, 1.875, 3, 0.15]],
  ['claude-haiku-5-5', [0.1, 0.5, 0.125, 0.2, 0.01], [0.05, 0.25, 0.0625, 0.1, 0.005]],
  ['claude-haiku-4-5', [1, 5, 1.25, 2, 0.1], [0.5, 2.5, 0.625, 1, 0.05]],
  ['claude-haiku-4-5-20251001', [1, 5, 1.25, 2, 0.1], [0.5, 2.5, 0.625, 1, 0.05]],
];

const KINDS = ['input', 'output', 'cacheWrite5m', 'cacheWrite1h', 'cacheRead'] as const;
const prices = openPriceList([]);
const at = '2026-11-20';

describe('the shipped prices are those of the price page', () => {
  // A tenth of a million: the longest prompt of the first band. 1 USD for a million is 100,000 micro-dollars for it.
  test.each(TABLE)('%s', (model, standard, batch) => {
    const costs = (route: 'batch' | 'real_time') =>
      KINDS.map(
        (kind) => chargeOf({ ...NOTHING_BILLED, [kind]: 100_000 }, { model, route, at, prices })?.cost,
      );
    expect(costs('real_time')).toEqual(standard.map((usd) => Math.round(usd * 100_000)));
    expect(costs('batch')).toEqual(batch.map((usd) => Math.round(usd * 100_000)));
  });

  test('and each of them has its source and its day', () => {
    const all = prices.all(at);
    expect(all).toHaveLength(18);
    for (const { source, asOf } of all) {
      expect(source).not.toBe('');
      expect(asOf).toMatch(/^2026-\d\d-\d\d$/);
    }
  });
});

describe('Haiku 5.5 above 100,000 tokens of prompt', () => {
  // Upper band, real time: 0.50 in, 2.50 out, 0.625 and 1.00 written, 0.05 read.
  test.each<[string, Partial<BilledUsage>, number]>([
    // 100,000 × 0.10 + 1,000 × 0.50 = 10,000 + 500
    ['at the bound the lower price holds', { input: 100_000, output: 1_000 }, 10_500],
    // 100,001 × 0.50 + 1,000 × 2.50 = 50,000.5 + 2,500 = 52,500.5
    ['one token more makes every token dearer, output included', { input: 100_001, output: 1_000 }, 52_501],
    // 1 × 0.50 + 50,000 × 0.625 + 50,000 × 0.05 = 0.5 + 31,250 + 2,500 = 33,750.5
    ['what is written and read counts too', { input: 1, cacheWrite5m: 50_000, cacheRead: 50_000 }, 33_751],
    // 60,000 × 0.50 + 60,000 × 1.00
    ['written for an hour as well', { input: 60_000, cacheWrite1h: 60_000 }, 90_000],
    // 1,000,000 × 0.50
    ['output alone makes no prompt long', { output: 1_000_000 }, 500_000],
  ])('%s', (_title, usage, cost) => {
    const billing = { model: 'claude-haiku-5-5', route: 'real_time', at, prices } as const;
    expect(chargeOf({ ...NOTHING_BILLED, ...usage }, billing)?.cost).toBe(cost);
  });

  test('is halved in a batch like the rest', () => {
    const billing = { model: 'claude-haiku-5-5', route: 'batch', at, prices } as const;
    // 200,000 × 0.25 + 1,000 × 1.25 = 50,000 + 1,250
    expect(chargeOf({ ...NOTHING_BILLED, input: 200_000, output: 1_000 }, billing)?.cost).toBe(51_250);
  });
});
