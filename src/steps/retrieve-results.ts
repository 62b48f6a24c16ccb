import { hasEnded } from '../core/batch.ts';
import { isFinal, type JobState } from '../core/job.ts';
import type { KnownBatch, ShardView } from '../core/ports/store-views.ts';
import { readPruned } from '../core/pruned.ts';
import { isSettledShard } from '../core/shard.ts';
import { letGoIfOurs } from './adopt-batch.ts';
import { advanceStages } from './advance-stages.ts';
import { applyAnswers } from './apply-answers.ts';
import { applyResults } from './apply-results.ts';
import { cancelAnswers } from './cancel-answers.ts';
import { isRawThere, isRawWhole } from './check-raw.ts';
import { countNotFound } from './count-not-found.ts';
import { downloadResults } from './download-results.ts';
import { finishJob } from './finish-job.ts';
import { loseShard } from './poll-batches.ts';
import { recordReused } from './record-reused.ts';
import { restoreResults } from './restore-results.ts';
import { findGaps, retrieveAgain } from './retrieve-again.ts';
import type { Run } from './run.ts';
import { swapBatch } from './swap-batch.ts';
import { takeLate } from './take-late.ts';
import { PARTIAL_FILE, writeResults } from './write-results.ts';

/** What one call of `retrieveJob` came to. */
export interface Retrieval {
  /** Shards whose results were applied by this call. */
  readonly applied: number;
  /** Shards that are not settled yet, whatever they wait for. */
  readonly pending: readonly ShardView[];
  /** Ended batches whose results could not be had now. They were asked for several times with waits in between. */
  readonly unavailable: readonly { readonly batchId: string; readonly why: string }[];
  /** A later stage or a retry has something new to send. */
  readonly isAdvanced: boolean;
  /** Null as long as the job is not final. */
  readonly state: (JobState & ('done' | 'canceled' | 'failed')) | null;
}

/**
 * Takes what has ended: downloads, applies, writes the results so far, and ends the job once every request has its
 * verdict. Neither polls nor submits. Costs next to nothing when nothing is new, so a loop may call it each round; killed
 * anywhere, the next call goes on. Of a final job it puts back the files that are gone, from the raw results, and asks the
 * API only for raw results that are gone too and for shards that were lost.
 *
 * The caller holds the job's lock.
 */
export async function retrieveJob(run: Run, signal: AbortSignal): Promise<Retrieval> {
  const { store } = run.deps;
  const job = await store.jobById(run.job.id);
  if (isFinal(job.state)) {
    await retrieveAgain(job, await findGaps(job, run.deps), run.deps, signal);
    // Results that were given up may answer for rows that failed since.
    if ((await takeLate(run, signal)) > 0) return retrieveJob(run, signal);
    const { state } = await store.jobById(job.id);
    return { applied: 0, pending: [], unavailable: [], state: asFinal(state), isAdvanced: false };
  }
  await recordReused(job, run.deps);
  if (job.cancelRequestedAt !== null) await cancelAnswers(job, run.deps, signal);
  const unavailable: { batchId: string; why: string }[] = [];
  let applied = 0;
  for (const view of await store.shards(job.id)) {
    signal.throwIfAborted();
    // As the job is now: a run may have begun before it was submitted.
    const why = await takeShard({ ...run, job }, view, signal);
    if (why === 'applied') applied += 1;
    else if (why !== null && view.batch !== null) unavailable.push({ batchId: view.batch.id, why });
  }
  const isSettled = async (): Promise<boolean> =>
    (await store.shards(job.id)).every(({ shard }) => isSettledShard(shard.state));
  // Before anything of it is sent again.
  if ((applied > 0 || (await isSettled())) && (await takeLate(run, signal)) > 0) {
    const rest = await retrieveJob(run, signal);
    return {
      ...rest,
      applied: applied + rest.applied,
      unavailable: [...unavailable, ...rest.unavailable],
    };
  }
  const isAdvanced = await advanceStages(run, signal);
  const state = isAdvanced ? null : await finishJob(await store.jobById(job.id), run.deps, signal);
  if (state !== null) await putBackPruned(run, signal);
  const views = await store.shards(job.id);
  if (state === null && (applied > 0 || isPartialDue(run, views)))
    await writeResults(job, 'partial', run.deps, signal);
  const pending = views.filter((view) => !isSettledShard(view.shard.state));
  return { applied, pending, unavailable, state, isAdvanced };
}

/**
 * A retry of a job whose results were pruned writes its rows anew, and the outputs of what it sent. The others come back with
 * them: half of them, with a word that they are pruned, would let no one see what gets lost later.
 */
async function putBackPruned({ job, deps }: Run, signal: AbortSignal): Promise<void> {
  if (readPruned(await deps.store.events(job.id)).resultsAt === null) return;
  await restoreResults(await deps.store.jobById(job.id), deps, signal);
}

/** An earlier run applied a shard and was cut off before it wrote the rows. */
function isPartialDue({ job, deps }: Run, views: readonly ShardView[]): boolean {
  const hasRows = views.some((view) => view.shard.state === 'applied');
  return hasRows && !deps.files.exists(`${deps.files.resultsDir(job.jobId)}/${PARTIAL_FILE}`);
}

/**
 * Raw results that were changed or removed since they were recorded are downloaded again. The rows of a shard that was
 * applied are read from them once more at the end, so that it is looked at too.
 *
 * Null: nothing to do, or settled without results. Else `applied`, or why its results could not be had.
 */
async function takeShard(run: Run, view: ShardView, signal: AbortSignal): Promise<string | null> {
  const { shard, batch } = view;
  if (batch === null) return (await applyAnswers(run.job, shard, run.deps, signal)) ? 'applied' : null;
  if (shard.state === 'live') {
    if (!hasEnded(batch) || view.submission?.state !== 'created') return null;
    return downloadAndApply(run, view, batch, signal);
  }
  if (shard.state !== 'downloaded' && shard.state !== 'applied') return null;
  const isApplied = shard.state === 'applied';
  const isRead = isApplied ? isRawThere : isRawWhole;
  if (!(await isRead(run.job, shard, run.deps))) {
    await run.deps.store.setShardState(shard.id, 'live');
    return downloadAndApply(run, view, batch, signal);
  }
  if (isApplied) return null;
  await applyResults({ job: run.job, shard, batchId: batch.id, pricedAt: batch.createdAt }, run.deps, signal);
  return 'applied';
}

async function downloadAndApply(
  run: Run,
  view: ShardView,
  batch: KnownBatch,
  signal: AbortSignal,
): Promise<string | null> {
  const { deps, job } = run;
  const { shard, submission } = view;
  if (job.spec.adopted) await letGoIfOurs(job, batch, deps, signal);
  // A batch that the user named, or that was found again, is ours only if its results say so.
  const isProven = !view.candidates.some((candidate) => candidate.batchId === batch.id);
  const download = await downloadResults({ job, shard, batch, isProven }, deps, signal);
  switch (download.kind) {
    case 'downloaded':
      await applyResults({ job, shard, batchId: batch.id, pricedAt: batch.createdAt }, deps, signal);
      return 'applied';
    case 'foreign':
      deps.report({
        kind: 'notice',
        text: `batch ${batch.id} is not of job ${job.jobId}: its results are not ours`,
      });
      if (submission !== null) await deps.store.disown(submission.id, batch.id);
      return null;
    case 'expired_results':
      deps.report({ kind: 'notice', text: withoutResults(batch.id, download.why) });
      await loseShard(run, view, signal);
      return null;
    case 'not_available': {
      if (download.isStrange && (await swapBatch(run, view, batch, signal))) return null;
      if (!download.isBatchUnknown) {
        deps.report({ kind: 'notice', text: withoutResults(batch.id, download.why) });
        return download.why;
      }
      const madeMs = Date.parse(batch.createdAt);
      if (!(await countNotFound(run, { id: batch.id, madeMs }, signal))) return download.why;
      await loseShard(run, view, signal);
      return null;
    }
  }
}

function withoutResults(batchId: string, why: string): string {
  return `the results of batch ${batchId} could not be had: ${why}`;
}

function asFinal(state: JobState): Retrieval['state'] {
  return state === 'done' || state === 'canceled' || state === 'failed' ? state : null;
}
