import { StoreError } from '../core/errors.ts';
import type { Job, JobSpec } from '../core/job.ts';
import type { JobFile } from '../core/job-file.ts';
import type { Lock, WorkspaceLocks } from '../core/ports/locks.ts';
import type { RenderItem } from '../core/record.ts';
import { collectProblems, type Problems } from './collect-problems.ts';
import type { LocalDeps } from './deps.ts';
import { takeBudget } from './take-budget.ts';
import { type Writing, writeRequests } from './write-requests.ts';

export interface BuildInput {
  readonly name: string;
  readonly spec: JobSpec;
  /** The job file with all that it names read into it; null where no later process needs it. */
  readonly frozen: JobFile | null;
  readonly items: AsyncIterable<readonly RenderItem[]>;
  /** Carry an unfinished job of the same content on instead of making another. */
  readonly reuse: boolean;
  /** Leave out records that cannot become requests, and name them, instead of building nothing. */
  readonly skipBad?: boolean;
}

export interface Built {
  readonly job: Job;
  readonly carriedOn: boolean;
  /**
   * The job's lock, held since before the build counted: whoever goes on with the job does so under it, and nobody prunes
   * what is built in between. The caller lets it go. Null where another run works on the job that is carried on.
   */
  readonly lock: Lock | null;
}

/**
 * Records in, shard files and rows out, in constant memory. One last commit makes it count; a build that is cut off is
 * cleared away by the next one.
 *
 * @throws InputError with all bad records, the first 20 of them shown; nothing is left behind then.
 */
export async function buildJob(
  input: BuildInput,
  deps: LocalDeps & { readonly locks: WorkspaceLocks },
  signal: AbortSignal,
): Promise<Built> {
  await clearAbandoned(deps);
  const { job, lock } = await createLocked(input, deps);
  let twin: Pick<Built, 'job' | 'lock'> | null = null;
  const writing: Writing = { job, problems: collectProblems(), leftOut: collectProblems(), records: 0 };
  try {
    const { contentSha256, shards, reused } = await writeRequests(input, deps, writing, signal);
    writing.problems.throwIfAny(`job "${input.name}" was not built`);
    sayLeftOut(writing.leftOut, deps);
    const facts = { records: writing.records, contentSha256, reuse: input.reuse };
    twin = await finishHeld(job, facts, deps);
    if (twin !== null) {
      await drop(job, deps);
      deps.report({ kind: 'carried_on', jobId: twin.job.jobId });
      await takeBudget(twin.job, input.spec.spending, deps);
      lock.release();
      return { ...twin, carriedOn: true };
    }
    const done = input.spec.changedOnly ? null : await deps.store.finishedTwin(job.id);
    if (done !== null) {
      const text = `job ${done.jobId} of the same content is done; this is a new job, and sending it is paid again`;
      deps.report({ kind: 'problem', text });
    }
    deps.report({ kind: 'built', jobId: job.jobId, requests: writing.records, shards });
    if (input.spec.changedOnly) {
      const text = `${reused} of ${writing.records} records were answered before in this workspace; those answers are reused`;
      deps.report({ kind: 'notice', text });
    }
    return { job: await deps.store.jobById(job.id), carriedOn: false, lock };
  } catch (error) {
    // What cannot be removed now is removed by the next build.
    await drop(job, deps).catch(() => undefined);
    twin?.lock?.release();
    lock.release();
    throw error;
  }
}

/**
 * Makes the build count, or holds the unfinished job of the same content. That one may be pruned or finished by somebody
 * before it is held, and then the build counts after all. Null: it does.
 */
async function finishHeld(
  { id }: Job,
  facts: Parameters<LocalDeps['store']['finishBuild']>[1],
  { store, locks }: LocalDeps & { readonly locks: WorkspaceLocks },
): Promise<Pick<Built, 'job' | 'lock'> | null> {
  for (;;) {
    const found = await store.finishBuild(id, facts);
    if (found === null) return null;
    const lock = tryLock(locks, found);
    if (lock === null) return { job: found, lock };
    const held = await store.finishBuild(id, facts).catch((error: unknown) => {
      lock.release();
      throw error;
    });
    if (held?.id === found.id) return { job: held, lock };
    lock.release();
    if (held === null) return null;
  }
}

function sayLeftOut({ count, first }: Problems, { report }: LocalDeps): void {
  if (count === 0) return;
  const named = first.map(
    ({ file, line, problem }) => `  ${file}${line === null ? '' : `:${line}`}: ${problem}`,
  );
  const more = count > first.length ? [`  and ${count - first.length} more`] : [];
  const text = `${count === 1 ? '1 record' : `${count} records`} left out, since no request can be made of them:`;
  report({ kind: 'problem', text: [text, ...named, ...more].join('\n') });
}

/** A build of another process may take a job that is not locked yet for abandoned; then another is made. */
async function createLocked(
  input: BuildInput,
  deps: LocalDeps & { readonly locks: WorkspaceLocks },
): Promise<{ readonly job: Job; readonly lock: Lock }> {
  for (;;) {
    const job = await deps.store.createJob({ name: input.name, spec: input.spec, at: deps.clock.now() });
    const lock = tryLock(deps.locks, job);
    if (lock === null) continue;
    if (await isBuilding(job, deps)) return { job, lock };
    lock.release();
  }
}

/** Removes what builds that were cut off have left: jobs in state `building` that nobody holds. */
export async function clearAbandoned(deps: LocalDeps & { readonly locks: WorkspaceLocks }): Promise<void> {
  for (const job of await deps.store.buildingJobs()) {
    const lock = tryLock(deps.locks, job);
    if (lock === null) continue;
    if (await isBuilding(job, deps)) await drop(job, deps);
    lock.release();
  }
}

async function isBuilding(job: Job, deps: LocalDeps): Promise<boolean> {
  return (await deps.store.buildingJobs()).some((one) => one.id === job.id);
}

function tryLock(locks: WorkspaceLocks, job: Job): Lock | null {
  try {
    return locks.lockJob(job.jobId);
  } catch (error) {
    if (error instanceof StoreError && error.code === 'job_locked') return null;
    throw error;
  }
}

/** Files first: a job that is still in the store is found and dropped again. */
async function drop(job: Job, deps: LocalDeps): Promise<void> {
  deps.files.removeJob(job.jobId);
  await deps.store.dropJob(job.id);
}
