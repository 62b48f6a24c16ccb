import { AFTER_RUN_EVENT } from '../core/after-run.ts';
import { isFinal, type Job } from '../core/job.ts';
import type { LocalDeps } from '../steps/deps.ts';
import type { Context } from './context.ts';
import { isLocked } from './run-locked.ts';

/** What a job that has just become final asks for, see docs/after-the-run.md. The caller holds the job's lock. */
export async function runAfter(
  job: Job,
  notifyUrl: string | null,
  deps: LocalDeps,
  context: Context,
): Promise<void> {
  if (!isFinal(job.state)) return;
  // The command writes to the same terminal.
  context.talk.stopSpinner();
  const { afterRun } = await import('../steps/after-run.ts');
  await afterRun(job, notifyUrl, { ...deps, outside: await context.wire.outside() }, context.signal);
}

/**
 * The same for a job that was final already, where an earlier run was cut off before the end of it. Needs no API. Takes
 * the lock only when something is due; whoever holds it then does it.
 */
export async function catchUpAfter(job: Job, notifyUrl: string | null, context: Context): Promise<void> {
  const deps = await context.wire.localDeps();
  const fresh = await deps.store.jobById(job.id);
  if (!isFinal(fresh.state)) return;
  const { isAfterRunDue } = await import('../steps/after-run.ts');
  if (notifyUrl === null && !(await isAfterRunDue(fresh, deps))) return;
  try {
    const lock = deps.locks.lockJob(fresh.jobId);
    try {
      await runAfter(await deps.store.jobById(fresh.id), notifyUrl, deps, context);
    } finally {
      lock.release();
    }
  } catch (error) {
    if (!isLocked(error)) throw error;
    context.talk.say(`${error.message}; what comes after the run is left to it`);
  }
}

/** Of every final job that was cut off before. One job's trouble does not stop the others. */
export async function catchUpAll(context: Context): Promise<void> {
  const store = await context.wire.existingStore();
  for (const job of (await store?.finalJobsWithout(AFTER_RUN_EVENT)) ?? []) {
    await catchUpAfter(job, null, context);
  }
}
