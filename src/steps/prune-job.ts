import type { Job } from '../core/job.ts';
import { type LeftAlone, NOTHING, type PruneWishes } from '../core/prune-rules.ts';
import { readPruned } from '../core/pruned.ts';
import { isRawWhole } from './check-raw.ts';
import type { LocalDeps } from './deps.ts';
import { findObstacle, findPrunable, type Prunable, type PrunableRequests } from './find-prunable.ts';
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
  const left = await findObstacle(job, wishes, deps);
  if (left !== null) return { kind: 'left', left };
  const { leftovers, requests } = await findPrunable(job, wishes, deps);
  const { going, kept } = await takeLeave(job, requests, deps, signal);
  const said = readPruned(await store.events(job.id)).requests;
  const nonces = going.map(({ view }) => view.shard.nonce).filter((nonce) => !said.has(nonce));
  if (nonces.length > 0) await store.recordPruned(job.id, { requests: nonces });
  for (const { path } of [...going, ...leftovers]) {
    signal.throwIfAborted();
    files.remove(path);
  }
  if (!wishes.results)
    return { kind: 'pruned', removed: { leftovers, requests: going, results: NOTHING }, kept };
  const results = await pruneResults(job, deps, signal);
  const removed = { leftovers, requests: going, results: results.removed };
  return { kind: 'pruned', removed, kept: [...kept, ...results.kept] };
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
  const { store, files } = deps;
  const going: PrunableRequests[] = [];
  const kept: string[] = [];
  for (const one of requests) {
    signal.throwIfAborted();
    const { shard } = one.view;
    if ((await store.rawFacts(shard.id)) !== null && !(await isRawWhole(job, shard, deps))) {
      const next = `batchctl retrieve ${job.jobId} gets them again`;
      kept.push(`${one.path}: the raw results of its shard are not as they came; ${next}`);
    } else if (await keepHashes(job, shard, files, signal)) going.push(one);
    else kept.push(`${one.path}: it is not the file that was built`);
  }
  return { going, kept };
}
