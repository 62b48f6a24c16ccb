import { boundOf } from '../core/cost-bound.ts';
import type { Job } from '../core/job.ts';
import { LOCAL_CALIBRATION } from '../core/local-calibration.ts';
import { type MicroUsd, sumOrUnknown } from '../core/money.ts';
import type { ClosedShard } from '../core/ports/store-views.ts';
import { openPriceList } from '../core/price-list.ts';
import type { Shard } from '../core/shard.ts';
import type { LocalDeps } from './deps.ts';

/** Asked about requests that would go again and the most that they may cost; null: not known. @throws to send none of them. */
export type ApproveRetry = (requests: number, high: MicroUsd | null) => Promise<void>;

/** Has the shards of a retry approved before they count, by the bound that the budget goes by too. */
export async function approveRound(
  job: Job,
  what: { readonly stage: string; readonly route: Shard['route']; readonly shards: readonly ClosedShard[] },
  approve: ApproveRetry,
  { store, clock }: LocalDeps,
): Promise<void> {
  const kept = (await store.estimateOf(job.id))?.stages.find((one) => one.stage === what.stage);
  const bounding = {
    calibration: kept?.calibration ?? LOCAL_CALIBRATION,
    route: what.route,
    prices: openPriceList(job.spec.spending.prices),
    at: clock.now().toISOString(),
  };
  const requests = what.shards.reduce((sum, shard) => sum + shard.requests, 0);
  await approve(requests, sumOrUnknown(what.shards.map(({ sizes }) => boundOf(sizes, bounding))));
}

/**
 * Puts back what a retry has moved that was not approved. A job that was final is so again, since the same moment: what comes
 * after a run is not due once more.
 */
export async function undoRetry(
  { id, state, finalAt }: Job,
  { isPart }: { readonly isPart: boolean },
  { store }: LocalDeps,
): Promise<void> {
  await store.dropRound(id);
  // What was approved of another stage stays, and is work again.
  if (isPart) return;
  if ((state !== 'done' && state !== 'canceled' && state !== 'failed') || finalAt === null) return;
  await store.finishJob(id, state, new Date(finalAt));
}
