import { countableParams } from '../core/countable-params.ts';
import { ProviderError, UsageError } from '../core/errors.ts';
import { shardPath } from '../core/ports/files.ts';
import type { Shard } from '../core/shard.ts';
import { repeatRead } from './repeat-read.ts';
import type { Run } from './run.ts';

/**
 * One free count_tokens call on the first request. Params are checked late, row by row, so a wrong model name would
 * be accepted and end as 100,000 errored rows; source: the batch processing guide on asynchronous validation.
 *
 * @throws UsageError when the API refuses the sample; nothing was sent by then.
 */
export async function checkSample(run: Run, shard: Shard, signal: AbortSignal): Promise<void> {
  const { files, provider, clock } = run.deps;
  const sample = await firstLine(run, shardPath(files.requestsDir(run.job.jobId), shard.stage, shard.number));
  if (sample === null) return;
  try {
    const params = countableParams(JSON.stringify(sample.params));
    await repeatRead(() => provider.countTokens(params, run.job.spec.apiVersion, signal), clock, signal);
  } catch (error) {
    if (!(error instanceof ProviderError) || (error.status !== 400 && error.status !== 404)) throw error;
    await run.deps.store.withdrawSubmission(run.job.id);
    throw new UsageError(`job ${run.job.jobId} was not submitted: the API refuses its first request`, {
      code: 'sample_refused',
      why: `it answered ${error.status === 404 ? '404, not found' : error.status}: ${error.why ?? error.message}`,
      next: `mend model, prompt or params and run the same command again; batchctl cancel ${run.job.jobId} drops this job`,
      cause: error,
    });
  }
}

async function firstLine(run: Run, path: string): Promise<{ readonly params: unknown } | null> {
  for await (const lines of run.deps.files.lines(path)) {
    const first = lines[0];
    if (first !== undefined) return JSON.parse(first.text) as { params: unknown }; // a shard line, written by the build
  }
  return null;
}
