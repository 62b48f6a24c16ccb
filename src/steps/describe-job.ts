import { countStrangeLines, readAppliedReports } from '../core/applied-report.ts';
import type { Job } from '../core/job.ts';
import { type JobDocument, jobDocument, lateDuplicateDocuments } from '../core/job-document.ts';
import { prunedDocument, readPruned } from '../core/pruned.ts';
import type { LocalDeps } from './deps.ts';
import { describeUnsent } from './describe-unsent.ts';

/** The job as it stands, from the store alone: what every command, notification and function tells of one job. */
export async function describeJob(job: Job, deps: Pick<LocalDeps, 'store' | 'files'>): Promise<JobDocument> {
  const { store, files } = deps;
  const views = await store.shards(job.id);
  const late_duplicates = lateDuplicateDocuments(await store.lateDuplicates(job.id), views);
  // Of the API's own results alone: what a power cut has left in a file of real time was asked for again.
  const ofBatches = new Set(views.flatMap(({ shard }) => (shard.route === 'batch' ? [shard.id] : [])));
  const events = await store.events(job.id);
  const reports = readAppliedReports(events);
  const strange_lines = countStrangeLines(reports.filter(({ shardId }) => ofBatches.has(shardId)));
  const pruned = prunedDocument(readPruned(events), views);
  return {
    ...jobDocument(job, views, files.resultsDir(job.jobId)),
    ...(await describeUnsent(job, views, deps)),
    late_duplicates,
    strange_lines,
    ...(pruned === null ? {} : { pruned }),
  };
}
