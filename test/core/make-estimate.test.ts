import { describe, expect, test } from 'vitest';
import type { Calibration } from '../../src/core/estimate.ts';
import { guessOutput } from '../../src/core/guess-output.ts';
import { calibrationOf } from '../../src/core/local-calibration.ts';
import { type EstimateInput, makeEstimate, type StageFacts } from '../../src/core/make-estimate.ts';
import { openPriceList } from '../../src/core/price-list.ts';
import type { RequestSizes, SizeClass } from '../../src/core/request-sizes.ts';
import { mergeSizes } from '../../src/core/size-counter.ts';
import type { Stage } from '../../src/core/stage.ts';
import { historyOf, type StageHistory } from '../../src/core/stage-history.ts';

const SONNET = 'claude-sonnet-5-5';
const COUNTED: Calibration = { low: 1, likely: 1.1, high: 1.2, counted: 4 };
const SIZE: SizeClass = {
  model: SONNET,
  isUs: false,
  exponent: 10,
  requests: 10,
  tokens: 10_000,
  largest: 1_000,
  maxTokens: 5_000,
};
const PLAIN: RequestSizes = { classes: [SIZE], prefixes: [], sample: [] };
const MARKED: RequestSizes = {
  ...PLAIN,
  prefixes: [
    {
      model: SONNET,
      isUs: false,
      ttl: '1h',
      tokens: 600,
      tokensUpTo: 600,
      requests: 10,
      distinct: 1,
      hash: 'h',
    },
  ],
};

function stageOf(sizes: RequestSizes, more: Partial<StageFacts> = {}): StageFacts {
  const built = new Map([[null, sizes]]);
  return { name: 'main', needs: [], built, stage: null, calibration: COUNTED, history: null, ...more };
}

function estimate(stages: readonly StageFacts[], more: Partial<EstimateInput> = {}) {
  const input = { at: '2026-11-20T12:00:00Z', records: 10, spending: { expectedOutput: {} } };
  return makeEstimate({ ...input, prices: openPriceList([]), stages, ...more });
}

test('all three ends, batch beside real time', () => {
  const { total, unpriced } = estimate([stageOf(PLAIN)]);
  // In at 2, out at 10. Low: 10,000 x 2 + 500 x 10 = 25,000. Likely: 11,000 x 2 + 2,500 x 10 = 47,000. High: 12,000 x 2 +
  // 5,000 x 10 = 74,000. In a batch half.
  expect(total).toEqual({
    requests: 10,
    inputTokens: { low: 10_000, likely: 11_000, high: 12_000 },
    outputTokens: { low: 500, likely: 2_500, high: 5_000 },
    batch: { low: 12_500, likely: 23_500, high: 37_000 },
    realTime: { low: 25_000, likely: 47_000, high: 74_000 },
  });
  expect(unpriced).toEqual([]);
});

test('the cache makes the low end cheaper and the high end dearer', () => {
  const { total, stages } = estimate([stageOf(MARKED)]);
  // Write 4, read 0.10. Low: 6,000 marked, 9 of 10 read: 25,000 - 5,400 x 1.90 + 600 x 2 = 15,940. Likely: 6,600 marked, 45 %
  // read: 47,000 - 2,970 x 1.90 + 3,630 x 2 = 48,617, half of it 24,308.5. High: all written: 74,000 + 12,000 x 2 = 98,000.
  expect(total.batch).toEqual({ low: 7_970, likely: 24_309, high: 49_000 });
  expect(total.realTime).toEqual({ low: 15_940, likely: 48_617, high: 98_000 });
  expect(stages[0]?.cacheHitRate).toEqual({ low: 0, likely: 0.45, high: 0.9 });
});

test('a prefix that only one request has is always written, and one below the minimum is no cache', () => {
  const prefix = MARKED.prefixes.map((one) => ({ ...one, requests: 10, distinct: 10, hash: '' }));
  const [stage] = estimate([stageOf({ ...PLAIN, prefixes: prefix })]).stages;
  expect(stage?.cacheHitRate).toEqual({ low: 0, likely: 0, high: 0 });
  const short = MARKED.prefixes.map((one) => ({ ...one, tokens: 400, tokensUpTo: 400 }));
  expect(estimate([stageOf({ ...PLAIN, prefixes: short })]).stages[0]?.cacheHitRate).toBeNull();
});

test('a measured hit rate takes the place of the guess', () => {
  const history = { answers: 1, output: 250, outputSquares: 62_500, cacheRead: 800, cacheWritten: 200 };
  const [stage] = estimate([stageOf(MARKED, { history })]).stages;
  expect(stage?.cacheHitRate).toEqual({ low: 0, likely: 0.8, high: 0.9 });
});

test('a model without a price is named, and only the prices are unknown', () => {
  const nobody = { ...SIZE, model: 'claude-nobody' };
  const { total, unpriced } = estimate([stageOf({ ...PLAIN, classes: [SIZE, nobody] })]);
  expect(total).toMatchObject({ requests: 20, batch: null, realTime: null });
  expect(total.inputTokens.low).toBe(20_000);
  expect(unpriced).toEqual(['claude-nobody']);
});

test('each group has its own part, in the order of the data', () => {
  const built = new Map([
    ['z', PLAIN],
    ['a', { ...PLAIN, classes: [{ ...SIZE, requests: 1, tokens: 1_000, maxTokens: 500 }] }],
  ]);
  const { groups, total } = estimate([stageOf(PLAIN, { built })]);
  expect(groups.map(({ group, batch }) => [group, batch?.high])).toEqual([
    ['z', 37_000],
    ['a', 3_700],
  ]);
  expect(total.batch?.high).toBe(40_700);
});

test('no price that a user gives turns the range around', () => {
  const override = { model: SONNET, input: 2_000_000, output: 10_000_000, cacheRead: 6_000_000 };
  const rest = { cacheWrite5m: null, cacheWrite1h: 3_000_000, batchPercent: null };
  const sizes = { ...MARKED, classes: [{ ...SIZE, maxTokens: 0 }] };
  const stage = stageOf(sizes, { calibration: { ...COUNTED, low: 1.1 } });
  const { batch } = estimate([stage], { prices: openPriceList([{ ...override, ...rest }]) }).total;
  // Reads are the dearest here. Likely: 22,000 + 2,970 x 4 + 3,630 x 1 = 37,510; with the most reads it would be 22,000 + 5,940 x 4
  // + 660 x 1 = 46,420. High: 12,000 x 6 = 72,000.
  expect(batch).toEqual({ low: 18_755, likely: 18_755, high: 36_000 });
});

describe('a stage that waits', () => {
  const later: Stage = {
    name: 'report',
    needs: ['main'],
    model: SONNET,
    maxTokens: 1_000,
    params: {},
    system: null,
    // With `{}` of the params exactly 400 bytes: 100 local tokens.
    prompt: { kind: 'text', text: `${'p'.repeat(380)}{{ main.text }}${'p'.repeat(3)}` },
    messages: null,
    attach: [],
    tools: null,
    toolChoice: null,
    cache: null,
    schema: null,
    output: null,
  };
  const report = stageOf(PLAIN, { name: 'report', needs: ['main'], built: null, stage: later });

  test('has a request a record, and prompts of its template and what its needs answer', () => {
    const [main, part] = estimate([stageOf(PLAIN), report]).stages;
    expect(main?.isLater).toBe(false);
    // An answer of main has 50, 250 and 500 tokens; high has its prompt of 1,200 once more: 10 x (120 + 500 + 1,200).
    expect(part).toMatchObject({
      requests: 10,
      isLater: true,
      inputTokens: { low: 1_500, likely: 3_600, high: 18_200 },
      outputTokens: { high: 10_000 },
      calibration: { counted: 0 },
    });
  });

  test('is split among the groups as the stage that it needs', () => {
    const built = new Map([
      ['a', PLAIN],
      ['b', { ...PLAIN, classes: [{ ...SIZE, requests: 30 }] }],
    ]);
    const { groups } = estimate([stageOf(PLAIN, { built }), report], { records: 40 });
    expect(groups.map(({ group, requests }) => [group, requests])).toEqual([
      ['a', 20],
      ['b', 60],
    ]);
  });
});

describe('the output is guessed from', () => {
  const outputs = (guess: ReturnType<typeof guessOutput>) =>
    (['low', 'likely', 'high'] as const).map((end) => guess.outputOf(SIZE, 11_000, end));

  test('earlier answers first', () => {
    // Answers of 100 and 300 tokens, 50 each: mean 200, deviation 100; low: 180 less 2 x 100 / sqrt(100).
    const history = { answers: 100, output: 20_000, outputSquares: 50 * 10_000 + 50 * 90_000 };
    const guess = guessOutput({ ...history, cacheRead: 0, cacheWritten: 0 }, { kind: 'tokens', tokens: 9 });
    expect([guess.basis, ...outputs(guess)]).toEqual(['history', 1_600, 2_000, 5_000]);
  });

  test('then the job file: a number, or a share of the input', () => {
    const tokens = guessOutput(null, { kind: 'tokens', tokens: 300 });
    expect([tokens.basis, ...outputs(tokens)]).toEqual(['expected', 1_500, 3_000, 5_000]);
    const percent = guessOutput(null, { kind: 'percent', percent: 15 });
    expect(outputs(percent)).toEqual([825, 1_650, 5_000]);
  });

  test('then max_tokens, which it never passes', () => {
    expect(outputs(guessOutput(null, null))).toEqual([500, 2_500, 5_000]);
    expect(outputs(guessOutput(null, { kind: 'tokens', tokens: 9_999 }))).toEqual([5_000, 5_000, 5_000]);
  });

  test('with a low end of a short answer where max_tokens is large', () => {
    const roomy = { ...SIZE, maxTokens: 640_000 };
    expect(guessOutput(null, null).outputOf(roomy, 0, 'low')).toBe(1_000);
  });
});

test('history is of answers of the same model that were written to their end, or to max_tokens', () => {
  const line = {
    ...{ model: 'claude-opus-4-5-20251101', band: 0, serviceTier: 'batch', isUs: false, failure: null },
    ...{
      answers: 1,
      input: 5,
      output: 10,
      outputSquares: 100,
      cacheWrite5m: 1,
      cacheWrite1h: 2,
      cacheRead: 7,
    },
    ...{ webSearches: 0, cost: 1, realTime: 2, uncached: 1 },
  };
  const lines = [
    line,
    { ...line, failure: 'truncated' as const },
    { ...line, failure: 'refused' as const },
    { ...line, model: SONNET },
  ];
  const expected: StageHistory = {
    answers: 2,
    output: 20,
    outputSquares: 200,
    cacheRead: 14,
    cacheWritten: 6,
  };
  expect(historyOf([{ route: 'batch', lines }], ['claude-opus-4-5'])).toEqual(expected);
  expect(historyOf([{ route: 'batch', lines }], ['claude-opus-4-6'])).toBeNull();
  // In real time nothing is in the cache yet, which says nothing of a batch; lengths of answers count all the same.
  const cold = { ...line, cacheRead: 0, cacheWrite1h: 9 };
  const both = historyOf(
    [
      { route: 'real_time', lines: [cold] },
      { route: 'batch', lines: [line] },
    ],
    ['claude-opus-4-5'],
  );
  expect(both).toMatchObject({ answers: 2, cacheRead: 7, cacheWritten: 3 });
  expect(historyOf([{ route: 'real_time', lines: [cold] }], ['claude-opus-4-5'])).toMatchObject({
    cacheRead: 0,
    cacheWritten: 10,
  });
});

describe('a calibration', () => {
  test('is the ratio of the sums, not the mean of the ratios', () => {
    const sample = [
      { local: 100, counted: 200 },
      { local: 900, counted: 900 },
    ];
    expect(calibrationOf(sample, { ofAll: true })).toMatchObject({
      likely: 1.1,
      low: 1,
      high: 2,
      counted: 2,
    });
  });

  test('leaves 2 % where all rows agree, and more where few of many were counted', () => {
    const row = { local: 100, counted: 100 };
    expect(calibrationOf([row], { ofAll: true })).toMatchObject({ low: 0.98, high: 1.02 });
    expect(calibrationOf([row], { ofAll: false })?.high).toBeCloseTo(1.275, 10);
    const sixteen = Array.from({ length: 16 }, () => row);
    expect(calibrationOf(sixteen, { ofAll: false })?.high).toBeCloseTo(1.08375, 10);
  });

  test('of nothing is none', () => {
    expect(calibrationOf([], { ofAll: true })).toBeNull();
  });
});

test('an empty job has an estimate of nothing', () => {
  expect(estimate([stageOf(mergeSizes([]))]).total).toMatchObject({ requests: 0, batch: { high: 0 } });
});
