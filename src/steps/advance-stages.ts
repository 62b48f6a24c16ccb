import { type Job, neededStages, type StageFacts } from '../core/job.ts';
import type { JobFile } from '../core/job-file.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import { isSettledShard } from '../core/shard.ts';
import { checkLaterSample } from './check-sample.ts';
import type { LocalDeps } from './deps.ts';
import { readGate } from './first-shards.ts';
import { requireFrozen } from './frozen-job.ts';
import { maxOutputTokensOf } from './output-limits.ts';
import { releaseStage } from './release-stage.ts';
import { retryStage } from './retry-stage.ts';
import type { Run } from './run.ts';

/**
 * Moves the chain of stages on, as far as the results that are there allow: sends again what the job's rule says, then,
 * once that is used up, makes the requests of the stages that need this one. Costs nothing where there is neither.
 *
 * @returns whether there is something new to send.
 */
export async function advanceStages(run: Run, signal: AbortSignal): Promise<boolean> {
  const { store } = run.deps;
  let isNew = false;
  let frozen: JobFile | null = null;
  const finished = new Set<string>();
  for (;;) {
    const job = await store.jobById(run.job.id);
    if (!hasChain(job)) return isNew;
    const views = await store.shards(job.id);
    // Nothing is made of a pilot, and nothing of it sent again, before the rest may go. A canceled job is only closed.
    if (job.cancelRequestedAt === null && (await readGate(job.id, views, store)) !== 'open') return isNew;
    const stage = job.stages.find((one) => !finished.has(one.name) && mayAdvance(one, job, views, finished));
    if (stage === undefined) return isNew;
    if (neededStages(job, stage.name).length > 0) {
      if (isFrozenNeeded(stage, job)) frozen ??= await requireFrozen(job, run.deps.files);
      const released = await release(run, stage, job, frozen, signal);
      if (released > 0) {
        isNew = true;
        continue;
      }
    }
    if (await retryByRule(run, stage, job, signal)) isNew = true;
    else finished.add(stage.name);
  }
}

/** A canceled job of which nothing is under way: stages that were never made stay so, and their rows are held. */
export async function closeStages(jobId: number, { store }: Pick<LocalDeps, 'store'>): Promise<void> {
  const job = await store.jobById(jobId);
  const waiting = job.stages.filter(({ state }) => state === 'waiting').map(({ id }) => id);
  const isSettled = (await store.shards(jobId)).every(({ shard }) => isSettledShard(shard.state));
  if (waiting.length > 0 && isSettled) await store.commitRound(jobId, { stageIds: waiting, shards: [] });
}

function hasChain(job: Job): boolean {
  return job.spec.retry !== null || job.stages.length > 1;
}

/** All that was sent of it is settled, and so are the stages it needs. */
function mayAdvance(
  stage: StageFacts,
  job: Job,
  views: readonly ShardView[],
  finished: ReadonlySet<string>,
): boolean {
  return (
    neededStages(job, stage.name).every((need) => finished.has(need.name)) &&
    views.every(({ shard }) => shard.stageId !== stage.id || isSettledShard(shard.state))
  );
}

/** A canceled job makes nothing of it, and can be closed without. */
function isFrozenNeeded({ state, held }: StageFacts, { cancelRequestedAt }: Job): boolean {
  return cancelRequestedAt === null && (state === 'waiting' || held > 0);
}

/** A stage of a canceled job is never made: its rows stay held. */
async function release(
  run: Run,
  stage: StageFacts,
  job: Job,
  frozen: JobFile | null,
  signal: AbortSignal,
): Promise<number> {
  const { store, report } = run.deps;
  if (job.cancelRequestedAt !== null) {
    if (stage.state === 'waiting') await store.commitRound(job.id, { stageIds: [stage.id], shards: [] });
    return 0;
  }
  if (frozen === null) return 0;
  const requests = await releaseStage(run, stage, frozen, signal);
  if (requests > 0)
    report({
      kind: 'notice',
      text: `stage ${stage.name}: ${requests === 1 ? '1 request' : `${requests} requests`} made`,
    });
  if (requests > 0 && stage.state === 'waiting') await checkFirst(run, stage, signal);
  return requests;
}

/** Not of retried or released rows: the stage has been sent before then. */
async function checkFirst(run: Run, stage: StageFacts, signal: AbortSignal): Promise<void> {
  const views = await run.deps.store.shards(run.job.id);
  const first = views.find(
    ({ shard }) => shard.stageId === stage.id && shard.state === 'built' && shard.route !== 'none',
  );
  if (first !== undefined) await checkLaterSample(run, first.shard, signal);
}

async function retryByRule(run: Run, stage: StageFacts, job: Job, signal: AbortSignal): Promise<boolean> {
  const rule = job.spec.retry;
  if (rule === null || job.cancelRequestedAt !== null) return false;
  const retried = await retryStage(
    run,
    stage,
    {
      classes: rule.on,
      maxAttempt: rule.attempts - 1,
      route: null,
      maxOutputTokens: maxOutputTokensOf(job),
      isForced: false,
    },
    signal,
  );
  if (retried.requests === 0) return false;
  const text = `stage ${stage.name}: ${retried.requests === 1 ? '1 request goes' : `${retried.requests} requests go`} out again, as the job says`;
  run.deps.report({ kind: 'notice', text });
  return true;
}
