import { describe, expect, test } from 'vitest';
import { describeProgress } from '../../src/cli/progress-text.ts';
import type { Progress } from '../../src/core/ports/progress.ts';

const NOW = new Date('2026-01-01T14:07:00Z');
const MINUTE = 60_000;

describe('what is told of a full queue', () => {
  const full = { kind: 'queue_full', stage: null, shard: 3, shards: 12, requests: 100_000 } as const;
  test.each([
    [
      { ...full, inFlight: 200_000, limit: null, nextTryMs: 72_000, takers: [] },
      'waiting for queue room: 200,000 requests in flight; shard 3/12 (100,000 requests) goes once batches have ended, or ' +
        'is tried again in 1 min 12 s',
    ],
    [
      { ...full, inFlight: 200_000, limit: 250_000, nextTryMs: null, takers: [] },
      'waiting for queue room: 200,000 requests in flight, of 250,000 that --max-in-flight allows; shard 3/12 (100,000 ' +
        'requests) goes once batches have ended',
    ],
    [
      {
        ...full,
        inFlight: 170_000,
        limit: 200_000,
        nextTryMs: null,
        takers: [
          { jobId: 'a', requests: 90_000, inDoubt: 0, holder: null },
          { jobId: 'b', requests: 50_000, inDoubt: 20_000, holder: null },
          { jobId: 'c', requests: 20_000, inDoubt: 20_000, holder: 'process 7: batchctl resume' },
          { jobId: 'd', requests: 5_000, inDoubt: 0, holder: null },
          { jobId: 'e', requests: 4_000, inDoubt: 0, holder: null },
        ],
      },
      'waiting for queue room: 170,000 requests in flight, of 200,000 that --max-in-flight allows (90,000 of job a, 50,000 ' +
        'of job b, 20,000 of job c, 9,000 of 2 more jobs); shard 3/12 (100,000 requests) goes once batches have ended; ' +
        '20,000 of job b are in doubt and count until that is settled: batchctl resume b; ' +
        '20,000 of job c are in doubt and count until that is settled: process 7: batchctl resume',
    ],
  ] as const)('%j', (progress, text) => {
    expect(describeProgress(progress, NOW).line).toBe(text);
  });
});

describe('what is told while nobody knows whether a batch exists', () => {
  const cases: readonly (readonly [Progress, string])[] = [
    [
      {
        kind: 'in_doubt',
        stage: null,
        shard: 3,
        shards: 12,
        requests: 8412,
        why: 'the connection broke after the request was complete',
        settleMs: 15 * MINUTE,
      },
      'Shard 3/12 (8,412 requests): the connection broke after the request was complete. It may or may not have been ' +
        'created. Nothing of it will be sent again until that is known. Checking the workspace’s batches; decision by ' +
        '14:22 UTC (15 min).',
    ],
    [
      { kind: 'provisional', shard: 3, requests: 8412, batchIds: ['msgbatch_a'] },
      'Shard 3: found one batch with exactly 8,412 requests since its upload began: msgbatch_a. Treating it as ours; its ' +
        'results will confirm that when it ends (at most 24 h). Not sending it again.',
    ],
    [
      { kind: 'provisional', shard: 3, requests: 8412, batchIds: ['msgbatch_a', 'msgbatch_b'] },
      'Shard 3: found 2 batches with exactly 8,412 requests since its upload began: msgbatch_a, msgbatch_b. One of them ' +
        'may be ours; their results will tell when they end (at most 24 h). Not sending it again.',
    ],
    [
      { kind: 'absent', shard: 3, looks: 3, settleMs: 15 * MINUTE },
      'Shard 3: 3 complete listings over 15 min show no such batch. Sending it again. The earlier submission stays under ' +
        'watch for a day.',
    ],
  ];
  test.each(cases)('%j', (progress, text) => {
    expect(describeProgress(progress, NOW).line).toBe(text.replace('’', "'"));
  });
});

describe('while batches are in progress', () => {
  const polled: Progress = {
    kind: 'polled',
    pending: 3,
    ended: 0,
    doubts: 0,
    requests: 1200,
    elapsedMs: 12 * MINUTE,
    nextLookMs: 30_000,
  };

  test('elapsed time goes on between two looks', () => {
    const { live } = describeProgress(polled, NOW);
    expect(live?.(0)).toBe('3 batches in progress, 1,200 requests, 12 min so far; next look in 30 s');
    expect(live?.(10_000)).toBe(
      '3 batches in progress, 1,200 requests, 12 min 10 s so far; next look in 20 s',
    );
    expect(live?.(40_000)).toContain('next look in 0 s');
  });

  test('without a spinner the same look twice is one line, and a change is another', () => {
    const later = describeProgress({ ...polled, elapsedMs: 13 * MINUTE, nextLookMs: 60_000 }, NOW);
    expect(later.plain).toBe(describeProgress(polled, NOW).plain);
    const ended = describeProgress({ ...polled, ended: 1 }, NOW);
    expect(ended.plain).toBe('2 of 3 batches in progress, 1 ended, 1,200 requests');
  });

  test('what waits for room is said with its numbers, also by a job that has no batch of its own', () => {
    const room = { requests: 300, inFlight: 1200, waitedMs: 2 * MINUTE, nextTryMs: 70_000 };
    const mixed = describeProgress({ ...polled, room }, NOW);
    expect(mixed.live?.(10_000)).toBe(
      '3 batches in progress, 1,200 requests; 300 wait for queue room, 12 min 10 s so far; next look in 20 s, next try in ' +
        '1 min',
    );
    // Nothing new where a line has said it.
    expect(mixed.plain).toBe(describeProgress(polled, NOW).plain);
    const none = { ...polled, pending: 0, requests: 0, elapsedMs: 0 };
    const alone = describeProgress({ ...none, room: { ...room, requests: 1, nextTryMs: null } }, NOW);
    expect(alone.live?.(10_000)).toBe(
      '1 request waits for queue room, 1,200 in flight, 2 min 10 s so far; next look in 20 s',
    );
    expect(alone.plain).toBeNull();
  });

  test('a shard in doubt is not counted as a batch', () => {
    const both = describeProgress({ ...polled, pending: 1, doubts: 2, requests: 7 }, NOW);
    expect(both.plain).toBe('1 batch in progress, 7 requests; 2 shards in doubt');
    const alone = describeProgress({ ...polled, pending: 0, doubts: 1, requests: 0 }, NOW);
    expect(alone.plain).toBe('1 shard in doubt');
  });
});

test('a count of one is not a plural', () => {
  const created: Progress = {
    kind: 'created',
    stage: null,
    shard: 1,
    shards: 1,
    batchId: 'msgbatch_a',
    requests: 1,
  };
  expect(describeProgress(created, NOW).line).toBe('shard 1/1 is batch msgbatch_a (1 request)');
});

test('how much was sent is live, and one line where there is no spinner', () => {
  const shown = describeProgress(
    {
      kind: 'uploading',
      stage: null,
      shard: 1,
      shards: 3,
      requests: 8412,
      bytesSent: 12_300_000,
      bytes: 245_000_000,
    },
    NOW,
  );
  expect(shown.live?.(0)).toBe('sending shard 1/3 (8,412 requests): 12.3 MB of 245.0 MB');
  expect(shown.plain).toBe('sending shard 1/3 (8,412 requests): 245.0 MB');
});

describe('requests that are asked one by one', () => {
  const so = { kind: 'answering', answered: 250, requests: 1000, underWay: 8, pausedMs: 0 } as const;

  test.each([
    [
      { ...so, perMinute: 100 },
      '250 of 1,000 requests answered, 100 a minute, 7 min 30 s left at this rate, 8 under way',
    ],
    [{ ...so, perMinute: null }, '250 of 1,000 requests answered, 8 under way'],
    [{ ...so, perMinute: 0 }, '250 of 1,000 requests answered, 0 a minute, 8 under way'],
    [
      { ...so, perMinute: null, pausedMs: 12_000 },
      '250 of 1,000 requests answered, the API asks for a pause of 12 s, 8 under way',
    ],
  ])('%j', (progress, text) => {
    expect(describeProgress(progress, NOW).live?.(0)).toBe(text);
  });

  test('are told ten times where there is no spinner', () => {
    const lines = new Set(
      Array.from(
        { length: 1001 },
        (_, answered) => describeProgress({ ...so, answered, perMinute: null }, NOW).plain,
      ),
    );
    expect([...lines].slice(0, 2)).toEqual([
      'asking 1,000 requests one by one',
      '10 % of 1,000 requests answered',
    ]);
    expect(lines.size).toBe(11);
  });
});
