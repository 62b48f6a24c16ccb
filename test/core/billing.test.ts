import { describe, expect, test } from 'vitest';
import { chargeOf, readBilledUsage } from '../../src/core/billing.ts';
import { openPriceList } from '../../src/core/price-list.ts';
import { type BilledUsage, NOTHING_BILLED } from '../../src/core/spent-line.ts';

const usage = (more: Partial<BilledUsage>): BilledUsage => ({ ...NOTHING_BILLED, ...more });

const billing = {
  model: 'claude-sonnet-4-6',
  route: 'batch',
  at: '2026-11-20',
  prices: openPriceList([]),
} as const;

/** Tokens of each kind on Sonnet 4.6: 3 in, 15 out, 3.75 and 6 written, 0.30 read. */
const MIXED = usage({
  input: 1_234,
  output: 567,
  cacheWrite5m: 1_000,
  cacheWrite1h: 2_000,
  cacheRead: 3_000,
});

describe('an answer is charged', () => {
  // 1,234×3 + 567×15 + 1,000×3.75 + 2,000×6 + 3,000×0.30 = 3,702 + 8,505 + 3,750 + 12,000 + 900 = 28,857
  // Nothing cached: 7,234×3 + 8,505 = 30,207
  test.each<[string, Partial<BilledUsage>, readonly [cost: number, realTime: number, uncached: number]]>([
    // 28,857 / 2 = 14,428.5; 30,207 / 2 = 15,103.5
    ['in a batch at half the price', { serviceTier: 'batch' }, [14_429, 28_857, 15_104]],
    ['in a batch too where it says no tier', {}, [14_429, 28_857, 15_104]],
    [
      'in full where it says another tier than its route',
      { serviceTier: 'standard' },
      [28_857, 28_857, 30_207],
    ],
    // ×1.1: 31,742.7 in real time, 15,871.35 in a batch; 30,207 × 1.1 / 2 = 16,613.85
    ['a tenth more in the US, both factors multiplied', { inferenceGeo: 'us' }, [15_871, 31_743, 16_614]],
    ['without surcharge elsewhere', { inferenceGeo: 'global' }, [14_429, 28_857, 15_104]],
    // 3 searches of 10 USD for 1,000 are 30,000, neither halved nor raised: 15,871 + 30,000
    [
      'for web searches in full, whatever the factors',
      { inferenceGeo: 'us', webSearches: 3 },
      [45_871, 61_743, 46_614],
    ],
  ])('%s', (_title, more, [cost, realTime, uncached]) => {
    expect(chargeOf({ ...MIXED, ...more }, billing)).toEqual({ cost, realTime, uncached });
  });

  test('at the real-time price outside of a batch', () => {
    expect(chargeOf(MIXED, { ...billing, route: 'real_time' })?.cost).toBe(28_857);
    expect(chargeOf({ ...MIXED, serviceTier: 'standard' }, { ...billing, route: 'real_time' })?.cost).toBe(
      28_857,
    );
  });

  test('without surcharge in the US on a model before 4.6', () => {
    // Haiku 4.5 in a batch: 10,000 × 0.50
    const us = usage({ input: 10_000, inferenceGeo: 'us' });
    expect(chargeOf(us, { ...billing, model: 'claude-haiku-4-5' })?.cost).toBe(5_000);
  });

  test('nothing where it was taken over from an earlier job, known price or not', () => {
    const reused = { ...billing, route: 'none', model: 'claude-nope' } as const;
    expect(chargeOf(MIXED, reused)).toEqual({ cost: 0, realTime: 0, uncached: 0 });
  });

  test('by the model that was asked for where the one it names has no price', () => {
    const named = { ...billing, model: 'claude-sonnet-4-6-20270101' };
    expect(chargeOf(MIXED, named)).toBeNull();
    expect(chargeOf(MIXED, { ...named, fallbackModel: 'claude-sonnet-4-6' })?.cost).toBe(14_429);
    // Its own price comes first: 1,000 × 0.50 on Haiku 4.5, not 1,000 × 1.50.
    const known = { ...billing, model: 'claude-haiku-4-5-20251001', fallbackModel: 'claude-sonnet-4-6' };
    expect(chargeOf(usage({ input: 1_000 }), known)?.cost).toBe(500);
  });

  test('exactly, however much it is', () => {
    // 900,719,925,474,099 × 7.50 = 6,755,399,441,055,742.5; the product alone is more than a double counts one by one.
    const long = usage({ output: 900_719_925_474_099 });
    expect(chargeOf(long, billing)?.cost).toBe(6_755_399_441_055_743);
  });
});

describe('the usage of an answer', () => {
  const wire = {
    input_tokens: 21,
    output_tokens: 40,
    cache_creation_input_tokens: 30,
    cache_read_input_tokens: 5,
    cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
    server_tool_use: { web_search_requests: 2 },
    service_tier: 'batch',
    inference_geo: 'not_available',
  };
  const read = {
    input: 21,
    output: 40,
    cacheWrite5m: 10,
    cacheWrite1h: 20,
    cacheRead: 5,
    webSearches: 2,
    serviceTier: 'batch',
    inferenceGeo: 'not_available',
  };

  test.each<[string, object, object]>([
    ['as the API writes it', {}, {}],
    [
      'without the times of cache writes they are of 5 minutes',
      { cache_creation: null },
      { cacheWrite5m: 30, cacheWrite1h: 0 },
    ],
    [
      'with one of the times the rest is of 5 minutes',
      { cache_creation: { ephemeral_1h_input_tokens: 20 } },
      { cacheWrite5m: 10 },
    ],
    ['with the times and without their sum', { cache_creation_input_tokens: undefined }, {}],
    ['without searches', { server_tool_use: null }, { webSearches: 0 }],
    [
      'without tier and place',
      { service_tier: null, inference_geo: undefined },
      { serviceTier: null, inferenceGeo: null },
    ],
    [
      'what is no count is none',
      { input_tokens: -3, output_tokens: '7', cache_read_input_tokens: 1.5 },
      { input: 0, output: 0, cacheRead: 0 },
    ],
  ])('%s', (_title, more, expected) => {
    expect(readBilledUsage({ ...wire, ...more })).toEqual({ ...read, ...expected });
  });

  test.each([[null], [undefined], ['none'], [[]]])('%j is none', (value) => {
    expect(readBilledUsage(value)).toBeNull();
  });
});
