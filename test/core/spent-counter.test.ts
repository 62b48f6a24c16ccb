import { describe, expect, test } from 'vitest';
import { judgeResult } from '../../src/core/judge.ts';
import { openPriceList } from '../../src/core/price-list.ts';
import { namesOtherTiers, SpentCounter } from '../../src/core/spent-counter.ts';
import type { SpentLine } from '../../src/core/spent-line.ts';
import { sumSpent } from '../../src/core/spent-sum.ts';

const AT = '2026-11-20T10:00:00.123456+00:00';
const prices = openPriceList([]);

/** An answer as the API gives it, judged. */
function answer(usage: object, more: { model?: string; stop_reason?: string } = {}) {
  const message = {
    model: 'claude-haiku-5-5',
    content: [{ type: 'text', text: 'hi' }],
    stop_reason: 'end_turn',
    usage: { service_tier: 'batch', ...usage },
    ...more,
  };
  return judgeResult({ type: 'succeeded', message });
}

function count(
  answers: readonly ReturnType<typeof judgeResult>[],
  route: 'batch' | 'real_time' | 'none' = 'batch',
) {
  const counter = new SpentCounter({ prices, at: AT, route });
  for (const one of answers) counter.add(one);
  return counter.lines();
}

const pick = (lines: readonly SpentLine[], ...keys: readonly (keyof SpentLine)[]) =>
  lines.map((line) => keys.map((key) => line[key]));

describe('the bill of a shard', () => {
  test('is exact over a million tiny rows, each of which would round to nothing', () => {
    const counter = new SpentCounter({ prices, at: AT, route: 'batch' });
    const tiny = answer({ input_tokens: 1, output_tokens: 1 });
    for (let row = 0; row < 1_000_000; row += 1) counter.add(tiny);
    // 0.05 + 0.25 = 0.3 micro-dollars a row
    expect(counter.lines()).toMatchObject([{ answers: 1_000_000, cost: 300_000, realTime: 600_000 }]);
  });

  test('keeps apart what has another price', () => {
    const lines = count([
      answer({ input_tokens: 100_000, output_tokens: 10 }),
      answer({ input_tokens: 100_001, output_tokens: 10 }),
      answer({ input_tokens: 100_000, output_tokens: 10, inference_geo: 'us' }),
      answer({ input_tokens: 100_000, output_tokens: 10, service_tier: 'standard' }),
      answer({ input_tokens: 100_000, output_tokens: 10 }, { model: 'claude-haiku-4-5-20251001' }),
      answer({ input_tokens: 100_000, output_tokens: 20 }),
    ]);
    expect(pick(lines, 'model', 'band', 'serviceTier', 'isUs', 'answers', 'output', 'cost')).toEqual([
      // 200,000 × 0.05 + 30 × 0.25 = 10,000 + 7.5
      ['claude-haiku-5-5', 0, 'batch', false, 2, 30, 10_008],
      // 100,001 × 0.25 + 10 × 1.25 = 25,000.25 + 12.5 = 25,012.75
      ['claude-haiku-5-5', 1, 'batch', false, 1, 10, 25_013],
      // (100,000 × 0.05 + 10 × 0.25) × 1.1 = 5,002.5 × 1.1 = 5,502.75
      ['claude-haiku-5-5', 0, 'batch', true, 1, 10, 5_503],
      // 100,000 × 0.10 + 10 × 0.50
      ['claude-haiku-5-5', 0, 'standard', false, 1, 10, 10_005],
      // 100,000 × 0.50 + 10 × 2.50
      ['claude-haiku-4-5-20251001', 0, 'batch', false, 1, 10, 50_025],
    ]);
  });

  test('has the answers that are no good, by why', () => {
    const lines = count([
      answer({ input_tokens: 100, output_tokens: 9 }, { stop_reason: 'max_tokens' }),
      answer({ input_tokens: 100, output_tokens: 1 }, { stop_reason: 'refusal' }),
      answer({ input_tokens: 100, output_tokens: 5 }),
    ]);
    expect(pick(lines, 'failure', 'answers', 'output')).toEqual([
      ['truncated', 1, 9],
      ['refused', 1, 1],
      [null, 1, 5],
    ]);
  });

  test('has nothing of rows that were not answered', () => {
    const errored = judgeResult({ type: 'errored', error: { type: 'error', error: { type: 'api_error' } } });
    expect(count([errored, judgeResult({ type: 'canceled' }), judgeResult({ type: 'expired' })])).toEqual([]);
  });

  test('has nothing of answers that were taken over', () => {
    expect(count([answer({ input_tokens: 100, output_tokens: 9 })], 'none')).toEqual([]);
  });

  test('does not take an answer for free that does not say what it used', () => {
    const silent = judgeResult({ type: 'succeeded', message: { model: 'claude-haiku-5-5', content: [] } });
    // Of one tier, so that nothing else keeps them apart.
    const lines = count([silent, answer({ input_tokens: 100_000, service_tier: undefined })]);
    expect(pick(lines, 'answers', 'cost')).toEqual([
      [1, null],
      [1, 5_000],
    ]);
    expect(sumSpent(lines).cost).toBeNull();
  });

  test('counts the tokens of a model without a price, and no price', () => {
    const lines = count([answer({ input_tokens: 7, output_tokens: 3 }, { model: 'claude-nope' })]);
    expect(lines).toMatchObject([{ input: 7, output: 3, cost: null, realTime: null, uncached: null }]);
  });

  test('tells the spread of the answers', () => {
    const lines = count([answer({ output_tokens: 3 }), answer({ output_tokens: 5 })]);
    // 9 + 25
    expect(lines[0]?.outputSquares).toBe(34);
  });

  test('says what caching saved', () => {
    const [line] = count([
      answer({ input_tokens: 1_000, cache_creation: { ephemeral_1h_input_tokens: 10_000 } }),
      answer({ input_tokens: 1_000, cache_read_input_tokens: 10_000 }),
    ]);
    // 2,000 × 0.05 + 10,000 × 0.10 + 10,000 × 0.005 = 100 + 1,000 + 50; nothing cached: 22,000 × 0.05
    expect(line).toMatchObject({ cost: 1_150, uncached: 1_100, realTime: 2_300 });
  });
});

test('lines of several shards are added as they are', () => {
  const lines = [
    ...count([answer({ input_tokens: 30_000 })]),
    ...count([answer({ output_tokens: 9_000 })], 'batch'),
  ];
  // 30,000 × 0.05 = 1,500; 9,000 × 0.25 = 2,250
  expect(sumSpent(lines)).toMatchObject({
    answers: 2,
    input: 30_000,
    output: 9_000,
    cost: 3_750,
    realTime: 7_500,
  });
  expect(sumSpent([])).toMatchObject({ answers: 0, cost: 0 });
});

test('answers of a batch that were charged in full are named by their tier', () => {
  const lines = count([
    answer({ output_tokens: 1 }),
    answer({ output_tokens: 1, service_tier: undefined }),
    answer({ output_tokens: 1, service_tier: 'standard' }),
    answer({ output_tokens: 1, service_tier: 'standard' }, { stop_reason: 'max_tokens' }),
  ]);
  expect(namesOtherTiers(lines, 'msgbatch_a')).toEqual([
    '2 answers of batch msgbatch_a were not billed as batch (service_tier standard) but at the full price',
  ]);
});
