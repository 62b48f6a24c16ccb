import { reachOf } from '../core/doubt.ts';
import { keepDuplicates } from './keep-duplicates.ts';
import { requireHome } from './require-home.ts';
import type { Run } from './run.ts';
import { walkBatches } from './walk-batches.ts';
import { watchAbsent } from './watch-absent.ts';

/**
 * One listing for the submissions of a job that were given up and are under watch still. The caller holds the job's lock.
 *
 * @returns how many second payments are known better than before; null where nothing is watched or left to be brought.
 */
export async function lookForLate(run: Run, signal: AbortSignal): Promise<number | null> {
  const { store, provider, clock } = run.deps;
  const watched = await store.watched(provider.account, clock.now().getTime());
  const isKnown = (await store.lateDuplicates(run.job.id)).some(({ kept }) => kept === null);
  if (watched.length === 0 && !isKnown) return null;
  const views = await store.shards(run.job.id);
  const ids = new Set(views.map((view) => view.shard.id));
  const starts = watched.filter((one) => ids.has(one.shardId)).map(reachOf);
  if (starts.length === 0 && !isKnown) return null;
  await requireHome(run.job, run.deps, signal);
  // One that was found before, and whose results could not be had then.
  if (starts.length === 0) return (await keepDuplicates(run, views, signal)) || null;
  const walk = await walkBatches(run, () => Math.min(...starts), signal);
  return watchAbsent(run, views, walk, signal);
}
