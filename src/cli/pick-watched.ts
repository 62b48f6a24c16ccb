import type { Job } from '../core/job.ts';
import type { JobStore } from '../core/ports/store.ts';
import type { Watched } from '../steps/look-at-accounts.ts';
import type { PickWatched } from '../steps/watch-batches.ts';
import type { Context } from './context.ts';
import { findJob } from './find-job.ts';

/**
 * The jobs and batches that the ids mean; without ids every unfinished job that was submitted, also those that are
 * submitted later. Null where there are no jobs at all.
 */
export async function pickWatched(ids: readonly string[], context: Context): Promise<PickWatched | null> {
  if (ids.length > 0) {
    const named: Watched[] = [];
    for (const id of ids)
      named.push(await toWatched(id, await findJob(id, context), await context.wire.store()));
    return async () => {
      const store = await context.wire.store();
      return Promise.all(named.map(async (one) => ({ ...one, job: await store.jobById(one.job.id) })));
    };
  }
  const store = await context.wire.existingStore();
  if (store === null) return null;
  const seen = new Set<number>();
  return async () => {
    const pending = await store.listJobs({ pendingOnly: true, limit: null });
    for (const job of pending) if (job.submitRequestedAt !== null) seen.add(job.id);
    const jobs = await Promise.all([...seen].map((id) => store.jobById(id)));
    return jobs.sort((a, b) => a.id - b.id).map((job) => ({ job, batchId: null }));
  };
}

/** An id that names the job by one of its batches means that batch. */
async function toWatched(id: string, job: Job, store: JobStore): Promise<Watched> {
  if (id === 'latest' || id === job.name || job.jobId.startsWith(id)) return { job, batchId: null };
  const views = await store.shards(job.id);
  const batch = views.find((view) => view.batch?.id.startsWith(id))?.batch;
  return { job, batchId: batch?.id ?? null };
}
