import { reachOf } from '../core/doubt.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import type { OtherBatch } from '../core/queue.ts';
import { askForOthers, askOneByOne, openBatches } from './poll-batches.ts';
import { pollBudgetOf } from './poll-budget.ts';
import { reconcileBatches } from './reconcile-batches.ts';
import type { Run } from './run.ts';
import { seeBatches } from './see-batches.ts';
import { walkBatches } from './walk-batches.ts';
import { watchAbsent } from './watch-absent.ts';

export interface Looked {
  /** When a doubt wants the next listing, in server time; null when none does. */
  readonly doubtLookMs: number | null;
  /** Those of `others` that the API does not know any more. */
  readonly gone: readonly string[];
}

/**
 * One listing for everything that waits: open batches, doubts, and attempts under watch. A doubt makes it reach back to
 * ten minutes before its upload; otherwise one page does, with a few older ones where it misses several batches, and a batch
 * that is on none of them is asked for by its id. `others`: batches of other jobs whose end would leave room.
 */
export async function lookAtBatches(
  { deps, ...rest }: Run,
  signal: AbortSignal,
  others: readonly OtherBatch[] = [],
): Promise<Looked> {
  const budget = pollBudgetOf(deps);
  budget.beginLook();
  const run = { ...rest, deps: { ...deps, provider: budget.counted(deps.provider) } };
  const { store } = deps;
  const doubts = (await store.doubts(run.job.id)).filter((one) => one.state === 'in_doubt');
  const reachMs = Math.min(...doubts.map(reachOf));
  const walk = await walkBatches(run, doubts.length === 0 ? null : () => reachMs, signal);
  const views = await store.shards(run.job.id);
  const shown = await seeBatches(run, [...openBatches(views), ...others], walk, budget, signal);
  await askOneByOne(
    views.map((view) => ({ run, view })),
    shown,
    budget,
    signal,
  );
  const gone = await askForOthers(run, others, shown, budget, signal);
  const doubtLookMs = await reconcileBatches(run, await store.shards(run.job.id), walk, signal);
  await watchAbsent(run, await store.shards(run.job.id), walk, signal);
  return { doubtLookMs, gone };
}

/** Whether a listing could tell anything new. */
export function hasOpenBatches(views: readonly ShardView[]): boolean {
  return (
    openBatches(views).length > 0 ||
    views.some(({ shard, batch }) => shard.state === 'live' && batch === null)
  );
}
