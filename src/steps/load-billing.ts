import type { Job } from '../core/job.ts';
import type { JobFiles } from '../core/ports/files.ts';
import { type BillShard, openBilling } from '../core/shard-billing.ts';
import { loadFrozen } from './frozen-job.ts';

/** By the prices of the job file as it was built. Load it once for many shards. */
export async function loadBilling(job: Pick<Job, 'jobId' | 'spec'>, files: JobFiles): Promise<BillShard> {
  return openBilling(job, await loadFrozen(job, files));
}
