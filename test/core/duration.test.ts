import { describe, expect, test } from 'vitest';
import { formatDuration, parseDuration } from '../../src/core/duration.ts';

describe('parseDuration', () => {
  test.each([
    ['90s', 90_000],
    ['15m', 900_000],
    ['1h30m', 5_400_000],
    ['2d', 172_800_000],
    ['1d2h3m4s5ms', 93_784_005],
    ['500ms', 500],
    ['1.5h', 5_400_000],
    ['0s', 0],
    ['1m500ms', 60_500],
  ])('%s is %i ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(['', '15', 'm', '30m1h', '1h1h', '-5s', '5 s', '1e3s', '5sec', '1.5ms', '٣s'])(
    '"%s" is not a duration',
    (text) => {
      expect(parseDuration(text)).toBeNull();
    },
  );
});

describe('formatDuration', () => {
  test.each([
    [0, '0 ms'],
    [350, '350 ms'],
    [42_000, '42 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [90_000, '1 min 30 s'],
    [3_600_000, '1 h'],
    [3_605_000, '1 h'],
    [5_400_000, '1 h 30 min'],
    [93_784_005, '1 d 2 h'],
    [-5, '0 ms'],
  ])('%i ms reads «%s»', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});
