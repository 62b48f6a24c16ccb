import { describe, expect, it } from 'vitest';
import { goneAfterMs, isGone } from '../../src/core/gone.ts';

const MINUTE = 60_000;

describe('a batch that is not found', () => {
  it.each([
    [15 * MINUTE, false, 10 * MINUTE],
    [60 * MINUTE, false, 40 * MINUTE],
    [MINUTE, false, 10 * MINUTE],
    [1_500, true, 1_000],
  ])('with a settle time of %i ms, emulator %s, is given %i ms', (settleMs, isEmulator, expected) => {
    expect(goneAfterMs(settleMs, isEmulator)).toBe(expected);
  });

  it.each([
    [5, 10 * MINUTE, true],
    [4, 60 * MINUTE, false],
    [50, 10 * MINUTE - 1, false],
  ])('after %i answers over %i ms is gone: %s', (answers, elapsedMs, expected) => {
    expect(isGone({ sinceMs: 1_000, answers }, 1_000 + elapsedMs, 10 * MINUTE)).toBe(expected);
  });
});
