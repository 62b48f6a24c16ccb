import { UsageError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import type { Context } from './context.ts';

/** The job that an `<id>` means. @throws UsageError; a workspace without any job stays without state. */
export async function findJob(id: string, context: Context): Promise<Job> {
  const store = await context.wire.existingStore();
  if (store !== null) return store.findJob(id);
  throw new UsageError(`there is no job ${id}`, {
    code: 'job_not_found',
    why: `no job was ever built in ${context.wire.root}`,
    next: 'batchctl submit --use-batch, or name the workspace with -C',
  });
}
