import type { JobSpec } from './job.ts';
import type { JobFile } from './job-file.ts';

/** What the store keeps of a job file. */
export function specOf(
  job: JobFile,
  place: Pick<JobSpec, 'on' | 'file' | 'limits' | 'changedOnly'>,
): JobSpec {
  return {
    apiVersion: job.apiVersion,
    betas: job.betas,
    model: job.stages[0]?.model ?? null,
    stages: job.stages.map((stage) => stage.name),
    needs: Object.fromEntries(
      job.stages.flatMap(({ name, needs }) => (needs.length === 0 ? [] : [[name, needs]])),
    ),
    retry: job.retry,
    spending: job.spending,
    private: job.private,
    needsFrozen: job.stages.some(
      ({ schema, output }) => schema !== null || (output !== null && output.content.kind !== 'answer'),
    ),
    ...place,
  };
}
