import { DecisionError, InterruptedError, isKnownError } from '../core/errors.ts';
import { isInterruption, signalOf } from '../core/interruption.ts';
import type { Job } from '../core/job.ts';
import type { RunOptions } from '../steps/run-job.ts';
import type { Context } from './context.ts';
import { formatMany } from './output.ts';
import { SharedTalk } from './shared-talk.ts';
import { Slots, Turns } from './turns.ts';

export type Phase = RunOptions['until'];
type Sleep = NonNullable<RunOptions['sleep']>;

/** Carries one job on, which waits between its rounds as it is told. */
export type CarryOne = (job: Job, phase: Phase, context: Context, sleep: Sleep) => Promise<unknown>;

/** Each holds a lock, which is an open file: systems allow 256 or more. They wait in the first phase too, when the API refuses. */
const MOST_AT_ONCE = 50;

/**
 * Carries all jobs on, phase by phase: each goes through the first one, in which nothing is waited for that need not be,
 * before any goes through the next. From there on they take turns: while one waits, another one sends what there is room
 * for by now, or takes in what has ended. Each holds its lock as long as its phase lasts.
 *
 * One job's failure does not stop the others; it is added to `failures`.
 *
 * @throws InterruptedError; and a bug of one job, after which the others are left as they are.
 */
export async function carryOnAll(
  jobs: readonly Job[],
  phases: readonly Phase[],
  failures: Map<number, unknown>,
  context: Context,
  carryOne: CarryOne,
): Promise<void> {
  const turns = new Turns();
  const slots = new Slots(MOST_AT_ONCE);
  const bug = new AbortController();
  const signal = AbortSignal.any([context.signal, bug.signal]);
  const shared = jobs.length > 1 ? new SharedTalk(context.talk, context.clock) : null;

  const carry = async (job: Job, phase: Phase): Promise<void> => {
    let endTurn = await turns.begin();
    try {
      signal.throwIfAborted();
      const sleep: Sleep = async (ms, ended) => {
        await shared?.wait(job, ms);
        endTurn();
        await context.clock.sleep(ms, ended);
        endTurn = await turns.begin();
      };
      await carryOne(job, phase, { ...withReport(context, job, shared), signal }, sleep);
    } finally {
      shared?.leave(job);
      endTurn();
    }
  };

  const carryThrough = async (job: Job): Promise<void> => {
    for (const phase of phases) {
      try {
        await slots.within(() => carry(job, phase));
      } catch (error) {
        if (isInterruption(error, signal)) throw error;
        if (phase === 'submitted' && (await isHeld(job, error, context))) continue;
        failures.set(job.id, error);
        if (!isKnownError(error)) {
          bug.abort(error);
          throw error;
        }
        if (jobs.length > 1)
          context.talk.warn(
            [error.message, error.why, error.next].filter((part) => part !== null).join('\n  '),
          );
        return;
      }
    }
  };

  const outcomes = await Promise.allSettled(jobs.map(carryThrough));
  if (bug.signal.aborted) throw bug.signal.reason;
  const stopped = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  if (stopped.length > 0) throw stopped.length === 1 ? stopped[0] : interruptionOf(stopped, context.signal);
}

function withReport(context: Context, job: Job, shared: SharedTalk | null): Context {
  if (shared === null) return context;
  const { wire } = context;
  const report = shared.reportOf(job);
  return {
    ...context,
    wire: { ...wire, deps: async (...asked) => ({ ...(await wire.deps(...asked)), report }) },
  };
}

/** Over its budget for now, or beside a doubt that another job of the run may settle: the next phase waits for that. */
async function isHeld(job: Job, error: unknown, { wire }: Context): Promise<boolean> {
  if (isBesideDoubt(error)) return true;
  if (!(error instanceof DecisionError) || error.code !== 'over_budget') return false;
  const { store } = await wire.localDeps();
  // One of which nothing was sent is as if nobody had asked for it, and so is its way to go.
  return (await store.jobById(job.id)).submitRequestedAt !== null;
}

/** Nothing holds the job back but a doubt of another one. */
export function isBesideDoubt(error: unknown): boolean {
  return error instanceof DecisionError && error.code === 'same_count_in_doubt';
}

/** Several jobs were stopped: what goes on of each, and one way on. */
function interruptionOf(errors: readonly unknown[], signal: AbortSignal): unknown {
  const why = errors.flatMap((error) => {
    // One that had not begun has nothing of its own to say.
    if (!(error instanceof InterruptedError) || error === signal.reason) return [];
    return [[error.message, error.why].filter((part) => part !== null).join(': ')];
  });
  return new InterruptedError(`interrupted; ${formatMany(errors.length, 'job')} are not at their end`, {
    code: 'interrupted',
    signal: signalOf(signal),
    ...(why.length === 0 ? {} : { why: why.join('\n') }),
    next: 'batchctl resume carries all of them on, batchctl cancel <id> stops what is under way of one',
    cause: signal.reason,
  });
}
