import type { Calibration, Estimate } from '../core/estimate.ts';
import type { JobSpec } from '../core/job.ts';
import type { JobFile } from '../core/job-file.ts';
import { LOCAL_CALIBRATION } from '../core/local-calibration.ts';
import { makeEstimate } from '../core/make-estimate.ts';
import type { JobStore } from '../core/ports/store.ts';
import { openPriceList } from '../core/price-list.ts';
import { modelsOf } from '../core/request-sizes.ts';
import { mergeSizes } from '../core/size-counter.ts';
import { type Counting, calibrate } from './calibrate.ts';
import type { Plan } from './plan-job.ts';
import type { PlannedSizes } from './plan-sizes.ts';
import { historyOfStage } from './stage-history.ts';

export interface PlanEstimating {
  /** Null where no job was ever built. */
  readonly store: Pick<JobStore, 'spentBefore'> | null;
  /** Null: nothing is counted. */
  readonly counting: Counting | null;
  readonly on: JobSpec['on'];
  readonly at: string;
}

/** What a job is expected to cost that was not built. @throws AuthError when the key is refused. */
export async function estimatePlan(
  plan: Plan,
  job: JobFile,
  { store, counting, on, at }: PlanEstimating,
  signal: AbortSignal,
): Promise<Estimate> {
  const stages = [];
  for (const sizes of plan.sizes) {
    const stage = job.stages.find(({ name }) => name === sizes.stage) ?? null;
    const models =
      sizes.groups === null ? [stage?.model ?? null] : modelsOf(mergeSizes(sizes.groups.values()));
    const what = { name: job.name, stage: sizes.stage, on };
    stages.push({
      name: sizes.stage,
      needs: stage?.needs ?? [],
      built: sizes.groups,
      stage,
      calibration: await calibrateSample(sizes, plan.records, counting, signal),
      history: store === null ? null : await historyOfStage(what, models, store),
    });
  }
  return makeEstimate({
    at,
    stages,
    records: plan.records,
    spending: job.spending,
    prices: openPriceList(job.spending.prices),
  });
}

async function calibrateSample(
  { stage, sample }: PlannedSizes,
  requests: number,
  counting: Counting | null,
  signal: AbortSignal,
): Promise<Calibration> {
  if (counting === null || sample.length === 0) return LOCAL_CALIBRATION;
  const what = { stage, ofAll: sample.length >= requests };
  return (await calibrate(sample, what, counting, signal)) ?? LOCAL_CALIBRATION;
}
