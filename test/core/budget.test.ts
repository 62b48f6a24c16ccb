import { describe, expect, test } from 'vitest';
import {
  commitmentOf,
  isWithin,
  maxTokensWithin,
  type ShardStake,
  usdAtLeast,
  withMaxTokens,
} from '../../src/core/budget.ts';
import { NO_SIZES, type RequestSizes } from '../../src/core/request-sizes.ts';

const stake = (state: ShardStake['state'], more: Partial<ShardStake> = {}): ShardStake => ({
  state,
  origin: 'build',
  cost: null,
  bound: 100,
  answered: 0,
  ...more,
});

describe('what counts against a budget', () => {
  const cases: readonly [string, ShardStake, { spent: number; reserved: number } | null][] = [
    ['a shard that is being written: nothing', stake('building'), { spent: 0, reserved: 0 }],
    ['a shard that is unsent: nothing', stake('built'), { spent: 0, reserved: 0 }],
    [
      'a shard that is asked one by one: its answers so far',
      stake('built', { answered: 7 }),
      { spent: 7, reserved: 0 },
    ],
    ['a shard that is out: the most it may cost', stake('live'), { spent: 0, reserved: 100 }],
    ['a shard that is downloaded: the most it may cost', stake('downloaded'), { spent: 0, reserved: 100 }],
    ['a shard that is applied: its cost', stake('applied', { cost: 40 }), { spent: 40, reserved: 0 }],
    ['also when that is more than was thought', stake('applied', { cost: 140 }), { spent: 140, reserved: 0 }],
    ['an applied shard without a price: the most it may cost', stake('applied'), { spent: 0, reserved: 100 }],
    ['a shard that is lost, for good: it was paid', stake('lost'), { spent: 0, reserved: 100 }],
    ['a shard that was canceled unsent: nothing', stake('canceled'), { spent: 0, reserved: 0 }],
    ['answers of earlier jobs: nothing', stake('applied', { origin: 'reused' }), { spent: 0, reserved: 0 }],
    ['an unsent shard without a price: nothing', stake('built', { bound: null }), { spent: 0, reserved: 0 }],
    ['a shard that is out, without a price: nobody knows', stake('live', { bound: null }), null],
  ];
  test.each(cases)('%s', (_title, one, expected) => {
    expect(commitmentOf([one])).toEqual(expected);
  });

  test('is the sum over the shards, and unknown as soon as one is', () => {
    const shards = [stake('applied', { cost: 40 }), stake('live'), stake('built', { answered: 5 })];
    expect(commitmentOf(shards)).toEqual({ spent: 45, reserved: 100 });
    expect(commitmentOf([...shards, stake('lost', { bound: null })])).toBeNull();
  });

  test('may reach the limit, and not pass it by a micro-dollar', () => {
    expect(isWithin(250, { spent: 50, reserved: 100 }, 100)).toBe(true);
    expect(isWithin(249, { spent: 50, reserved: 100 }, 100)).toBe(false);
  });
});

test('a limit is written so that it is never less than what is needed', () => {
  expect([0, 1, 100, 101, 999_999].map(usdAtLeast)).toEqual([
    '0.0000',
    '0.0001',
    '0.0001',
    '0.0002',
    '1.0000',
  ]);
  expect([1_000_000, 1_000_001, 12_345_678].map(usdAtLeast)).toEqual(['1.00', '1.01', '12.35']);
});

describe('the largest max_tokens that fits', () => {
  // Ten requests whose prompts cost 20 and whose answers cost 1 for four tokens: 10 × m / 4 + 20.
  const boundAt = (tokens: number): number => Math.ceil((10 * tokens) / 4) + 20;

  test('is found exactly', () => {
    // 10 × 192 / 4 + 20 = 500; one more is 503.
    expect(maxTokensWithin(500, 400, boundAt)).toBe(192);
    expect(maxTokensWithin(502, 400, boundAt)).toBe(192);
  });

  test('is none where the prompts alone are too much', () => {
    expect(maxTokensWithin(20, 400, boundAt)).toBeNull();
  });

  test('is not named where prompts are most of it', () => {
    expect(maxTokensWithin(500, 400, (tokens) => 10_000 + tokens)).toBeNull();
  });

  test('is not named without a price', () => {
    expect(maxTokensWithin(500, 400, () => null)).toBeNull();
  });

  test('cuts the answers of each size of request, and nothing else', () => {
    const [small, large] = [4, 9].map((exponent) => ({
      model: 'claude-haiku-5-5',
      isUs: false,
      exponent,
      requests: 3,
      tokens: 3 * 2 ** (exponent - 1),
      largest: 2 ** exponent - 1,
      maxTokens: exponent === 4 ? 300 : 3_000,
    }));
    if (small === undefined || large === undefined) throw new Error('two sizes');
    const sizes: RequestSizes = { ...NO_SIZES, classes: [small, large] };
    expect(withMaxTokens(sizes, 400).classes).toEqual([small, { ...large, maxTokens: 1_200 }]);
  });
});
