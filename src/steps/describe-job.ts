import { countStrangeLines, readAppliedReports } from '../core/applied-report.ts';
import type { Job } from '../core/job.ts';
import { type JobDocument, jobDocument, lateDuplicateDocuments } from '../core/job-document.ts';
import type { LocalDeps } from './deps.ts';

/** The job as it stands, from the store alone: what every command, notification and function tells of one job. */
export async function describeJob(job: Job, deps: Pick<LocalDeps, 'store' | 'files'>): Promise<JobDocument> {
  const { store, files } = deps;
  const views = await store.shards(job.id);
  const late_duplicates = lateDuplicateDocuments(await store.lateDuplicates(job.id), views);
  const strange_lines = countStrangeLines(readAppliedReports(await store.events(job.id)));
  return { ...jobDocument(job, views, files.resultsDir(job.jobId)), late_duplicates, strange_lines };
}
