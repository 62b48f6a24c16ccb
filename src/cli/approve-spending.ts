import { DecisionError } from '../core/errors.ts';
import type { Estimate } from '../core/estimate.ts';
import { type Job, type JobMode, sideOf } from '../core/job.ts';
import { formatUsd, type MicroUsd } from '../core/money.ts';
import type { RunOptions } from '../steps/run-job.ts';
import { chooseMode } from './choose-mode.ts';
import type { Context } from './context.ts';
import { askYes, type Unanswered } from './keyboard.ts';
import { formatMany } from './output.ts';
import { formatEstimate } from './print-estimate.ts';
import { formatShortEstimate } from './print-price.ts';

/**
 * Shows what a job will cost that was never submitted, and has the user choose its way and approve the price where one
 * can be asked. Elsewhere the budget alone decides.
 *
 * @throws DecisionError `not_approved`; InterruptedError on Ctrl-C.
 */
export async function approveFirst(
  job: Job,
  useBatch: boolean,
  estimate: Estimate,
  context: Context,
): Promise<JobMode> {
  const { requests, batch, realTime } = estimate.total;
  if (requests === 0) return useBatch ? 'batch' : 'real_time';
  return withKeyboard(context, async () => {
    const { mode, isAnswered } = await chooseMode(job, useBatch, estimate, context);
    if (isAnswered) return mode;
    const high = (mode === 'batch' ? batch : realTime)?.high ?? null;
    if (context.keyboard === null || !isWorthAsking(job, high)) {
      sayRehearsal(job, context);
      context.talk.say(formatShortEstimate(estimate, mode));
      return mode;
    }
    context.talk.say(formatEstimate(estimate).join('\n'));
    sayRehearsal(job, context);
    const way = mode === 'batch' ? 'as a batch' : 'in real time';
    const again = `submit ${job.jobId}${mode === 'batch' ? ' --use-batch' : ''}`;
    const others = '; --max-usd sets a limit, --pilot 20 sends a sample first';
    await requireYes(
      job,
      { question: `${what(requests, job)} ${way} for ${upTo(high)}`, again, others },
      context,
    );
    return mode;
  });
}

/**
 * Asks about requests that go out again, where they may cost more than the job asks about; what was approved before is
 * not asked about again. `high` is what those of one stage may cost, or null.
 */
export function approveRetry(
  job: Job,
  context: Context,
): (requests: number, high: MicroUsd | null) => Promise<void> {
  let unasked: MicroUsd = 0;
  return async (requests, high) => {
    const sum = high === null ? null : unasked + high;
    if (isWorthAsking(job, sum)) {
      const question = `${what(requests, job)} again for ${upTo(high)}`;
      await withKeyboard(context, async () => {
        if (context.keyboard !== null) sayRehearsal(job, context);
        await requireYes(job, { question, again: `retry ${job.jobId}`, others: '' }, context);
      });
      unasked = 0;
    } else unasked = sum ?? 0;
  };
}

/** Who says whether the rest of a job goes once its pilot is judged; nobody where none can be asked. */
export function pilotJudge({ jobId }: Job, context: Context): Pick<RunOptions, 'decidePilot'> {
  const { keyboard, yes, signal } = context;
  if (keyboard === null && !yes) return {};
  const unanswered = {
    message: `interrupted before the rest of job ${jobId} was sent`,
    why: 'its pilot is answered and kept, and nobody said whether the rest is to go',
    next: `batchctl --yes resume ${jobId} sends the rest, batchctl cancel ${jobId} drops it`,
  };
  return {
    // The verdict was told as progress, just before.
    decidePilot: () =>
      withKeyboard(
        context,
        async () => keyboard === null || askYes(`Send the rest of ${jobId}`, unanswered, keyboard, signal),
      ),
  };
}

/** A price that is not known is not small. */
function isWorthAsking({ spec }: Job, high: MicroUsd | null): boolean {
  return high === null || high > spec.spending.askAboveMicroUsd || spec.spending.askAboveMicroUsd === 0;
}

function what(requests: number, { jobId }: Job): string {
  return `Send ${formatMany(requests, 'request')} of ${jobId}`;
}

function upTo(high: MicroUsd | null): string {
  return high === null ? 'an unknown price' : `up to ${formatUsd(high)}`;
}

/** A job on the emulator is asked about like any other, so that it can be seen what will be asked. */
function sayRehearsal(job: Job, { talk }: Context): void {
  if (sideOf(job) === 'emulator') talk.say('a rehearsal: nothing is charged');
}

/** A question about money, and the command that comes to it again. */
interface Approval {
  readonly question: string;
  readonly again: string;
  /** What else can be done. */
  readonly others: string;
}

/** A spinner and a question cannot share a screen. */
async function withKeyboard<T>({ keyboard, talk }: Context, work: () => Promise<T>): Promise<T> {
  if (keyboard === null) return work();
  talk.stopSpinner();
  const answer = await work();
  await talk.startSpinner();
  return answer;
}

async function requireYes(
  job: Job,
  { question, again, others }: Approval,
  { keyboard, signal }: Context,
): Promise<void> {
  if (keyboard === null) return;
  const facts: Unanswered = {
    message: 'interrupted before anything was sent',
    why: `job ${job.jobId} stays as it is, and nobody said whether its requests are to go`,
    next: `batchctl --yes ${again} sends them`,
  };
  if (await askYes(question, facts, keyboard, signal)) return;
  throw new DecisionError(`nothing of job ${job.jobId} was sent`, {
    code: 'not_approved',
    why: 'its price was not approved',
    next: `batchctl ${again} asks again${others}`,
  });
}
