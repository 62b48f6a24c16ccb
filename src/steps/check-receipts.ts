import { DecisionError } from '../core/errors.ts';
import type { LocalDeps } from './deps.ts';
import type { Run } from './run.ts';
import { RECEIPTS, readReceipts } from './write-receipt.ts';

/**
 * A receipt for a shard that the store takes for unsent: this database is older than the receipts beside it, restored or
 * copied. Sending would pay for the shard again.
 *
 * @throws DecisionError
 */
export async function checkReceipts(run: Run): Promise<void> {
  const { files, store } = run.deps;
  if (!files.exists(RECEIPTS)) return;
  const views = await store.shards(run.job.id);
  const unsent = new Set(
    views.filter(({ shard }) => shard.state === 'built').map(({ shard }) => shard.nonce),
  );
  if (unsent.size === 0) return;
  for await (const receipt of readReceipts(files)) {
    if (receipt.job_id !== run.job.jobId || !unsent.has(receipt.nonce)) continue;
    if ((await store.knownBatchIds([receipt.batch_id])).size > 0) continue;
    throw new DecisionError(`job ${run.job.jobId} was not sent: it seems to have been sent before`, {
      code: 'store_older_than_receipts',
      why: `.batchctl/receipts.jsonl names batch ${receipt.batch_id} for a shard that .batchctl/state.db takes for unsent, so the database is an older copy`,
      next: `put the newer .batchctl/state.db back; without one, batchctl doctor --rebuild`,
    });
  }
}

/** The job that a batch was made for, as the receipts say; null when they do not name it. */
export async function receiptOf(
  batchId: string,
  { files }: Pick<LocalDeps, 'files'>,
): Promise<string | null> {
  if (!files.exists(RECEIPTS)) return null;
  for await (const receipt of readReceipts(files)) if (receipt.batch_id === batchId) return receipt.job_id;
  return null;
}
