import { describe, expect, it } from 'vitest';
import { backoffMs } from '../../src/core/backoff.ts';
import {
  findWait,
  latestRefusal,
  QUEUE_RULE,
  type QueueRefusal,
  refusedAbout,
  timesRefused,
} from '../../src/core/queue.ts';

const AT = Date.parse('2026-11-20T10:00:00Z');
const MINUTE = 60_000;

/** 500,000 were in the queue when another 100,000 were refused; it was the second time. */
const refusal: QueueRefusal = {
  atMs: AT,
  inFlight: 500_000,
  pauseMs: 3 * MINUTE,
  times: 2,
  about: 'queue',
};

describe('a shard of 100,000 requests', () => {
  const N = 100_000;
  it.each([
    ['nothing known: it goes', 500_000, null, null, 0, 'goes'],
    ['within the limit', 100_000, 200_000, null, 0, 'goes'],
    ['one request above the limit', 100_001, 200_000, null, 0, 'until a batch has ended'],
    ['above the limit, though no refusal holds it', 500_000, 200_000, refusal, 60, 'until a batch has ended'],
    ['just refused', 500_000, null, refusal, 0, 3],
    ['refused, and still as full', 500_000, null, refusal, 2.9, 3],
    ['when the pause is over', 500_000, null, refusal, 3, 'goes'],
    ['a batch of as many has ended: within the minute', 400_000, null, refusal, 0.5, 1],
    ['a batch of as many has ended: after it', 400_000, null, refusal, 1, 'goes'],
    ['a smaller one has ended', 400_001, null, refusal, 1, 3],
  ] as const)('%s', (_name, inFlight, limit, known, minutes, expected) => {
    const nowMs = AT + minutes * MINUTE;
    const wait = findWait(N, inFlight, { limit, refusal: known, nowMs, leastMs: MINUTE });
    if (expected === 'goes') expect(wait).toBeNull();
    else {
      const untilMs = expected === 'until a batch has ended' ? null : AT + expected * MINUTE;
      expect(wait).toMatchObject({ inFlight, untilMs });
    }
  });
});

describe('the refusal that counts', () => {
  const later = { ...refusal, atMs: AT + MINUTE };
  it.each([
    ['the later one', [later, refusal], 0, 2, later],
    ['none of before the queue took more', [refusal, null], AT, 2, null],
    [
      'one of a clock that was ahead by some minutes, as of now',
      [refusal],
      0,
      -15,
      { ...refusal, atMs: AT - 15 * MINUTE },
    ],
    ['none of a clock that was ahead by more', [refusal], 0, -15.1, null],
    [
      'the later one, though both lie ahead',
      [{ ...later, times: 3 }, refusal],
      0,
      -1,
      { ...later, times: 3, atMs: AT - MINUTE },
    ],
    ['none of a clock that was ahead by hours', [{ ...refusal, atMs: AT + 600 * MINUTE }, null], 0, 2, null],
    ['the one whose clock was right', [{ ...later, atMs: AT + 600 * MINUTE }, refusal], 0, 2, refusal],
  ] as const)('is %s', (_name, refusals, takenMs, minutes, expected) => {
    expect(latestRefusal(refusals, { nowMs: AT + minutes * MINUTE, takenMs })).toEqual(expected);
  });
});

describe('a 429 with batches of ours in the queue', () => {
  it.each([
    [
      'This request would exceed your organization’s limit of batch requests in the processing queue.',
      5_000,
      1,
      'queue',
    ],
    ['Too many requests.', 5_000, 1, 'calls'],
    ['Too many requests.', 60_000, 1, 'calls'],
    ['Too many requests.', 61_000, 1, 'queue'],
    ['Too many requests.', null, 1, 'queue'],
    ['Too many requests.', 5_000, 2, 'queue'],
    ['conqueued', 5_000, 1, 'calls'],
  ] as const)(
    '«%s», retry after %s, number %s in a row, is about the %s',
    (words, retryAfterMs, times, expected) => {
      expect(refusedAbout(words, retryAfterMs, times)).toBe(expected);
    },
  );

  it('counts with the one before it, unless that is long past', () => {
    expect(timesRefused(null, AT)).toBe(1);
    expect(timesRefused(refusal, AT + 3 * MINUTE)).toBe(3);
    expect(timesRefused(refusal, AT + 62 * MINUTE)).toBe(3);
    expect(timesRefused(refusal, AT + 63 * MINUTE)).toBe(1);
  });

  it('is followed by no other within a minute, and by eight in two hours at most', () => {
    const { backoff, leastMs } = QUEUE_RULE;
    let atMs = 0;
    let creates = 0;
    for (let times = 1; atMs < 120 * MINUTE; times += 1) {
      creates += 1;
      const pauseMs = backoffMs(backoff, times, 0.999);
      expect(pauseMs).toBeGreaterThanOrEqual(leastMs);
      atMs += pauseMs;
    }
    expect(leastMs).toBe(MINUTE);
    expect(creates).toBeLessThanOrEqual(9);
  });
});
