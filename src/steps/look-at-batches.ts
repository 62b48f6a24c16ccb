import { hasEnded } from '../core/batch.ts';
import { reachOf } from '../core/doubt.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import { pollBatches } from './poll-batches.ts';
import { reconcileBatches } from './reconcile-batches.ts';
import type { Run } from './run.ts';
import { walkBatches } from './walk-batches.ts';
import { watchAbsent } from './watch-absent.ts';

/**
 * One listing for everything that waits: open batches, doubts, and attempts under watch. A doubt makes it reach back to
 * ten minutes before its upload; otherwise one page does, and a batch that is not on it is asked for by its id.
 *
 * @returns when a doubt wants the next listing, in server time; null when none does.
 */
export async function lookAtBatches(
  run: Run,
  signal: AbortSignal,
): Promise<{ readonly doubtLookMs: number | null }> {
  const { store } = run.deps;
  const doubts = (await store.doubts(run.job.id)).filter((one) => one.state === 'in_doubt');
  const reachMs = Math.min(...doubts.map(reachOf));
  const walk = await walkBatches(run, doubts.length === 0 ? null : () => reachMs, signal);
  await pollBatches(run, await store.shards(run.job.id), walk, signal);
  const doubtLookMs = await reconcileBatches(run, await store.shards(run.job.id), walk, signal);
  await watchAbsent(run, await store.shards(run.job.id), walk, signal);
  return { doubtLookMs };
}

/** Whether a listing could tell anything new. */
export function hasOpenBatches(views: readonly ShardView[]): boolean {
  return views.some((view) => view.shard.state === 'live' && (view.batch === null || !hasEnded(view.batch)));
}
