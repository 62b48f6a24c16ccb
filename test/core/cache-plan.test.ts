import { describe, expect, test } from 'vitest';
import { breakEvenRate, cachePlan, planPrefixes } from '../../src/core/cache-plan.ts';
import { openPriceList } from '../../src/core/price-list.ts';
import type { CachedPrefix } from '../../src/core/request-sizes.ts';

// One token for one local token, as if it had been counted.
const PLANNING = {
  calibration: { low: 1, likely: 1, high: 1, counted: 1 },
  route: 'batch',
  prices: openPriceList([]),
  at: '2026-11-20',
} as const;

/** 10 requests that begin with the same 1,000 tokens. */
const SHARED: CachedPrefix = {
  model: 'claude-haiku-5-5',
  isUs: false,
  ttl: '1h',
  tokens: 1_000,
  tokensUpTo: 1_000,
  requests: 10,
  distinct: 1,
  hash: 'aa',
};

const remarks = (...prefixes: readonly Partial<CachedPrefix>[]) =>
  cachePlan({ prefixes: prefixes.map((one) => ({ ...SHARED, ...one })) }, PLANNING);

test.each([
  // Haiku 5.5, an hour: (0.20 - 0.10) / (0.20 - 0.01) = 10/19
  ['claude-haiku-5-5', '1h', 10 / 19],
  // Haiku 5.5, five minutes: (0.125 - 0.10) / (0.125 - 0.01) = 25/115
  ['claude-haiku-5-5', '5m', 25 / 115],
  // Sonnet 5.5, an hour: (4 - 2) / (4 - 0.10) = 20/39
  ['claude-sonnet-5-5', '1h', 20 / 39],
  // Fable 5.2, an hour: (16 - 8) / (16 - 0.20) = 80/158
  ['claude-fable-5-2', '1h', 80 / 158],
] as const)('%s with a mark of %s pays above the break-even rate of its prices', (model, ttl, rate) => {
  const [plan] = planPrefixes({ prefixes: [{ ...SHARED, model, ttl }] }, PLANNING);
  expect(plan?.neededHitRate).toBeCloseTo(rate, 10);
});

test('a write that costs no more than input pays from the first hit on', () => {
  expect(breakEvenRate({ input: 10, write: 10, read: 1 })).toBe(0);
});

test('what caching may cost and save is of all requests, at half the price in a batch', () => {
  const [plan] = planPrefixes({ prefixes: [SHARED] }, PLANNING);
  // Worst: 10,000 tokens written at 0.20 instead of 0.10: 1,000 micro-dollars more, half of it in a batch.
  // Best: 1,000 written (+100), 9,000 read at 0.01 instead of 0.10 (-810): -710, half of it -355.
  expect(plan).toMatchObject({ atWorst: 500, atBest: -355, bestHitRate: 0.9, requests: 10, prefixes: 1 });
  const [realTime] = planPrefixes({ prefixes: [SHARED] }, { ...PLANNING, route: 'real_time' });
  expect(realTime).toMatchObject({ atWorst: 1_000, atBest: -710 });
});

describe('what is said of a mark', () => {
  test('below the minimum of its model: nothing is cached', () => {
    expect(remarks({ tokens: 300, tokensUpTo: 300 })).toEqual([
      {
        text: 'the 1h cache mark is below the minimum of claude-haiku-5-5 (about 300 of 512 tokens): nothing is cached',
        isWarning: true,
      },
    ]);
  });

  test('behind what differs: each request pays for a write, and none reads', () => {
    // 10 × 1,000 tokens, 0.10 more a million each, halved: 500 micro-dollars.
    expect(remarks({ distinct: 10, hash: '' })).toEqual([
      {
        text: 'the 1h cache mark stands behind what differs: each of 10 requests pays for a write and none reads: up to $0.0005 more than without in a batch',
        isWarning: true,
      },
    ]);
  });

  test('of two requests: one hit does not make up for the write', () => {
    const [remark] = remarks({ requests: 2 });
    expect(remark?.isWarning).toBe(true);
    expect(remark?.text).toContain('at most 50 % of 2 requests can read, and it takes more than 53 %');
  });

  test('shared by many: from which share of hits on it pays, and what is at stake', () => {
    expect(remarks({})).toEqual([
      {
        text: 'the 1h cache mark pays when more than 53 % of 10 requests read it: it saves up to $0.0004 in a batch, or costs up to $0.0005 more than none',
        isWarning: false,
      },
    ]);
  });

  test('of five minutes in a batch: it is gone before the others begin', () => {
    const [remark] = remarks({ ttl: '5m' });
    expect(remark).toMatchObject({ isWarning: true, text: expect.stringContaining('mark with 1h') });
  });

  test('of a stage of several: the stage is named', () => {
    const [remark] = cachePlan({ prefixes: [SHARED] }, PLANNING, 'notes');
    expect(remark?.text).toContain('the 1h cache mark of stage notes');
  });

  test('of a model without a price: no money is spoken of', () => {
    const [remark] = remarks({ model: 'house-model' });
    expect(remark?.text).toBe('the 1h cache mark pays when more than some of 10 requests read it');
  });

  test('nothing where there is none', () => {
    expect(remarks()).toEqual([]);
  });
});
