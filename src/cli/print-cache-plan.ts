import { cachePlan } from '../core/cache-plan.ts';
import type { Estimate } from '../core/estimate.ts';
import type { JobFile } from '../core/job-file.ts';
import { openPriceList } from '../core/price-list.ts';
import { mergeSizes } from '../core/size-counter.ts';
import type { Plan } from '../steps/plan-job.ts';
import type { Context } from './context.ts';

interface PlannedCache {
  readonly plan: Plan;
  readonly estimate: Estimate;
  readonly job: JobFile;
}

/** Whether the cache marks of a plan are worth their price; nothing where it has none. */
export function sayCachePlan({ plan, estimate, job }: PlannedCache, { clock, talk }: Context): void {
  const prices = openPriceList(job.spending.prices);
  for (const { stage, groups } of plan.sizes) {
    const calibration = estimate.stages.find((one) => one.stage === stage)?.calibration;
    if (calibration === undefined) continue;
    const pricing = { calibration, route: 'batch', prices, at: clock.now().toISOString() } as const;
    const name = plan.sizes.length > 1 ? stage : null;
    for (const { text, isWarning } of cachePlan(mergeSizes(groups?.values() ?? []), pricing, name)) {
      if (isWarning) talk.warn(text);
      else talk.say(text);
    }
  }
}
