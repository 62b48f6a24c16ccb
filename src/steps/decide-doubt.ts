import { sumCounts } from '../core/batch.ts';
import { WATCH_ABSENT_MS } from '../core/doubt.ts';
import { ProviderError, UsageError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import type { Submission } from '../core/submission.ts';
import type { FoundBatch } from './adopt-batch.ts';
import type { Deps } from './deps.ts';
import { repeatRead } from './repeat-read.ts';
import { requireHome } from './require-home.ts';

/**
 * The user's word that a batch is a shard's: of one in doubt, or, in a store that has forgotten its seal, of an unsent one.
 * The results still have to bear the shard's nonce.
 *
 * @throws UsageError when not exactly one of them has as many requests as the batch.
 */
export async function adoptByUser(job: Job, batchId: string, deps: Deps, signal: AbortSignal): Promise<void> {
  await requireHome(job, deps, signal);
  await deps.store.settleAfterCrash(job.id);
  const { batch, stamp } = await findBatch(batchId, deps, signal);
  const views = await deps.store.shards(job.id);
  const requests = sumCounts(batch.counts);
  const doubts = await deps.store.doubts(job.id);
  const fitting = doubts.filter(
    (one) => views.find((view) => view.shard.id === one.shardId)?.shard.requests === requests,
  );
  const submission =
    fitting[0] ?? (doubts.length === 0 ? await restoreUnsent(views, requests, { batch, stamp }, deps) : null);
  if (submission === null || fitting.length > 1) {
    throw new UsageError(`batch ${batchId} was not adopted`, {
      code: doubts.length === 0 ? 'nothing_in_doubt' : 'no_shard_fits',
      why:
        doubts.length === 0
          ? `no submission of job ${job.jobId} is in doubt`
          : `the batch has ${requests} requests, and ${fitting.length} shards in doubt have as many`,
      next: `batchctl status ${job.jobId}`,
    });
  }
  await deps.store.addCandidate(submission.id, batch);
  await deps.store.adopt(submission.id, batch.id, 'user');
}

/** Null when not exactly one unsent shard has as many requests: then nothing says whose the batch is. */
async function restoreUnsent(
  views: readonly ShardView[],
  requests: number,
  { batch, stamp }: FoundBatch,
  { store, provider }: Deps,
): Promise<Submission | null> {
  const unsent = views
    .map((view) => view.shard)
    .filter((shard) => shard.state === 'built' && shard.route === 'batch' && shard.requests === requests);
  const [shard] = unsent;
  if (shard === undefined || unsent.length > 1 || (await store.jobById(shard.jobId)).account === null)
    return null;
  const createdMs = Date.parse(batch.createdAt);
  return store.restoreSeal(shard.id, provider.account, {
    uploadStartedMs: createdMs,
    sealedMs: createdMs,
    // Whose workspace it is says which listings count, should its results say that it is another's.
    fence: {
      batchIds: [],
      serverMs: createdMs,
      workspaceId: stamp.workspaceId,
      organizationId: stamp.organizationId,
    },
    reason: `the user says that ${batch.id} is its batch; the database knew of no submission`,
  });
}

async function findBatch(batchId: string, deps: Deps, signal: AbortSignal): Promise<FoundBatch> {
  try {
    return await repeatRead(() => deps.provider.retrieveBatch(batchId, signal), deps.clock, signal);
  } catch (error) {
    if (!(error instanceof ProviderError) || error.status !== 404) throw error;
    throw new UsageError(`batch ${batchId} was not adopted: the API does not know it`, {
      code: 'batch_not_found',
      why: error.why ?? error.message,
      next: 'look up its id in the Console; a batch is visible only to keys of its own workspace',
      cause: error,
    });
  }
}

/**
 * The user's word that nothing was created: every shard in doubt may go out again. What was sent stays under watch.
 *
 * @returns how many shards that were.
 */
export async function resubmitByUser(job: Job, deps: Pick<Deps, 'store' | 'clock'>): Promise<number> {
  await deps.store.settleAfterCrash(job.id);
  const doubts = await deps.store.doubts(job.id);
  const watchUntilMs = deps.clock.now().getTime() + WATCH_ABSENT_MS;
  for (const submission of doubts) await deps.store.judgeAbsent(submission.id, { watchUntilMs, by: 'user' });
  return doubts.length;
}
