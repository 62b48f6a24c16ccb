import { type Batch, sumCounts } from '../core/batch.ts';
import { DecisionError, ProviderError } from '../core/errors.ts';
import type { ShardOwner } from '../core/ports/store-views.ts';
import { olderStore } from '../core/store-remedies.ts';

/** Why a batch is not taken in, each in the words that the user reads. */
export function gone(batch: Batch): ProviderError {
  return new ProviderError(`the results of batch ${batch.id} are gone`, {
    code: 'results_gone',
    status: null,
    why:
      batch.archivedAt === null
        ? `results are kept for 29 days, and the batch was created on ${batch.createdAt}`
        : `the API removed them on ${batch.archivedAt}; it keeps them for 29 days`,
    next: 'nothing can bring them back; whoever retrieved them in time has them',
  });
}

export function notFound(batchId: string, cause: ProviderError, asked: number): ProviderError {
  return new ProviderError(`batch ${batchId} is not found`, {
    code: 'batch_not_found',
    status: 404,
    requestId: cause.requestId,
    why: `no job of this workspace has it, and to this key the API does not know it (asked ${asked} times). A batch is visible only to keys of the Console workspace that made it, and one that was just made may not be found yet`,
    next: 'check the id and the key, or try again in some minutes; batchctl list --remote shows what this key can see',
    cause,
  });
}

export function countless(batch: Batch): ProviderError {
  return new ProviderError(`batch ${batch.id} counts no requests`, {
    code: 'batch_unreadable',
    status: null,
    why: 'its five counts are zero, so that nobody could tell whether its results are whole',
    next: `batchctl retrieve ${batch.id} later`,
  });
}

export function isOurs(batch: Batch, owner: ShardOwner, also: string): DecisionError {
  const { jobId, shard, shardState, submissionState, batchId } = owner;
  const isInDoubt =
    submissionState === 'in_doubt' || submissionState === 'stuck' || submissionState === 'sealed';
  const facts = isInDoubt
    ? 'whose submission is in doubt'
    : batchId === null
      ? `which the database takes for ${shardState}`
      : `whose results come from batch ${batchId}, so this is a second one of the same requests`;
  const next = isInDoubt
    ? `batchctl resume ${jobId} --adopt ${batch.id}`
    : batchId === null
      ? olderStore(null)
      : `batchctl retrieve ${jobId}`;
  return new DecisionError(`batch ${batch.id} was made here and is not taken in as another's`, {
    code: 'batch_is_ours',
    why: `its results bear the mark of shard ${shard} of job ${jobId}, ${facts}${also}`,
    next,
  });
}

export function maybeOurs(batch: Batch, jobId: string | null): DecisionError {
  const whose = jobId === null ? 'a submission that was judged absent and is still watched' : `job ${jobId}`;
  return new DecisionError(`batch ${batch.id} may be one of our own and is not taken in as another's`, {
    code: 'batch_in_doubt',
    why: `it has ${sumCounts(batch.counts)} requests, as many as a shard in doubt of ${whose}; its results will tell, and it has not ended`,
    next:
      jobId === null
        ? `batchctl resume, and batchctl retrieve ${batch.id} once the batch has ended`
        : `batchctl resume ${jobId}; if you know that it is its batch, with --adopt ${batch.id}`,
  });
}

export function lostByStore(batch: Batch, jobId: string): DecisionError {
  return new DecisionError(`batch ${batch.id} was made here and is not taken in as another's`, {
    code: 'batch_is_ours',
    why: `.batchctl/receipts.jsonl names it for job ${jobId}, and .batchctl/state.db does not know it: the database is older than the batch, or new`,
    next: `${olderStore(null)}; to read its results alone, retrieve it into another folder with -C`,
  });
}
