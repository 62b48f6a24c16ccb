import { boundOf } from '../core/cost-bound.ts';
import { type CostReport, makeCostReport, mayStillCost } from '../core/cost-report.ts';
import type { Estimate } from '../core/estimate.ts';
import type { Job } from '../core/job.ts';
import { LOCAL_CALIBRATION } from '../core/local-calibration.ts';
import type { MicroUsd } from '../core/money.ts';
import type { ShardSpending, ShardView } from '../core/ports/store-views.ts';
import { openPriceList } from '../core/price-list.ts';
import type { RequestSizes } from '../core/request-sizes.ts';
import { pricedAt } from '../core/shard-billing.ts';
import { sumSpent } from '../core/spent-sum.ts';
import { countAnswered } from './answered-cost.ts';
import { budgetOf } from './budget.ts';
import type { LocalDeps } from './deps.ts';
import { estimateJob } from './estimate-job.ts';
import { loadBilling } from './load-billing.ts';
import { priceShard } from './price-shard.ts';
import { sizesOfShards } from './shard-sizes.ts';

/**
 * What a job has cost and may still cost, from what is kept. Asks no server; reads raw results only of shards that were
 * applied by a version without prices.
 */
export async function findCostOfJob(job: Job, deps: LocalDeps, signal: AbortSignal): Promise<CostReport> {
  const { store, clock } = deps;
  const views = await store.shards(job.id);
  const applied = await priceOldShards(await store.spentOf(job.id), deps, signal);
  const answered = await spentOnTheWay(job, views, deps);
  const estimate = await findEstimate(job, deps, signal);
  const sizes = await sizesOfShards(job, views.filter(mayStillCost), deps);
  const highOf = boundsOf(job, estimate, sizes, clock.now().toISOString());
  return makeCostReport({
    job,
    views,
    spent: [...applied, ...answered],
    answered: new Map(answered.map(({ shardId, lines }) => [shardId, sumSpent(lines ?? [])])),
    estimate,
    duplicates: await store.lateDuplicates(job.id),
    max: await budgetOf(job, store),
    highOf,
  });
}

/** Answers of shards that are asked one by one and do not have all of them yet. */
async function spentOnTheWay(
  job: Job,
  views: readonly ShardView[],
  deps: LocalDeps,
): Promise<readonly ShardSpending[]> {
  const billingOf = await loadBilling(job, deps.files);
  const at = pricedAt(job, null);
  const spent: ShardSpending[] = [];
  for (const { shard } of views) {
    if (shard.route !== 'real_time' || shard.state !== 'built') continue;
    const lines = (await countAnswered({ job, deps }, shard, billingOf(shard, at))).lines();
    const { id: shardId, stage, group, origin, route, first } = shard;
    const { jobId, name } = job;
    if (lines.length > 0) spent.push({ jobId, name, at, shardId, stage, group, origin, route, first, lines });
  }
  return spent;
}

/** The most that a shard may cost, as far as the estimate knows. Null: no price, or its file is gone. */
function boundsOf(
  { spec }: Job,
  estimate: Estimate | null,
  sizes: ReadonlyMap<number, RequestSizes>,
  at: string,
): (view: ShardView) => MicroUsd | null {
  const prices = openPriceList(spec.spending.prices);
  const calibrations = new Map(estimate?.stages.map(({ stage, calibration }) => [stage, calibration]));
  return ({ shard }) => {
    const known = sizes.get(shard.id);
    const calibration = calibrations.get(shard.stage) ?? LOCAL_CALIBRATION;
    return known === undefined ? null : boundOf(known, { calibration, route: shard.route, prices, at });
  };
}

/** The one it was submitted with; a job that was not submitted is estimated now, from what is here. */
async function findEstimate(job: Job, deps: LocalDeps, signal: AbortSignal): Promise<Estimate | null> {
  const kept = await deps.store.estimateOf(job.id);
  if (kept !== null || job.submitRequestedAt !== null) return kept;
  return estimateJob(job, { ...deps, provider: null }, signal);
}

/** Fills in what earlier versions did not keep; without its raw results a shard stays as it is. */
export async function priceOldShards(
  shards: readonly ShardSpending[],
  deps: LocalDeps,
  signal: AbortSignal,
): Promise<readonly ShardSpending[]> {
  const priced: ShardSpending[] = [];
  for (const shard of shards)
    priced.push(shard.lines === null ? { ...shard, lines: await priceShard(shard, deps, signal) } : shard);
  return priced;
}
