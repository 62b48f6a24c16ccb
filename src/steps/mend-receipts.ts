import type { Run } from './run.ts';
import { RECEIPTS, readReceipts, writeReceipt } from './write-receipt.ts';

/**
 * Writes the receipts that are missing: of batches whose run ended between the commit of the id and its receipt, and of those
 * that were found again after a lost answer. Cheap where there is nothing to do, so it may be called at any time.
 */
export async function mendReceipts({ job, deps }: Run): Promise<void> {
  // A receipt says that a batch was made here.
  if (job.spec.adopted === true) return;
  const { files, store, provider } = deps;
  const views = await store.shards(job.id);
  const missing = new Map(
    views.flatMap(({ shard, batch }) => (batch === null ? [] : [[batch.id, { shard, batch }]])),
  );
  if (missing.size === 0) return;
  if (files.exists(RECEIPTS)) {
    for await (const { batch_id: id } of readReceipts(files)) missing.delete(id);
  }
  const account = job.account ?? provider.account;
  for (const { shard, batch } of missing.values())
    writeReceipt(files, { jobId: job.jobId, shard, batch, account });
}
