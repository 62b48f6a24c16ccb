import { adoptedSpec } from '../core/adopted.ts';
import { type Batch, hasEnded, sumCounts } from '../core/batch.ts';
import { UsageError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import type { ApiJob } from './apis.ts';
import type { Context } from './context.ts';
import { findJob } from './find-job.ts';
import { formatMany, formatTime } from './output.ts';

/** Ids of batches begin so today. It decides only whether the API is asked; `--name` has any other id asked for too. */
const BATCH_ID = /^msgbatch_/;

/**
 * The job that an `<id>` means; a batch id that no job has is asked of the API, and the batch is taken in as a job.
 *
 * @throws UsageError `job_not_found`; and as findRemoteBatch and adoptBatch.
 */
export async function findOrAdopt(id: string, name: string | null, context: Context): Promise<Job> {
  try {
    return await findJob(id, context);
  } catch (error) {
    const isUnknown = error instanceof UsageError && error.code === 'job_not_found';
    if (!isUnknown || !(BATCH_ID.test(id) || name !== null)) throw error;
    return adopt(id, name, context);
  }
}

async function adopt(batchId: string, name: string | null, context: Context): Promise<Job> {
  const { adoptBatch, findRemoteBatch } = await import('../steps/adopt-batch.ts');
  const { wire, clock, signal, talk } = context;
  const asked = noJob(batchId, context);
  // Asked before anything is made here, so that a mistyped id leaves nothing behind.
  const provider = await (await wire.apis()).provider(asked, { emulator: context.emulator, isDryRun: true });
  const found = await findRemoteBatch(batchId, { provider, clock }, signal);
  const { store, files } = await wire.localDeps();
  const { job, isNew } = await adoptBatch(found, name, { store, files, provider, clock }, signal);
  if (isNew) talk.say(`${describeFound(found.batch)}; no job here had it, it is job ${job.jobId} now`);
  return job;
}

/** What the choice of an API asks of a job, for a batch that has none. */
export function noJob(batchId: string, { emulator }: Pick<Context, 'emulator'>): ApiJob {
  return { jobId: batchId, account: null, spec: adoptedSpec(emulator ? 'emulator' : 'api') };
}

function describeFound(batch: Batch): string {
  const state = hasEnded(batch)
    ? `ended ${formatTime(batch.endedAt ?? '')}`
    : `${batch.processingStatus}, expires ${formatTime(batch.expiresAt)}`;
  return `batch ${batch.id}: ${formatMany(sumCounts(batch.counts), 'request')}, created ${formatTime(batch.createdAt)}, ${state}`;
}
