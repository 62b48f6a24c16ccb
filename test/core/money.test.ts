import { describe, expect, test } from 'vitest';
import {
  decimalUsd,
  formatUsd,
  formatUsdOrUnknown,
  microUsdOf,
  priceTokens,
  sumOrUnknown,
} from '../../src/core/money.ts';

describe('tokens at a rate', () => {
  test.each([
    // 21 tokens at 0.10 USD a million, halved: 1.05 micro-dollars.
    [21, 100_000, [50], 1, 2, 1],
    // 1,000,000 tokens at 50 USD with both factors: 50,000,000 × 0.5 × 1.1.
    [1_000_000, 50_000_000, [50, 110], 27_500_000, 27_500_000, 27_500_000],
    // 1 token at 0.50 USD: half a micro-dollar goes up.
    [1, 500_000, [], 1, 1, 0],
    [0, 50_000_000, [50], 0, 0, 0],
    // What is saved is negative: -0.6 and -0.5 of a micro-dollar.
    [-6, 100_000, [], -1, 0, -1],
    [-5, 100_000, [], 0, 0, -1],
  ])('%i at %i, of that %j: %i, up %i, down %i', (tokens, rate, percents, nearest, up, down) => {
    const parts = [{ tokens, rate }];
    expect(priceTokens(parts, percents)).toBe(nearest);
    expect(priceTokens(parts, percents, 'up') + 0).toBe(up);
    expect(priceTokens(parts, percents, 'down')).toBe(down);
  });

  test('a sum is rounded once, not part by part', () => {
    // 1.4 + 1.4 = 2.8, where each alone would be 1
    const part = { tokens: 14, rate: 100_000 };
    expect(priceTokens([part, part], [])).toBe(3);
  });

  test('sums beyond what a double holds are exact', () => {
    // 3e12 tokens at 40 USD a million and one token more at 1 USD a million.
    const parts = [
      { tokens: 3e12, rate: 40_000_000 },
      { tokens: 1, rate: 1_000_000 },
    ];
    expect(priceTokens(parts, [])).toBe(120_000_000_000_001);
  });
});

test.each([
  [25, 25_000_000],
  [0.0625, 62_500],
  [0.07, 70_000],
  [0.000001, 1],
  [0, 0],
  [0.0000001, null],
  [-1, null],
  [Number.NaN, null],
  [Number.POSITIVE_INFINITY, null],
  [1e12, null],
])('%d USD is %s micro-dollars', (usd, micro) => {
  expect(microUsdOf(usd)).toBe(micro);
});

test.each([
  [0, '$0'],
  [1, '<$0.0001'],
  [100, '$0.0001'],
  [12_345, '$0.0123'],
  [999_999, '$1.00'],
  [1_234_500_000, '$1,234.50'],
  [-2_500_000, '-$2.50'],
  [-1, '-<$0.0001'],
])('%i micro-dollars are written %s', (micro, text) => {
  expect(formatUsd(micro)).toBe(text);
});

test('an amount that is not known is not zero', () => {
  expect(formatUsdOrUnknown(null)).toBe('unknown');
  expect(sumOrUnknown([1, null, 2])).toBeNull();
  expect(sumOrUnknown([1, 2])).toBe(3);
  expect(sumOrUnknown([])).toBe(0);
});

test('spreadsheets get all six places', () => {
  expect(decimalUsd(12_345_678)).toBe('12.345678');
  expect(decimalUsd(5)).toBe('0.000005');
  expect(decimalUsd(-1_500_000)).toBe('-1.500000');
});
