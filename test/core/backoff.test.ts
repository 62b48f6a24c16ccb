import { describe, expect, it } from 'vitest';
import { backoffMs, parseRetryAfter, pollIntervalMs, READ_BACKOFF } from '../../src/core/backoff.ts';

const HOUR = 3_600_000;

describe('waiting before another try', () => {
  it.each([
    [1, 0, 500],
    [2, 0, 1_000],
    [3, 0, 2_000],
    [9, 0, 8_000],
    [1, 0.999, 375],
  ])('try %i with chance %d waits %i ms', (attempt, random, expected) => {
    expect(backoffMs(READ_BACKOFF, attempt, random)).toBe(expected);
  });

  it('lets the server’s word win where it is longer, up to an hour', () => {
    expect(backoffMs(READ_BACKOFF, 1, 0, 12_000)).toBe(12_000);
    expect(backoffMs(READ_BACKOFF, 1, 0, 10)).toBe(500);
    expect(backoffMs(READ_BACKOFF, 1, 0, 10 * 365 * 24 * HOUR)).toBe(HOUR);
  });
});

describe('retry-after', () => {
  const serverMs = Date.parse('2026-11-20T10:00:00Z');
  it.each([
    ['12', 12_000],
    ['0', 0],
    ['1.5', 1_500],
    ['-3', null],
    ['', null],
    [null, null],
    ['soon', null],
    ['Fri, 20 Nov 2026 10:00:30 GMT', 30_000],
    ['Fri, 20 Nov 2026 09:00:00 GMT', 0],
  ])('%j is %j ms', (value, expected) => {
    expect(parseRetryAfter(value, serverMs)).toBe(expected);
  });

  it('as a date means nothing without the server’s own clock', () => {
    expect(parseRetryAfter('Fri, 20 Nov 2026 10:00:30 GMT', null)).toBeNull();
  });
});

describe('the interval of the looks', () => {
  it.each([
    [0, 5_000],
    [60_000, 6_000],
    [300_000, 30_000],
    [24 * HOUR, 60_000],
  ])('at an age of %i ms is %i ms, less the jitter', (ageMs, expected) => {
    expect(pollIntervalMs(ageMs, 0)).toBe(expected);
    expect(pollIntervalMs(ageMs, 0.999)).toBeGreaterThan(expected * 0.74);
  });

  it('honours retry-after even on a good answer', () => {
    expect(pollIntervalMs(0, 0, 10_000)).toBe(10_000);
  });
});
