import { isFinal, type Job } from '../core/job.ts';
import type { JobDocument } from '../core/job-document.ts';
import type { FailureClass } from '../core/result.ts';
import { describeJob } from '../steps/describe-job.ts';
import { refusePruned } from '../steps/refuse-pruned.ts';
import type { RetryOptions, RetrySummary } from '../steps/retry-job.ts';
import { carryOn } from './carry-on.ts';
import type { Context } from './context.ts';
import type { WaitFlags } from './flags.ts';
import type { MoneyFlags } from './money-flags.ts';
import { formatMany } from './output.ts';
import type { PaceFlags } from './pace-flags.ts';

export interface RetryWishes extends WaitFlags, PaceFlags, MoneyFlags {
  readonly on: readonly FailureClass[];
  readonly force?: boolean;
  readonly stage?: string;
  readonly restInRealTime?: boolean;
  readonly submitOnly?: boolean;
}

/** Gives what did not succeed new requests and carries the job on, as `retry` and `submit --rest-in-real-time` ask for it. */
export async function retryAndRun(job: Job, wishes: RetryWishes, context: Context): Promise<JobDocument> {
  const { checkRetry, retryJob } = await import('../steps/retry-job.ts');
  const { approveRetry } = await import('./approve-spending.ts');
  const options: RetryOptions = {
    classes: wishes.on.length > 0 ? wishes.on : wishes.restInRealTime ? ['expired', 'canceled'] : null,
    force: wishes.force === true,
    stage: wishes.stage ?? null,
    route: wishes.restInRealTime ? 'real_time' : null,
    approve: approveRetry(job, context),
  };
  checkRetry(job, options);
  await refusePruned(job, await context.wire.localDeps());
  const settled = wishes.restInRealTime ? await settleFirst(job, wishes, context) : job;
  const fresh = await carryOn(
    settled,
    { submit: true, until: wishes.submitOnly ? 'submitted' : 'final' },
    wishes,
    context,
    async (deps) => {
      sayRetried(await retryJob(settled, options, deps, context.signal), context);
      return undefined;
    },
  );
  return describeJob(fresh, await context.wire.localDeps());
}

/**
 * What is still in batches is canceled and taken in before it is asked for in real time: a row that a batch answers after
 * all must not be paid twice.
 */
async function settleFirst(job: Job, wishes: WaitFlags, context: Context): Promise<Job> {
  if (isFinal(job.state)) return job;
  const { cancelJob } = await import('../steps/cancel-job.ts');
  const deps = await context.wire.deps(job, context);
  // A run that is at work on the job would take in what is left, and this one could ask for nothing.
  deps.locks.lockJob(job.jobId).release();
  context.talk.say(`canceling the batches of ${job.jobId} first, and waiting until they have ended`);
  await cancelJob(job, deps, context.signal);
  return carryOn(job, { submit: false, until: 'final', goesOn: true }, wishes, context);
}

function sayRetried({ requests, noUse }: RetrySummary, { talk }: Context): void {
  talk.say(requests === 0 ? 'nothing to send again' : `${formatMany(requests, 'request')} to send again`);
  for (const [why, rows] of noUse) talk.say(`${formatMany(rows, 'row')} not sent again: ${why}`);
}
