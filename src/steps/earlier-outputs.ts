import { type JobSpec, sideOf } from '../core/job.ts';
import type { LocalDeps } from './deps.ts';
import { isGood, outputPathOf } from './write-outputs.ts';

export interface EarlierOutput {
  /** Relative to the workspace. */
  readonly path: string;
  /** It has a good answer, so that a file that is not there can be written again. */
  readonly isAnswered: boolean;
}

/** Where an earlier job has written the answers of one of its stages. */
export interface EarlierOutputs {
  readonly jobId: string;
  /** Null when the job had no such record. */
  find(customId: string): Promise<EarlierOutput | null>;
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
      async find(customId) {
        const row = await store.rowByCustomId(job.id, customId, stage);
        return row === null ? null : { path: outputPathOf(row, dir), isAnswered: isGood(row) };
      },
    };
  }
  return null;
}
