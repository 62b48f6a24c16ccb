import { cachePlan } from '../core/cache-plan.ts';
import type { Estimate } from '../core/estimate.ts';
import { type Job, shownStage } from '../core/job.ts';
import { openPriceList } from '../core/price-list.ts';
import { mergeSizes } from '../core/size-counter.ts';
import type { LocalDeps } from './deps.ts';
import { sizesOfShards } from './shard-sizes.ts';

/** Tells of cache marks that do nothing, or cost more than they save, before anything is sent. */
export async function remarkOnCache(job: Job, estimate: Estimate, deps: LocalDeps): Promise<void> {
  const { store, clock, report } = deps;
  const views = await store.shards(job.id);
  const sizes = await sizesOfShards(job, views, deps);
  const prices = openPriceList(job.spec.spending.prices);
  for (const { stage, calibration } of estimate.stages) {
    const ofStage = views.filter(({ shard }) => shard.stage === stage && shard.route !== 'none');
    const merged = mergeSizes(ofStage.flatMap(({ shard }) => sizes.get(shard.id) ?? []));
    const pricing = { calibration, route: 'batch', prices, at: clock.now().toISOString() } as const;
    for (const { text, isWarning } of cachePlan(merged, pricing, shownStage(job, stage)))
      if (isWarning) report({ kind: 'problem', text });
  }
}
