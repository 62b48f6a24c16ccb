import { describe, expect, test } from 'vitest';
import { admit, type Pace, pause, settle, startPace } from '../../src/core/pace.ts';

/** When each of so many calls may go, if they all want to go at once. */
function timesOf(start: Pace, calls: number, tokens: number, fromMs = 0): number[] {
  let pace = start;
  let nowMs = fromMs;
  const times: number[] = [];
  while (times.length < calls) {
    const next = admit(pace, tokens, nowMs);
    pace = next.pace;
    if (next.waitMs === 0) times.push(nowMs);
    nowMs += next.waitMs;
  }
  return times;
}

const startOf = (requestsPerMinute: number | null, tokensPerMinute: number | null): Pace =>
  startPace({ requestsPerMinute, tokensPerMinute }, 0);

/** The most that fall into any window of this length. */
function mostIn(times: readonly number[], windowMs: number): number {
  return Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + windowMs).length));
}

describe('requests a minute', () => {
  test.each([
    [60, [0, 1000, 2000, 3000]],
    [30, [0, 2000, 4000, 6000]],
    [1, [0, 60_000, 120_000, 180_000]],
    [120, [0, 0, 500, 1000]],
  ])('%i a minute: at %j', (perMinute, expected) => {
    expect(timesOf(startOf(perMinute, null), 4, 0)).toEqual(expected);
  });

  test.each([1, 7, 50, 333, 4000])('%i: no minute holds more than that and a second’s worth', (perMinute) => {
    const times = timesOf(startOf(perMinute, null), perMinute * 3, 0);
    expect(mostIn(times, 60_000)).toBeLessThanOrEqual(perMinute + Math.max(1, perMinute / 60));
    expect(times.at(-1)).toBeGreaterThan(60_000);
  });

  test('a long rest saves up a second’s worth and no more', () => {
    expect(timesOf(startOf(120, null), 4, 0, 3_600_000).map((at) => at - 3_600_000)).toEqual([
      0, 0, 500, 1000,
    ]);
  });

  test('without limits everything goes at once', () => {
    expect(timesOf(startOf(null, null), 5, 1_000_000)).toEqual([0, 0, 0, 0, 0]);
  });
});

describe('tokens a minute', () => {
  test('a call that is larger than the bucket goes when it is full, and the next one waits until it is paid back', () => {
    // 6,000 a minute: 0.1 a millisecond, at most 1,000 saved up.
    expect(timesOf(startOf(null, 6_000), 3, 3_000)).toEqual([0, 30_000, 60_000]);
  });

  test('what was reserved and not used is there for the next call', () => {
    const first = admit(startOf(null, 6_000), 3_000, 0);
    expect(admit(first.pace, 1_000, 0).waitMs).toBe(30_000);
    expect(admit(settle(first.pace, 3_000, 2_500, 0), 1_000, 0).waitMs).toBe(25_000);
    expect(admit(settle(first.pace, 3_000, 0, 0), 1_000, 0).waitMs).toBe(0);
  });

  test('a call that used more than was reserved is paid back too', () => {
    const { pace } = admit(startOf(null, 6_000), 500, 0);
    expect(admit(settle(pace, 500, 1_000, 0), 500, 0).waitMs).toBe(5_000);
  });

  test('neither limit is passed when both are set', () => {
    expect(timesOf(startOf(60, 6_000), 3, 200)).toEqual([0, 1000, 2000]);
    expect(timesOf(startOf(60, 6_000), 7, 500).slice(-3)).toEqual([15_000, 20_000, 25_000]);
  });
});

describe('a pause', () => {
  test('holds back every call, and a shorter one does not end a longer one', () => {
    const paused = pause(pause(startOf(null, null), 5_000, 1_000), 1_000, 2_000);
    expect(admit(paused, 0, 2_000).waitMs).toBe(4_000);
    expect(admit(paused, 0, 6_000).waitMs).toBe(0);
  });

  test('counts nothing while it lasts', () => {
    const { pace } = admit(pause(startOf(60, null), 500, 0), 0, 0);
    expect(timesOf(pace, 2, 0, 500)).toEqual([500, 1500]);
  });
});
