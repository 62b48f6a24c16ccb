import { AuthError, InterruptedError, StoreError } from '../core/errors.ts';
import { isInterruption, signalOf } from '../core/interruption.ts';
import { isEmulatorAccount, type Job } from '../core/job.ts';
import type { Lock } from '../core/ports/locks.ts';
import type { Deps } from '../steps/deps.ts';
import { describeJob } from '../steps/describe-job.ts';
import type { Context } from './context.ts';
import { formatMany } from './output.ts';
import { isInDoubt } from './print-doubt.ts';
import { describePending } from './print-job.ts';

/**
 * Holds the job's lock while `work` carries it on; `lock`: this process has it already, and lets it go here. An interruption leaves with what goes on without us, and with the
 * commands that carry on or stop it.
 */
export async function runLocked<T>(
  job: Job,
  options: { readonly emulator: boolean; readonly lock?: Lock | null },
  context: Context,
  work: (deps: Deps) => Promise<T>,
): Promise<T> {
  const deps = await context.wire.deps(job, options);
  const lock = options.lock ?? deps.locks.lockJob(job.jobId);
  try {
    await context.talk.startSpinner();
    // Before the user's word about a doubt counts, or a row goes out again, with a key that cannot see the batches.
    const { requireHome } = await import('../steps/require-home.ts');
    await requireHome(job, deps, context.signal);
    return await work(deps);
  } catch (error) {
    // A question that was not answered says so itself.
    if (error instanceof InterruptedError && error !== context.signal.reason) throw error;
    if (isInterruption(error, context.signal)) throw await explainInterruption(job, deps, context.signal);
    if (error instanceof AuthError) throw await explainAuth(error, job, deps);
    if (error instanceof StoreError && error.code === 'workspace_moved') throw explainMoved(error, job);
    throw error;
  } finally {
    context.talk.stopSpinner();
    lock.release();
  }
}

/** Another run is at work on the job. */
export function isLocked(error: unknown): error is StoreError {
  return error instanceof StoreError && error.code === 'job_locked';
}

/** What a key that is refused leaves under way. */
async function explainAuth(error: AuthError, { id }: Job, deps: Deps): Promise<AuthError> {
  const document = await describeJob(await deps.store.jobById(id), deps);
  if (!document.batches.some((batch) => batch.processing_status !== 'ended')) return error;
  const going = `${describePending(document)} already sent go on meanwhile, and nothing of them is lost`;
  return new AuthError(error.message, {
    code: error.code,
    why: error.why === null ? going : `${error.why}; ${going}`,
    next: error.next,
    cause: error,
  });
}

function explainMoved(error: StoreError, { jobId }: Job): StoreError {
  return new StoreError(`job ${jobId} was left: ${error.message}`, {
    code: error.code,
    why: error.why ?? error.message,
    next: error.next.replace(' resume ', ` resume ${jobId} `),
    cause: error,
  });
}

async function explainInterruption(job: Job, deps: Deps, signal: AbortSignal): Promise<InterruptedError> {
  const fresh = await deps.store.jobById(job.id);
  const shards = await deps.store.shards(job.id);
  const document = await describeJob(fresh, deps);
  const isOpen = document.batches.some((batch) => batch.processing_status !== 'ended');
  const doubts = shards.filter(isInDoubt).length;
  const isFree = fresh.account !== null && isEmulatorAccount(fresh.account);
  const facts = [
    isOpen ? `${describePending(document)} already sent go on without batchctl` : null,
    doubts > 0 ? `${formatMany(doubts, 'shard')} may have become a batch that goes on too` : null,
  ].filter((fact) => fact !== null);
  if (fresh.submitRequestedAt === null) {
    return new InterruptedError(`interrupted before anything of job ${job.jobId} was sent`, {
      code: 'interrupted',
      signal: signalOf(signal),
      why: 'its requests are built',
      next: `batchctl submit ${job.jobId} --use-batch sends them, batchctl cancel ${job.jobId} drops them`,
      cause: signal.reason,
    });
  }
  return new InterruptedError(`interrupted; job ${job.jobId} is ${document.state}`, {
    code: 'interrupted',
    signal: signalOf(signal),
    why:
      facts.length === 0
        ? fresh.mode === 'real_time'
          ? 'what was answered is kept; requests that were under way were dropped and are asked again'
          : 'none of its batches is in progress'
        : `${facts.join('; ')}${isFree ? '' : ', and costs what it costs'}`,
    next:
      facts.length === 0
        ? `batchctl resume ${job.jobId} carries on`
        : `batchctl resume ${job.jobId} carries on, batchctl cancel ${job.jobId} stops what is under way`,
    cause: signal.reason,
  });
}
