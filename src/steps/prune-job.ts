import { StoreError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import { isNeverSubmitted, type LeftAlone, type PruneWishes } from '../core/prune-rules.ts';
import { readPruned } from '../core/pruned.ts';
import { isRawDamaged } from './check-raw.ts';
import type { LocalDeps } from './deps.ts';
import {
  findObstacle,
  findPrunable,
  NOTHING_FOUND,
  type Prunable,
  type PrunableRequests,
} from './find-prunable.ts';
import { pruneAnswers } from './prune-answers.ts';
import { pruneResults } from './prune-results.ts';
import { keepHashes } from './request-hashes.ts';

/** What became of one job. */
export type PruneOutcome =
  | { readonly kind: 'left'; readonly left: LeftAlone }
  | {
      readonly kind: 'pruned';
      /** What was removed. */
      readonly removed: Prunable;
      /** What was to go and stays, in sentences. */
      readonly kept: readonly string[];
    };

/**
 * Removes what is wanted of a final job: first it is said what, then the files go. Killed in between, the next call finds
 * what is left of them. The caller holds the job's lock.
 */
export async function pruneJob(
  { id }: Pick<Job, 'id'>,
  wishes: PruneWishes,
  deps: LocalDeps,
  signal: AbortSignal,
): Promise<PruneOutcome> {
  const { store, files } = deps;
  // Another process may have had its lock meanwhile.
  const job = await store.jobById(id);
  const watched = await store.jobsUnderWatch(deps.clock.now().getTime());
  const left = await findObstacle(job, wishes, watched, deps);
  if (left !== null) return { kind: 'left', left };
  if (isNeverSubmitted(job)) return forgetJob(job, wishes, deps);
  const found = await findPrunable(job, wishes, deps);
  const { leftovers, requests } = found;
  if (found.everything.files > 0 || found.rows > 0) {
    await pruneAnswers(job, deps, signal);
    return { kind: 'pruned', removed: found, kept: [] };
  }
  const said = readPruned(await store.events(job.id));
  // By another process, since somebody looked: nothing is left that could be removed or asked for again.
  if (said.answersAt !== null) return { kind: 'pruned', removed: NOTHING_FOUND, kept: [] };
  const { going, kept } = await takeLeave(job, requests, deps, signal);
  const nonces = going.map(({ view }) => view.shard.nonce).filter((nonce) => !said.requests.has(nonce));
  if (nonces.length > 0) await store.recordPruned(job.id, { requests: nonces });
  for (const { path } of [...going, ...leftovers]) {
    signal.throwIfAborted();
    files.remove(path);
  }
  const removed = { ...NOTHING_FOUND, leftovers, requests: going };
  if (!wishes.results) return { kind: 'pruned', removed, kept };
  const results = await pruneResults(job, deps, signal);
  return {
    kind: 'pruned',
    removed: { ...removed, results: results.removed },
    kept: [...kept, ...results.kept],
  };
}

/**
 * From the first commit on the job is one of a build that was cut off, which the next build or prune clears away, so that a
 * kill leaves no job without its files.
 */
async function forgetJob(job: Job, wishes: PruneWishes, deps: LocalDeps): Promise<PruneOutcome> {
  const removed = await findPrunable(job, wishes, deps);
  try {
    await deps.store.unbuildJob(job.id);
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'job_submitted') throw error;
    return { kind: 'left', left: { reason: 'unfinished', why: 'some of it was sent once, and refused' } };
  }
  deps.files.removeJob(job.jobId);
  await deps.store.dropJob(job.id);
  return { kind: 'pruned', removed, kept: [] };
}

/**
 * Keeps of the requests what must not be lost with them. Where answers are gone, or not as they came, they may have to be asked
 * for again: their requests stay.
 */
async function takeLeave(
  job: Job,
  requests: readonly PrunableRequests[],
  deps: LocalDeps,
  signal: AbortSignal,
): Promise<{ readonly going: readonly PrunableRequests[]; readonly kept: readonly string[] }> {
  const { files } = deps;
  const going: PrunableRequests[] = [];
  const kept: string[] = [];
  for (const one of requests) {
    signal.throwIfAborted();
    const { shard } = one.view;
    if (await isRawDamaged(job, shard, deps)) {
      const next = `batchctl retrieve ${job.jobId} gets them again`;
      kept.push(`${one.path}: the raw results of its shard are not as they came; ${next}`);
    } else if (await keepHashes(job, shard, files, signal)) going.push(one);
    else kept.push(`${one.path}: it is not the file that was built`);
  }
  return { going, kept };
}
