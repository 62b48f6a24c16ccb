import type { Estimate } from '../core/estimate.ts';
import { type Job, type JobMode, sideOf } from '../core/job.ts';
import type { Context } from './context.ts';
import { type Keyboard, waitForAnswer } from './keyboard.ts';
import { formatCount, formatMany } from './output.ts';
import { formatEstimate } from './print-estimate.ts';
import { formatPrice } from './print-price.ts';

/** From this many requests on it is worth a question which way they go. */
const WORTH_ASKING = 5;

/** What each way costs, in words. */
export type ModePrices = Readonly<Record<JobMode, string>>;

export interface ChosenMode {
  readonly mode: JobMode;
  /** The user chose it with the prices in view. */
  readonly isAnswered: boolean;
}

/** The way in which a job goes that was submitted; null for one that was not. Says so where the flag says otherwise. */
export function decidedMode(job: Job, useBatch: boolean, context: Context): JobMode | null {
  const decided = job.mode ?? (job.account === null ? null : 'batch');
  if (decided !== null && useBatch !== (decided === 'batch')) context.talk.say(describeDecided(job, decided));
  return decided;
}

function describeDecided({ jobId }: Job, mode: JobMode): string {
  return mode === 'batch'
    ? `job ${jobId} was submitted as batches and stays so`
    : `job ${jobId} was submitted in real time and stays so; --use-batch changes nothing (--new makes another job)`;
}

/**
 * The way of a job that was never submitted: as the flag says, else as the user says where one can be asked, else in real
 * time.
 */
export async function chooseMode(
  job: Job,
  useBatch: boolean,
  estimate: Estimate,
  { keyboard, signal, talk }: Context,
): Promise<ChosenMode> {
  const { requests, batch, realTime } = estimate.total;
  if (useBatch) return { mode: 'batch', isAnswered: false };
  if (keyboard === null || requests < WORTH_ASKING) return { mode: 'real_time', isAnswered: false };
  talk.say(formatEstimate(estimate).join('\n'));
  if (sideOf(job) === 'emulator') talk.say('a rehearsal: nothing is charged');
  const prices = { batch: formatPrice(batch), real_time: formatPrice(realTime) };
  return { mode: await askMode({ jobId: job.jobId, requests, prices }, keyboard, signal), isAnswered: true };
}

/** @throws InterruptedError on Ctrl-C. */
export async function askMode(
  facts: { readonly jobId: string; readonly requests: number; readonly prices: ModePrices },
  { input, output }: Keyboard,
  signal: AbortSignal,
): Promise<JobMode> {
  const { select } = await import('@inquirer/prompts');
  const { jobId, requests, prices } = facts;
  const answer = select<JobMode>(
    {
      message: `Send the ${formatMany(requests, 'request')} of ${jobId}`,
      choices: [
        {
          value: 'batch',
          name: `as a batch: ${prices.batch}`,
          description: 'ready in minutes to 24 hours, mostly within one',
          short: 'as a batch',
        },
        {
          value: 'real_time',
          name: `in real time: ${prices.real_time}`,
          description: 'answers begin now, some at a time',
          short: 'in real time',
        },
      ],
    },
    { input, output, signal },
  );
  const unanswered = {
    message: `interrupted before anything of job ${jobId} was sent`,
    why: `its ${formatCount(requests)} requests are built, and nobody said how they are to go`,
    next: `batchctl submit ${jobId} --use-batch sends them as a batch, batchctl --yes submit ${jobId} in real time`,
  };
  return waitForAnswer(answer, unanswered, signal);
}
