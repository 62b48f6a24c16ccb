import { describe, expect, test } from 'vitest';
import type { JobFile } from '../../src/core/job-file.ts';
import { checkJobFile } from '../../src/core/job-file-check.ts';
import { ASK_ABOVE_MICRO_USD, type SpendingRules } from '../../src/core/spending-rules.ts';

const LEAST = { model: 'm', max_tokens: 9, prompt: 'p', source: { csv: 'd.csv' } };
const PLACE = { path: 'x.job.yaml', dir: '' };

function check(more: object): JobFile {
  const checked = checkJobFile({ ...LEAST, ...more }, PLACE);
  if (!checked.ok) throw new Error(checked.problems.map(({ problem }) => problem).join('\n'));
  return checked.job;
}

const spendingOf = (more: object): SpendingRules => check(more).spending;

function problemsOf(more: object): readonly string[] {
  const checked = checkJobFile({ ...LEAST, ...more }, PLACE);
  return checked.ok ? [] : checked.problems.map(({ problem }) => problem);
}

test('a job file that says nothing of money has no limit, and asks above 5 dollars', () => {
  expect(spendingOf({})).toEqual({
    maxMicroUsd: null,
    askAboveMicroUsd: 5_000_000,
    prices: [],
    expectedOutput: {},
  });
});

describe('a budget', () => {
  test.each([
    [{ max_usd: 25 }, 25_000_000, ASK_ABOVE_MICRO_USD],
    [{ max_usd: 0 }, 0, ASK_ABOVE_MICRO_USD],
    // 0.07 * 1e6 is 70000.00000000001 as a double.
    [{ max_usd: 0.07, ask_above_usd: 0.000001 }, 70_000, 1],
    [{ ask_above_usd: 0 }, null, 0],
    [{ max_usd: 1234.567891 }, 1_234_567_891, ASK_ABOVE_MICRO_USD],
  ])('%j is exact in micro-dollars', (budget, maxMicroUsd, askAboveMicroUsd) => {
    expect(spendingOf({ budget })).toMatchObject({ maxMicroUsd, askAboveMicroUsd });
  });

  const USD = 'US dollars with at most 6 decimals, such as 25 or 0.50';
  test.each([
    [{}, '"budget" is empty; it has "max_usd", "ask_above_usd" or both'],
    [{ max_usd: -1 }, `"budget.max_usd" must be ${USD}, not "-1"`],
    [{ max_usd: 1.2345678 }, `"budget.max_usd" must be ${USD}, not "1.2345678"`],
    [{ ask_above_usd: '5$' }, `"budget.ask_above_usd" must be ${USD}, not "5$"`],
    [{ max_usd: '25' }, `"budget.max_usd" must be ${USD}, not the text "25"`],
    [{ max_usd: Number.POSITIVE_INFINITY }, `"budget.max_usd" must be ${USD}, not "Infinity"`],
    [{ max_usd: 1e12 }, `"budget.max_usd" must be ${USD}, not "1000000000000"`],
    [{ max: 5 }, '"max" is not a known key of "budget"; there are: max_usd, ask_above_usd'],
    [5, '"budget" must be a mapping such as {max_usd: 25}, not "5"'],
  ])('%j is refused in words', (budget, problem) => {
    expect(problemsOf({ budget })).toEqual([problem]);
  });
});

describe('prices', () => {
  test('are kept in micro-dollars for a million tokens, and a factor as percent', () => {
    const prices = {
      'claude-sonnet-5-5': { cache_write_5m: 2.5, cache_write_1h: 4, cache_read: 0.2 },
      'my-model': { input: 0.005, output: 10, batch: 0.29 },
    };
    expect(spendingOf({ prices }).prices).toEqual([
      {
        model: 'claude-sonnet-5-5',
        input: null,
        output: null,
        cacheWrite5m: 2_500_000,
        cacheWrite1h: 4_000_000,
        cacheRead: 200_000,
        batchPercent: null,
      },
      {
        model: 'my-model',
        input: 5_000,
        output: 10_000_000,
        cacheWrite5m: null,
        cacheWrite1h: null,
        cacheRead: null,
        batchPercent: 29,
      },
    ]);
  });

  const RATE = 'US dollars for a million tokens with at most 6 decimals, such as 2.50';
  const FACTOR = 'a factor from 0 to 1 with at most 2 decimals, such as 0.5';
  test.each([
    [
      {},
      '"prices.m" is empty; it must be a mapping such as {input: 2, output: 10}, in US dollars for a million tokens',
    ],
    [{ output: 1, batch: 1 }, '"prices.m" needs "input" and "output": batchctl knows no price of this model'],
    [{ input: 'two', output: 1 }, `"prices.m.input" must be ${RATE}, not "two"`],
    [{ input: 1, output: 0.0000015 }, `"prices.m.output" must be ${RATE}, not "0.0000015"`],
    [{ input: 1, output: 1, batch: 50 }, `"prices.m.batch" must be ${FACTOR}, not "50"`],
    [{ input: 1, output: 1, batch: 0.505 }, `"prices.m.batch" must be ${FACTOR}, not "0.505"`],
    [
      { input: 1, output: 1, cache_raed: 1 },
      '"cache_raed" is not a known key of "prices.m"; did you mean "cache_read"?',
    ],
  ])('%j are refused in words', (price, problem) => {
    expect(problemsOf({ prices: { m: price } })).toEqual([problem]);
  });
});

test('a price of a mistyped model names the nearest one', () => {
  expect(problemsOf({ prices: { 'claude-sonet-5-5': { cache_read: 0.2 } } })).toEqual([
    '"prices.claude-sonet-5-5" needs "input" and "output": batchctl knows no price of this model; did you mean "claude-sonnet-5-5"?',
  ]);
});

describe('expected_output_tokens', () => {
  const stages = [
    { name: 'notes', prompt: 'p' },
    { name: 'report', needs: 'notes', prompt: 'p', expected_output_tokens: '12.5%' },
  ];

  test('holds for the only stage of a job without a list, and of ready-made requests', () => {
    const main = { kind: 'tokens', tokens: 800 };
    expect(spendingOf({ expected_output_tokens: 800 }).expectedOutput).toEqual({ main });
    const ready = checkJobFile({ source: { requests: 'r.jsonl' }, expected_output_tokens: 800 }, PLACE);
    expect(ready).toMatchObject({ ok: true, job: { spending: { expectedOutput: { main } } } });
  });

  test('at the top level holds for every stage that says nothing itself', () => {
    const { prompt: _prompt, ...file } = { ...LEAST, stages, expected_output_tokens: 300 };
    expect(checkJobFile(file, PLACE)).toMatchObject({
      job: {
        spending: {
          expectedOutput: {
            notes: { kind: 'tokens', tokens: 300 },
            report: { kind: 'percent', percent: 12.5 },
          },
        },
      },
    });
  });

  test.each([0, 1.5, '0%', '0.0%', 'lots'])('%j is refused in words', (value) => {
    const problem = `"expected_output_tokens" must be a whole number of tokens, or a share of the input such as "15%", not "${value}"`;
    expect(problemsOf({ expected_output_tokens: value })).toEqual([problem]);
  });

  test('is no part of a stage, so that it makes no other job of the same content', () => {
    const { stages: without } = check({});
    expect(check({ expected_output_tokens: 9, budget: { max_usd: 1 } }).stages).toEqual(without);
  });
});
