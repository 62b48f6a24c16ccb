import { InterruptedError } from '../core/errors.ts';
import type { Job, JobMode } from '../core/job.ts';
import type { Context } from './context.ts';
import { formatCount, formatMany } from './output.ts';

/** From this many requests on it is worth a question which way they go. */
const WORTH_ASKING = 5;

/** What each way costs, in words for a question; null while nothing is known of prices. */
export type ModePrices = Readonly<Record<JobMode, string>>;

/**
 * The way of a job that was never submitted: as the flag says, else as the user says where one can be asked, else in real
 * time. One that was submitted keeps its way, and the user hears of it where the flag says otherwise.
 */
export async function chooseMode(job: Job, useBatch: boolean, context: Context): Promise<JobMode> {
  const decided = job.mode ?? (job.account === null ? null : 'batch');
  if (decided !== null) {
    if (useBatch !== (decided === 'batch')) context.talk.say(describeDecided(job, decided));
    return decided;
  }
  if (useBatch) return 'batch';
  const { store } = await context.wire.localDeps();
  const shards = (await store.shards(job.id)).map((view) => view.shard);
  const requests = shards.reduce((sum, shard) => sum + (shard.route === 'none' ? 0 : shard.requests), 0);
  if (context.keyboard === null || requests < WORTH_ASKING) return 'real_time';
  return askMode({ jobId: job.jobId, requests, prices: null }, context.keyboard, context.signal);
}

function describeDecided({ jobId }: Job, mode: JobMode): string {
  return mode === 'batch'
    ? `job ${jobId} was submitted as batches and stays so`
    : `job ${jobId} was submitted in real time and stays so; --use-batch changes nothing (--new makes another job)`;
}

/** Where a question is put and answered. */
export interface Keyboard {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
}

/** @throws InterruptedError on Ctrl-C. */
export async function askMode(
  facts: { readonly jobId: string; readonly requests: number; readonly prices: ModePrices | null },
  { input, output }: Keyboard,
  signal: AbortSignal,
): Promise<JobMode> {
  const { select } = await import('@inquirer/prompts');
  const { jobId, requests, prices } = facts;
  const price = (mode: JobMode): string => (prices === null ? '' : `, ${prices[mode]}`);
  try {
    return await select(
      {
        message: `Send the ${formatMany(requests, 'request')} of ${jobId}`,
        choices: [
          {
            value: 'batch',
            name: `as a batch: half the price${price('batch')}; ready in minutes to 24 hours, mostly within one`,
            short: 'as a batch',
          },
          {
            value: 'real_time',
            name: `in real time: full price${price('real_time')}; answers begin now, some at a time`,
            short: 'in real time',
          },
        ],
      },
      { input, output, signal },
    );
  } catch (error) {
    if (error instanceof Error && PROMPT_ENDS.has(error.name)) throw unanswered(facts, signal, error);
    throw error;
  }
}

/** Ctrl-C on the keyboard, and a signal from elsewhere. Source: @inquirer/core 11, src/lib/errors.ts. */
const PROMPT_ENDS: ReadonlySet<string> = new Set(['ExitPromptError', 'AbortPromptError']);

function unanswered(
  { jobId, requests }: { readonly jobId: string; readonly requests: number },
  { reason }: AbortSignal,
  cause: Error,
): InterruptedError {
  return new InterruptedError(`interrupted before anything of job ${jobId} was sent`, {
    code: 'interrupted',
    signal: reason instanceof InterruptedError ? reason.signal : 'SIGINT',
    why: `its ${formatCount(requests)} requests are built, and nobody said how they are to go`,
    next: `batchctl submit ${jobId} --use-batch sends them as a batch, batchctl --yes submit ${jobId} in real time`,
    cause,
  });
}
