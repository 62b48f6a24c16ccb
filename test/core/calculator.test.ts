import { describe, expect, test } from 'vitest';
import { calculateCosts, newestOfEachLine } from '../../src/core/calculator.ts';
import { openPriceList } from '../../src/core/price-list.ts';

const AT = '2026-11-20';
const list = openPriceList([]);
const models = newestOfEachLine(list.all(AT));
const haiku = list.all(AT).filter(({ model }) => model === 'claude-haiku-5-5');
const numbers = (items: number) =>
  calculateCosts({ items, input: 1, output: 1 }, haiku).map((row) => row.items);

test('without a wish it is the newest model of each line, the cheapest first', () => {
  expect(models.map(({ model }) => model)).toEqual([
    'claude-haiku-5-5',
    'claude-sonnet-5-5',
    'claude-opus-5-5',
    'claude-fable-5-2',
  ]);
});

test('a date in an id is no version', () => {
  const named = ['claude-opus-4-20250514', 'claude-opus-4-6', 'claude-opus-4-5-20251101'].map((model) => ({
    ...(models[0] ?? expect.unreachable()),
    model,
  }));
  expect(newestOfEachLine(named).map(({ model }) => model)).toEqual(['claude-opus-4-6']);
});

test('numbers of items go up to the one that was asked for, which is always there', () => {
  expect(numbers(10_000)).toEqual([100, 500, 1_000, 5_000, 10_000]);
  expect(numbers(1_200)).toEqual([100, 500, 1_000, 1_200]);
  expect(numbers(7)).toEqual([7]);
  expect(numbers(25_000)).toEqual([100, 500, 1_000, 5_000, 10_000, 25_000]);
});

describe('prices by hand from the table of API.md 1.20', () => {
  // 10,000 items: 30 million tokens in, 20 million out.
  test.each([
    // 30 x 0.10 + 20 x 0.50 = 13 USD
    ['claude-haiku-5-5', 13_000_000, 6_500_000],
    // 30 x 2 + 20 x 10 = 260
    ['claude-sonnet-5-5', 260_000_000, 130_000_000],
    // 30 x 4 + 20 x 20 = 520
    ['claude-opus-5-5', 520_000_000, 260_000_000],
    // 30 x 8 + 20 x 40 = 1,040
    ['claude-fable-5-2', 1_040_000_000, 520_000_000],
  ])('10,000 items of 3,000 and 2,000 tokens on %s', (model, realTime, batch) => {
    const rows = calculateCosts({ items: 10_000, input: 3_000, output: 2_000 }, models);
    expect(rows).toContainEqual({ items: 10_000, model, realTime, batch });
  });

  // 100 items of 100,000 + 10 tokens: 10 x 0.10 + 0.001 x 0.50 = 1.0005 USD; with one token more each, at the upper band:
  // 10.0001 x 0.50 + 0.001 x 2.50 = 5.00255.
  test.each([
    [100_000, 1_000_500, 500_250],
    [100_001, 5_002_550, 2_501_275],
  ])('a prompt of %d tokens is priced by its band, the answer too', (input, realTime, batch) => {
    expect(calculateCosts({ items: 100, input, output: 10 }, haiku)).toEqual([
      { items: 100, model: 'claude-haiku-5-5', realTime, batch },
    ]);
  });

  // 1 token in at 0.10 a million is 0.1 micro-dollars: 7 of them round to 1, and half of that, 0.35, to 0.
  test('a row is rounded once, not item by item', () => {
    const [row] = calculateCosts({ items: 7, input: 1, output: 0 }, haiku);
    expect(row).toEqual({ items: 7, model: 'claude-haiku-5-5', realTime: 1, batch: 0 });
  });
});
