import { reachOf } from '../core/doubt.ts';
import { requireHome } from './require-home.ts';
import type { Run } from './run.ts';
import { walkBatches } from './walk-batches.ts';
import { watchAbsent } from './watch-absent.ts';

/**
 * One listing for the submissions of a job that were given up and are under watch still. The caller holds the job's lock.
 *
 * @returns how many second payments are known better than before; null, without a listing, where nothing is watched.
 */
export async function lookForLate(run: Run, signal: AbortSignal): Promise<number | null> {
  const { store, provider, clock } = run.deps;
  const watched = await store.watched(provider.account, clock.now().getTime());
  if (watched.length === 0) return null;
  const views = await store.shards(run.job.id);
  const ids = new Set(views.map((view) => view.shard.id));
  const starts = watched.filter((one) => ids.has(one.shardId)).map(reachOf);
  if (starts.length === 0) return null;
  await requireHome(run.job, run.deps, signal);
  const walk = await walkBatches(run, () => Math.min(...starts), signal);
  return watchAbsent(run, views, walk, signal);
}
