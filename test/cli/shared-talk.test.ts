import { expect, test } from 'vitest';
import { SharedTalk } from '../../src/cli/shared-talk.ts';
import type { Job } from '../../src/core/job.ts';
import type { Progress } from '../../src/core/ports/progress.ts';
import { makeManualClock } from '../support/manual-clock.ts';

// It reads nothing else of a job.
const jobOf = (id: number): Job => ({ id, jobId: `job-${id}` }) as Job;
const ONE = jobOf(1);
const TWO = jobOf(2);

function makeShared(isLive = false) {
  const told: Progress[] = [];
  const clock = makeManualClock();
  const talk = {
    report: (progress: Progress) => told.push(progress),
    startSpinner: async () => {},
    isLive: () => isLive,
  };
  return { told, clock, shared: new SharedTalk(talk, clock) };
}

const textsOf = (told: readonly Progress[]): readonly string[] =>
  told.map((progress) => (progress.kind === 'notice' ? progress.text : progress.kind));

const polled = (more: Partial<Extract<Progress, { kind: 'polled' }>>): Progress => ({
  kind: 'polled',
  pending: 0,
  ended: 0,
  doubts: 0,
  requests: 0,
  elapsedMs: 0,
  nextLookMs: 1_000,
  ...more,
});

test('a line is said under the name of its job, which is not said again before another one speaks', () => {
  const { told, shared } = makeShared();
  const [one, two] = [shared.reportOf(ONE), shared.reportOf(TWO)];
  one({ kind: 'notice', text: 'a' });
  one({ kind: 'notice', text: 'b' });
  two({ kind: 'notice', text: 'c' });
  one({ kind: 'notice', text: 'd' });
  expect(textsOf(told)).toEqual(['job job-1:', 'a', 'b', 'job job-2:', 'c', 'job job-1:', 'd']);
});

test('what only moves at a terminal is said under no name there, and under one where it is a line', () => {
  for (const isLive of [true, false]) {
    const { told, shared } = makeShared(isLive);
    shared.reportOf(ONE)({ kind: 'writing', rows: 7 });
    expect(textsOf(told)).toEqual(isLive ? ['writing'] : ['job job-1:', 'writing']);
  }
});

test('the same wait for room is said once, and again when something was told in between or has changed', () => {
  const { told, shared } = makeShared();
  const [one, two] = [shared.reportOf(ONE), shared.reportOf(TWO)];
  const which = { stage: null, shard: 2, shards: 2, requests: 5, limit: null, takers: [] };
  const full = { kind: 'queue_full', ...which, inFlight: 9, nextTryMs: 9_000 } as const;
  one(full);
  two(full);
  one({ ...full, nextTryMs: 8_000 });
  two(full);
  one({ ...full, inFlight: 4 });
  one({ kind: 'notice', text: 'a' });
  one({ ...full, inFlight: 4 });
  const said = ['job job-1:', 'queue_full', 'job job-2:', 'queue_full', 'job job-1:', 'queue_full', 'a'];
  expect(textsOf(told)).toEqual([...said, 'queue_full']);
});

test('how jobs wait is one sum, with the time that has passed since each was looked at', async () => {
  const { told, clock, shared } = makeShared();
  shared.reportOf(ONE)(polled({ pending: 3, ended: 1, requests: 30, elapsedMs: 60_000 }));
  await shared.wait(ONE, 60_000);
  clock.advance(20_000);
  const room = { requests: 7, inFlight: 30, waitedMs: 5_000, nextTryMs: 90_000 };
  shared.reportOf(TWO)(polled({ doubts: 1, room }));
  await shared.wait(TWO, 50_000);
  clock.advance(10_000);
  await shared.wait(ONE, 60_000);
  const sum = { kind: 'polled', pending: 3, ended: 1, doubts: 1, requests: 30 };
  expect(told).toEqual([
    { ...sum, doubts: 0, elapsedMs: 60_000, nextLookMs: 60_000 },
    { ...sum, elapsedMs: 80_000, nextLookMs: 40_000, room },
    {
      ...sum,
      elapsedMs: 90_000,
      nextLookMs: 40_000,
      room: { ...room, waitedMs: 15_000, nextTryMs: 80_000 },
    },
  ]);
  shared.leave(ONE);
  await shared.wait(TWO, 5_000);
  expect(told.at(-1)).toMatchObject({ pending: 0, doubts: 1, requests: 0, nextLookMs: 5_000 });
});
