import type { Calibration, Estimate } from '../core/estimate.ts';
import { type Job, neededStages, type StageFacts, sideOf } from '../core/job.ts';
import { LOCAL_CALIBRATION, localCalibration } from '../core/local-calibration.ts';
import { makeEstimate, type StageFacts as StageSizes } from '../core/make-estimate.ts';
import { shardPath } from '../core/ports/files.ts';
import type { BatchProvider } from '../core/ports/provider.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import { openPriceList } from '../core/price-list.ts';
import { modelsOf, type RequestSizes } from '../core/request-sizes.ts';
import { mergeSizes } from '../core/size-counter.ts';
import { calibrate, readSample, type SampledLine } from './calibrate.ts';
import type { LocalDeps } from './deps.ts';
import { loadFrozen } from './frozen-job.ts';
import { sizesOfShards } from './shard-sizes.ts';
import { historyOfStage } from './stage-history.ts';

export interface EstimateDeps extends LocalDeps {
  /** Null: nothing is counted. */
  readonly provider: BatchProvider | null;
}

/** What of a job is estimated. */
export interface EstimateWishes {
  /** Only what was not sent yet, and the stages that wait. */
  readonly unsentOnly: boolean;
}

/**
 * What a job is expected to cost: from the sizes of its shards, from its job file for the stages that wait, and from what
 * earlier answers were like. With a provider it counts some requests. Keeps nothing; may be called at any time.
 *
 * @throws AuthError when the key is refused.
 */
export async function estimateJob(
  job: Job,
  deps: EstimateDeps,
  signal: AbortSignal,
  { unsentOnly }: EstimateWishes = { unsentOnly: false },
): Promise<Estimate> {
  const views = (await deps.store.shards(job.id)).filter((view) => isPaid(view, unsentOnly));
  const sizes = await sizesOfShards(job, views, deps);
  const frozen = await loadFrozen(job, deps.files);
  const own = await deps.store.spentOf(job.id);
  const stages: StageSizes[] = [];
  for (const facts of job.stages) {
    const { name } = facts;
    const built = ofStage(facts, views, sizes);
    const stage = frozen?.stages.find((one) => one.name === name) ?? null;
    const ofName = {
      job,
      stage: name,
      views: views.filter(({ shard }) => shard.stage === name),
      sizes,
      deps,
    };
    const models = built === null ? [stage?.model ?? null] : modelsOf(mergeSizes(built.values()));
    const what = { name: job.name, stage: name, on: sideOf(job) };
    stages.push({
      name,
      needs: neededStages(job, name).map((need) => need.name),
      built,
      stage,
      calibration: built === null ? LOCAL_CALIBRATION : await calibrateStage(ofName, signal),
      history: await historyOfStage(what, models, deps.store, own),
    });
  }
  return makeEstimate({
    at: deps.clock.now().toISOString(),
    stages,
    records: job.records,
    spending: job.spec.spending,
    prices: openPriceList(job.spec.spending.prices),
  });
}

/** Answers that were taken from earlier jobs cost nothing, and what was canceled never will. */
function isPaid({ shard, submission }: ShardView, unsentOnly: boolean): boolean {
  if (shard.origin === 'reused' || shard.state === 'building' || shard.state === 'split') return false;
  if (shard.state === 'canceled') return false;
  return !unsentOnly || (shard.state === 'built' && submission === null);
}

/** Group → sizes; null for a stage that waits. */
function ofStage(
  { name, state }: StageFacts,
  views: readonly ShardView[],
  sizes: ReadonlyMap<number, RequestSizes>,
): ReadonlyMap<string | null, RequestSizes> | null {
  if (state === 'waiting') return null;
  const groups = new Map<string | null, RequestSizes[]>();
  for (const { shard } of views) {
    const one = sizes.get(shard.id);
    if (shard.stage !== name || one === undefined) continue;
    groups.set(shard.group, [...(groups.get(shard.group) ?? []), one]);
  }
  return new Map([...groups].map(([group, list]) => [group, mergeSizes(list)]));
}

interface StageShards {
  readonly job: Job;
  readonly stage: string;
  readonly views: readonly ShardView[];
  readonly sizes: ReadonlyMap<number, RequestSizes>;
  readonly deps: EstimateDeps;
}

/** From some requests of the stage; the wide guess where nothing is counted. @throws AuthError */
async function calibrateStage(
  { job, stage, views, sizes, deps }: StageShards,
  signal: AbortSignal,
): Promise<Calibration> {
  const models = modelsOf(mergeSizes(views.flatMap(({ shard }) => sizes.get(shard.id) ?? [])));
  const local = models.length === 1 ? localCalibration(models[0] ?? null) : LOCAL_CALIBRATION;
  const { provider, clock, report, files } = deps;
  if (provider === null) return local;
  const lines = views.flatMap(({ shard }): readonly SampledLine[] => {
    const path = shardPath(files.requestsDir(job.jobId), shard.stage, shard.number);
    const sample = sizes.get(shard.id)?.sample ?? [];
    // The files of a job that is over may be gone.
    return sample.length === 0 || !files.exists(path) ? [] : sample.map((place) => ({ ...place, path }));
  });
  if (lines.length === 0) return local;
  const sample = readSample(lines, files);
  const ofAll = sample.length >= views.reduce((sum, { shard }) => sum + shard.requests, 0);
  const counting = { provider, clock, report, apiVersion: job.spec.apiVersion };
  return (await calibrate(sample, { stage, ofAll }, counting, signal)) ?? local;
}
