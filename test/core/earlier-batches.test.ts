import { describe, expect, test } from 'vitest';
import { describeEarlier } from '../../src/core/earlier-batches.ts';

const batch = (requests: number, tookMs: number) => ({
  requests,
  createdAt: '2026-03-01T12:00:00.000Z',
  endedAt: new Date(Date.parse('2026-03-01T12:00:00Z') + tookMs).toISOString(),
});

describe('what earlier batches took', () => {
  test.each([
    ['one is what it is', [batch(10, 500)], { batches: 1, medianMs: 500 }],
    [
      'the middle one of three, in any order',
      [batch(10, 900), batch(10, 100), batch(10, 200)],
      { batches: 3, medianMs: 200 },
    ],
    [
      'half way between the two in the middle',
      [batch(10, 100), batch(10, 400), batch(10, 900), batch(10, 200)],
      { batches: 4, medianMs: 300 },
    ],
    [
      'a third to three times as many requests',
      [batch(3, 1), batch(4, 100), batch(30, 200), batch(31, 9)],
      { batches: 2, medianMs: 150 },
    ],
    ['a clock that went back is no time', [batch(10, -5), batch(10, 7)], { batches: 1, medianMs: 7 }],
    ['none of similar size', [batch(1000, 5)], null],
    ['none at all', [], null],
  ])('%s', (_claim, ended, expected) => {
    expect(describeEarlier(ended, 10)).toEqual(expected);
  });
});
