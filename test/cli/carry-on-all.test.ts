import { expect, test } from 'vitest';
import { type CarryOne, carryOnAll } from '../../src/cli/carry-on-all.ts';
import type { Context } from '../../src/cli/context.ts';
import { systemClock } from '../../src/cli/system-clock.ts';
import { DecisionError, InterruptedError, UsageError } from '../../src/core/errors.ts';
import type { Job } from '../../src/core/job.ts';

const HOUR = 3_600_000;
// It reads nothing else of a job.
const JOBS = [1, 2, 3].map((id) => ({ id, jobId: `job-${id}` }) as Job);

function makeContext(signal: AbortSignal) {
  const warned: string[] = [];
  const talk = {
    report: () => {},
    startSpinner: async () => {},
    isLive: () => false,
    warn: (text: string) => warned.push(text),
  };
  // Nor of a context, and it calls nothing of the wire by itself.
  return { warned, context: { talk, signal, clock: systemClock, wire: {} } as unknown as Context };
}

test('all jobs go through the first phase before any waits in the second, and one that failed is left out of it', async () => {
  const { context, warned } = makeContext(new AbortController().signal);
  const failures = new Map<number, unknown>();
  const log: string[] = [];
  const carryOne: CarryOne = async ({ id }, phase, { signal }, sleep) => {
    log.push(`${phase} ${id}`);
    if (phase === 'submitted' && id === 2) throw new UsageError('no', { code: 'wrong_usage', next: 'else' });
    if (phase === 'final') await sleep(0, signal);
    log.push(`${phase} ${id} ends`);
  };
  await carryOnAll(JOBS, ['submitted', 'final'], failures, context, carryOne);
  const first = ['submitted 1', 'submitted 1 ends', 'submitted 2', 'submitted 3', 'submitted 3 ends'];
  expect(log).toEqual([...first, 'final 1', 'final 3', 'final 1 ends', 'final 3 ends']);
  expect([...failures.keys()]).toEqual([2]);
  expect(warned).toEqual(['no\n  else']);
});

test('a job beside the doubt of another one is tried again in the next phase, without a word of failure', async () => {
  const { context, warned } = makeContext(new AbortController().signal);
  const failures = new Map<number, unknown>();
  const log: string[] = [];
  const carryOne: CarryOne = async ({ id }, phase) => {
    log.push(`${phase} ${id}`);
    if (phase === 'submitted' && id === 2)
      throw new DecisionError('in doubt', { code: 'same_count_in_doubt', next: 'resume' });
  };
  await carryOnAll(JOBS, ['submitted', 'final'], failures, context, carryOne);
  expect(log.filter((entry) => entry.startsWith('final'))).toEqual(['final 1', 'final 2', 'final 3']);
  expect([failures.size, warned]).toEqual([0, []]);
});

test('no more than fifty jobs are begun at once, in the first phase neither', async () => {
  const { context } = makeContext(new AbortController().signal);
  const many = Array.from({ length: 120 }, (_, id) => ({ id, jobId: `job-${id}` }) as Job);
  let [begun, most] = [0, 0];
  const carryOne: CarryOne = async (_job, _phase, { signal }, sleep) => {
    begun += 1;
    most = Math.max(most, begun);
    await sleep(1, signal);
    begun -= 1;
  };
  await carryOnAll(many, ['submitted', 'final'], new Map(), context, carryOne);
  expect(most).toBe(50);
});

test('a bug in one job ends the others, which wait for hours, and is what is thrown', async () => {
  const { context } = makeContext(new AbortController().signal);
  const bug = new TypeError('x is not a function');
  const carryOne: CarryOne = async ({ id }, _phase, { signal }, sleep) => {
    if (id === 3) throw bug;
    await sleep(HOUR, signal);
    signal.throwIfAborted();
  };
  await expect(carryOnAll(JOBS, ['final'], new Map(), context, carryOne)).rejects.toBe(bug);
});

test('an interruption of several jobs says of each what goes on of it, and one way on', async () => {
  const stop = new AbortController();
  const reason = new InterruptedError('stop', { code: 'interrupted', signal: 'SIGTERM', next: '' });
  const { context } = makeContext(stop.signal);
  const carryOne: CarryOne = async ({ id, jobId }, _phase, { signal }, sleep) => {
    if (id === 3) stop.abort(reason);
    await sleep(HOUR, signal);
    const facts = { code: 'interrupted', signal: 'SIGTERM', next: '' } as const;
    throw new InterruptedError(`${jobId} is in progress`, { ...facts, why: 'a batch goes on' });
  };
  await expect(carryOnAll(JOBS, ['final'], new Map(), context, carryOne)).rejects.toMatchObject({
    name: 'InterruptedError',
    message: 'interrupted; 3 jobs are not at their end',
    signal: 'SIGTERM',
    why: [1, 2, 3].map((id) => `job-${id} is in progress: a batch goes on`).join('\n'),
    next: expect.stringContaining('batchctl resume carries all of them on'),
  });
});
