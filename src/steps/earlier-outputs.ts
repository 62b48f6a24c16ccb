import { type JobSpec, sideOf } from '../core/job.ts';
import type { LocalDeps } from './deps.ts';
import { outputPathOf } from './write-outputs.ts';

/** Where an earlier job has written the answers of one of its stages. */
export interface EarlierOutputs {
  readonly jobId: string;
  /** Relative to the workspace; null when the job had no such record. */
  pathOf(customId: string): Promise<string | null>;
}

/**
 * The newest job of this name that was submitted and has the stage, on the same side: answers of the emulator are never
 * taken for real ones. Null when there is none.
 */
export async function findEarlierOutputs(
  { name, stage, on }: { readonly name: string; readonly stage: string; readonly on: JobSpec['on'] },
  { store, files }: Pick<LocalDeps, 'store' | 'files'>,
): Promise<EarlierOutputs | null> {
  const jobs = await store.listJobs({ pendingOnly: false, limit: null });
  for (const job of jobs) {
    const facts = job.stages.find((one) => one.name === stage);
    if (job.name !== name || facts === undefined || job.submitRequestedAt === null || sideOf(job) !== on)
      continue;
    const dir = files.resultsDir(job.jobId);
    return {
      jobId: job.jobId,
      async pathOf(customId) {
        const row = await store.rowByCustomId(job.id, customId, stage);
        return row === null ? null : outputPathOf(row, dir);
      },
    };
  }
  return null;
}
