import { expect, test } from 'vitest';
import { pickSpread, shareOut, shareOutWith } from '../../src/core/pilot-sample.ts';

test.each([
  // 10 of 100: 6, 3 and 1 exactly.
  [10, [60, 30, 10], [6, 3, 1]],
  // 10 of 30: 3⅓ each; the one that is left goes to the first.
  [10, [10, 10, 10], [4, 3, 3]],
  // 5 of 100: 4.5, 0.4 and 0.1; the largest remainder gets what is left.
  [5, [90, 8, 2], [5, 0, 0]],
  // 3 of 5 parts of one: nobody gives more than it has.
  [3, [1, 1, 1, 1, 1], [1, 1, 1, 0, 0]],
  [9, [2, 3], [2, 3]],
  [0, [2, 3], [0, 0]],
])('%i requests are shared out over %j as %j', (total, sizes, shares) => {
  expect(shareOut(total, sizes)).toEqual(shares);
});

test('the part with the longest request gives one, at the cost of the part that gives most', () => {
  expect(shareOutWith(2, 5, [90, 8, 2])).toEqual([4, 0, 1]);
  expect(shareOutWith(0, 5, [90, 8, 2])).toEqual([5, 0, 0]);
  expect(shareOutWith(1, 0, [90, 8])).toEqual([0, 0]);
});

test('a sample of equal requests is spread over their order', () => {
  // The middles of four stretches of 25.
  const picked = pickSpread(new Uint32Array(100).fill(7), 4, { withLongest: false });
  expect([...picked]).toEqual([12, 37, 62, 87]);
});

test('a sample is spread over the sizes, and has the longest when that is asked for', () => {
  const sizes = [50, 10, 40, 20, 60, 30];
  // By size: 10 20 30 40 50 60, at 1, 3, 5, 0, 2, 4. Three stretches of two, of each the second.
  expect([...pickSpread(sizes, 3, { withLongest: false })]).toEqual([3, 2, 4]);
  expect([...pickSpread(sizes, 1, { withLongest: true })]).toEqual([4]);
  expect([...pickSpread(sizes, 2, { withLongest: true })]).toEqual([3, 4]);
});

test('a sample of all, or of more, is each request once', () => {
  for (const count of [5, 9]) {
    const picked = pickSpread([3, 1, 2, 5, 4], count, { withLongest: true });
    expect([...picked].sort()).toEqual([0, 1, 2, 3, 4]);
  }
});
