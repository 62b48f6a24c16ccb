import { InterruptedError, StoreError, UsageError } from '../core/errors.ts';
import { isInterruption, signalOf } from '../core/interruption.ts';
import { type Job, sideOf } from '../core/job.ts';
import type { WorkspaceLocks } from '../core/ports/locks.ts';
import type { LeftAlone, PruneWishes } from '../core/prune-rules.ts';
import type { LocalDeps } from '../steps/deps.ts';
import { findObstacle, findPrunable, type Prunable } from '../steps/find-prunable.ts';
import { pruneJob } from '../steps/prune-job.ts';
import type { PruneFlags } from './commands/prune.ts';
import type { Context } from './context.ts';
import { findJob } from './find-job.ts';
import { askYes } from './keyboard.ts';
import { formatLosses, formatPrune, pruneDocument, sumOf } from './print-prune.ts';
import { refuseOlderCopy } from './refuse-older-copy.ts';
import type { Verdict } from './report-error.ts';
import { isLocked } from './run-locked.ts';

/** What was found of the jobs, or done with them. */
export interface PruneReport {
  readonly isDone: boolean;
  readonly jobs: readonly { readonly job: Job; readonly what: Prunable; readonly kept: readonly string[] }[];
  readonly left: readonly { readonly job: Job; readonly left: LeftAlone }[];
  /** By which the database has become smaller. */
  readonly databaseBytes: number;
}

/** Looks at all, says what would go, asks, and removes it job by job. */
export async function pruneJobs(
  ids: readonly string[],
  flags: PruneFlags,
  context: Context,
): Promise<Verdict> {
  // Its jobs may have gone on since: what it takes for finished may need its files.
  await refuseOlderCopy('nothing was pruned', context);
  const wishes = {
    olderThanMs: flags.olderThan,
    failed: flags.failed === true,
    results: flags.results === true,
    built: flags.built === true,
    answers: flags.answers === true,
  };
  if (!flags.dryRun) await clearCutOff(context);
  const found = await look(await pickJobs(ids, context), wishes, context);
  if (flags.dryRun || found.jobs.length === 0) {
    await print(found, ids.length > 0, context);
    return 'done';
  }
  await agree(found, ids.length > 0, context);
  const done = await prune(found, wishes, context).catch((error: unknown) => {
    throw isInterruption(error, context.signal) ? interrupted(context.signal) : error;
  });
  await print(done, ids.length > 0, context);
  return done.left.some(({ left }) => left.reason === 'locked') ? 'pending' : 'done';
}

/** What a kill, of a build or of a prune, has left of jobs that count for nothing; the next build would remove it too. */
async function clearCutOff({ wire }: Context): Promise<void> {
  if ((await wire.existingStore()) === null) return;
  const { clearAbandoned } = await import('../steps/build-requests.ts');
  await clearAbandoned(await wire.localDeps());
}

/** Those that are named, each once; else all, or with --emulator all rehearsals. */
async function pickJobs(ids: readonly string[], context: Context): Promise<readonly Job[]> {
  const named = new Map<number, Job>();
  for (const id of ids) {
    const job = await findJob(id, context);
    named.set(job.id, job);
  }
  if (ids.length > 0) return [...named.values()];
  const store = await context.wire.existingStore();
  const jobs = (await store?.listJobs({ pendingOnly: false, limit: null })) ?? [];
  return context.emulator ? jobs.filter((job) => sideOf(job) === 'emulator') : jobs;
}

async function look(all: readonly Job[], wishes: PruneWishes, context: Context): Promise<PruneReport> {
  const found = [];
  const left = [];
  if (all.length > 0) {
    const deps = await context.wire.localDeps();
    const watched = await deps.store.jobsUnderWatch(context.clock.now().getTime());
    for (const job of all) {
      context.signal.throwIfAborted();
      const obstacle = await findObstacle(job, wishes, watched, deps);
      if (obstacle !== null) left.push({ job, left: obstacle });
      else found.push({ job, what: await findPrunable(job, wishes, deps), kept: [] });
    }
  }
  const jobs = found.filter(({ what }) => what.rows > 0 || sumOf({ jobs: [{ what }] }).files > 0);
  return { isDone: false, jobs, left, databaseBytes: 0 };
}

async function prune(found: PruneReport, wishes: PruneWishes, context: Context): Promise<PruneReport> {
  const deps = await context.wire.localDeps();
  const jobs = [];
  const left = [...found.left];
  for (const { job } of found.jobs) {
    context.signal.throwIfAborted();
    try {
      const lock = deps.locks.lockJob(job.jobId);
      try {
        const outcome = await pruneJob(job, wishes, deps, context.signal);
        if (outcome.kind === 'left') left.push({ job, left: outcome.left });
        else jobs.push({ job, what: outcome.removed, kept: outcome.kept });
      } finally {
        lock.release();
      }
    } catch (error) {
      if (!isLocked(error)) throw error;
      left.push({ job, left: { reason: 'locked', why: error.why ?? error.message } as const });
    }
  }
  return { isDone: true, jobs, left, databaseBytes: await compact(deps, context) };
}

function interrupted(signal: AbortSignal): InterruptedError {
  return new InterruptedError('interrupted while files were removed', {
    code: 'interrupted',
    signal: signalOf(signal),
    why: 'what is gone was said before it went, and nothing else has changed',
    next: 'start the same command again to remove the rest',
    cause: signal.reason,
  });
}

/** What it cannot do now is no harm: the room is used again by later jobs. */
async function compact(
  { store, locks }: LocalDeps & { locks: WorkspaceLocks },
  context: Context,
): Promise<number> {
  try {
    return (await store.isCompactable()) ? await compactLocked({ store, locks }, context) : 0;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    context.talk.say(`the database keeps its size for now: ${error.why ?? error.message}`);
    return 0;
  }
}

/**
 * Nobody else can write meanwhile, which takes a while in a large store, and whoever waits for the answer to a create must be
 * able to record it.
 */
async function compactLocked(
  { store, locks }: Pick<LocalDeps, 'store'> & { locks: WorkspaceLocks },
  { talk, signal }: Context,
): Promise<number> {
  const lock = await locks.lockSealing(signal, (holder) => {
    talk.say(`waiting for ${holder} before the database is made smaller`);
  });
  try {
    return await store.compact();
  } finally {
    lock.release();
  }
}

async function agree(found: PruneReport, isNamed: boolean, context: Context): Promise<void> {
  const { yes, keyboard, signal, talk } = context;
  if (yes) return;
  const next = 'add --yes before prune to remove them, or --dry-run to look';
  const refusal = new UsageError('nothing was removed', {
    code: 'not_confirmed',
    why: 'files that are removed are gone, and nobody said yes',
    next,
  });
  if (keyboard === null) {
    await print(found, isNamed, context);
    throw refusal;
  }
  talk.say([formatPrune(found, isNamed), ...formatLosses(found)].join('\n'));
  const unanswered = { message: 'interrupted; nothing was removed', why: 'nobody said yes', next };
  if (!(await askYes('Remove these files', unanswered, keyboard, signal))) throw refusal;
}

async function print(report: PruneReport, isNamed: boolean, { json, output, talk }: Context): Promise<void> {
  if (json) await output.json(pruneDocument(report));
  else {
    await output.line(formatPrune(report, isNamed));
    for (const text of formatLosses(report)) talk.say(text);
  }
}
