import { DecisionError } from '../core/errors.ts';
import { olderStore } from '../core/store-remedies.ts';
import { unknownJobs } from './check-standing.ts';
import type { LocalDeps } from './deps.ts';
import type { Run } from './run.ts';
import { readSent } from './sent-log.ts';
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
      // Of a batch that has not ended the user's word for this copy would leave the receipt as it is.
      next: olderStore(null),
    });
  }
  await refuseForgottenTwin(run);
}

/**
 * Receipts for a job that this store does not know, and that the log of seals does not name either: a rebuild could not
 * make it again, and nothing tells what it asked for. One of the same name may be the same content.
 */
async function refuseForgottenTwin({ job, deps }: Run): Promise<void> {
  const { files, store, provider } = deps;
  const from = await store.acceptedReceiptBytes();
  const batches = new Map<string, string[]>();
  for await (const { job_id: jobId, batch_id: batchId, base_url: baseUrl } of readReceipts(files, from)) {
    if (jobId === job.jobId || nameOf(jobId) !== job.name || baseUrl !== provider.account.baseUrl) continue;
    batches.set(jobId, [...(batches.get(jobId) ?? []), batchId]);
  }
  if (batches.size === 0) return;
  const logged = new Set<string>();
  for await (const line of readSent(files)) logged.add(line.job_id);
  const unlogged = [...batches.keys()].filter((jobId) => !logged.has(jobId));
  const unknown = await unknownJobs(unlogged, { store });
  if (unknown.length === 0) return;
  const shown = unknown.map((jobId) => `${jobId} (${batches.get(jobId)?.join(', ')})`).join('; ');
  throw new DecisionError(`job ${job.jobId} was not sent: its requests may have been paid for already`, {
    code: 'store_older_than_receipts',
    why: `.batchctl/receipts.jsonl names batches of a job of the same name, which .batchctl/state.db does not know: ${shown}`,
    next: `batchctl doctor --rebuild makes that job again where its files are there; else batchctl retrieve BATCH gets its results, and batchctl resume ${job.jobId} --accept-store sends this job all the same`,
  });
}

/** A job's id is its name and the time of its build. */
function nameOf(jobId: string): string {
  return jobId.replace(/-\d{8}-\d{6}(-\d+)?$/, '');
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
