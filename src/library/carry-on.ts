import { type AnswerOptions, DEFAULT_ANSWERING, MAX_CONCURRENCY } from '../core/answering.ts';
import { DEFAULT_SETTLE_MS } from '../core/doubt.ts';
import { UsageError } from '../core/errors.ts';
import { isFinal, type Job as StoredJob } from '../core/job.ts';
import type { JobDocument } from '../core/job-document.ts';
import { type MicroUsd, microUsdOf } from '../core/money.ts';
import type { Lock } from '../core/ports/locks.ts';
import type { Deps } from '../steps/deps.ts';
import type { RunOptions } from '../steps/run-job.ts';
import type { WaitOptions } from './run-job.ts';
import { depsOf, localDepsOf, type Session } from './session.ts';

/** The command line's shortest interval too. */
const MIN_INTERVAL_MS = 100;

/** Carries a job on under its lock, the caller's if it has it, and does what comes after it once it is final; `first` is done before. */
export async function carryOn(
  job: StoredJob,
  { lock: held = null, ...what }: Pick<RunOptions, 'mode' | 'until'> & { readonly lock?: Lock | null },
  wait: WaitOptions,
  session: Session,
  signal: AbortSignal,
  first: (deps: Deps) => Promise<void> = async () => {},
): Promise<StoredJob> {
  const answering = answeringOf(wait);
  checkWait(wait);
  const limit = limitOf(wait);
  const { runJob } = await import('../steps/run-job.ts');
  const { limitJob } = await import('../steps/limit-job.ts');
  const { afterRun } = await import('../steps/after-run.ts');
  const deps = await depsOf(session, job);
  const lock = held ?? deps.locks.lockJob(job.jobId);
  try {
    await limitJob(job, limit, deps, () => first(deps));
    const options: RunOptions = {
      ...what,
      submit: true,
      settleMs: DEFAULT_SETTLE_MS,
      intervalMs: wait.intervalMs ?? null,
      maxWaitMs: wait.maxWaitMs ?? null,
      maxInFlight: wait.maxInFlight ?? null,
      answering,
    };
    const outcome = await runJob(await deps.store.jobById(job.id), options, deps, signal);
    if (isFinal(outcome.job.state)) {
      await afterRun(outcome.job, null, { ...deps, outside: await session.wire.outside() }, signal);
    }
    return outcome.job;
  } finally {
    lock.release();
  }
}

export async function describeJob(job: StoredJob, { wire }: Session): Promise<JobDocument> {
  const { describeJob: describe } = await import('../steps/describe-job.ts');
  return describe(job, { store: await wire.store(), files: await wire.files() });
}

export function requireSubmitted({ jobId, submitRequestedAt }: StoredJob): void {
  if (submitRequestedAt !== null) return;
  throw new UsageError(`job ${jobId} was built but not submitted`, {
    code: 'job_not_submitted',
    next: 'await submitJob(job)',
  });
}

/** What a final job asks for, where it is still due (steps/after-run.ts); left to another run that holds the job. */
export async function endJob(job: StoredJob, session: Session, signal: AbortSignal): Promise<void> {
  if (!isFinal(job.state)) return;
  const { afterRun, isAfterRunDue } = await import('../steps/after-run.ts');
  const local = await localDepsOf(session, job.jobId);
  if (!(await isAfterRunDue(job, local)) || local.locks.jobHolder(job.jobId) !== null) return;
  const lock = local.locks.lockJob(job.jobId);
  try {
    await afterRun(job, null, { ...local, outside: await session.wire.outside() }, signal);
  } finally {
    lock.release();
  }
}

function answeringOf({ concurrency, requestsPerMinute, tokensPerMinute }: WaitOptions): AnswerOptions {
  checkWhole('concurrency', concurrency, 1, MAX_CONCURRENCY);
  checkWhole('requestsPerMinute', requestsPerMinute, 1);
  checkWhole('tokensPerMinute', tokensPerMinute, 1);
  return {
    ...DEFAULT_ANSWERING,
    concurrency: concurrency ?? DEFAULT_ANSWERING.concurrency,
    requestsPerMinute: requestsPerMinute ?? null,
    tokensPerMinute: tokensPerMinute ?? null,
  };
}

function checkWait({ intervalMs, maxWaitMs, maxInFlight }: WaitOptions): void {
  checkWhole('maxInFlight', maxInFlight, 1);
  checkWhole('intervalMs', intervalMs, MIN_INTERVAL_MS);
  checkWhole('maxWaitMs', maxWaitMs, 0);
}

/** In micro-dollars; null: none was given. */
function limitOf({ maxUsd }: WaitOptions): MicroUsd | null {
  if (maxUsd === undefined) return null;
  const limit = microUsdOf(maxUsd);
  if (limit !== null) return limit;
  throw new UsageError(`maxUsd is ${String(maxUsd)}`, {
    code: 'wrong_option',
    why: 'it must be an amount of US dollars of at least 0, with at most six decimals',
    next: 'give another maxUsd, or leave it out',
  });
}

/** Callers without types pass seconds, texts and NaN. */
export function checkWhole(
  name: string,
  value: number | undefined,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= min && value <= max)) return;
  const upTo = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  throw new UsageError(`${name} is ${String(value)}`, {
    code: 'wrong_option',
    why: `it must be a whole number ${upTo}`,
    next: `give another ${name}, or leave it out`,
  });
}
