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
  const error = await refusalOf(run, shard, signal);
  if (error !== null) {
    await run.deps.store.withdrawSubmission(run.job.id);
    throw new UsageError(`job ${run.job.jobId} was not submitted: the API refuses its first request`, {
      code: 'sample_refused',
      why: `it answered ${error.status === 404 ? '404, not found' : error.status}: ${error.why ?? error.message}`,
      next: `mend model, prompt or params and run the same command again; batchctl cancel ${run.job.jobId} drops this job`,
      cause: error,
    });
  }
}

/**
 * The same for a later stage, before its first shard goes out.
 *
 * @throws UsageError when the API refuses it. What was answered before is safe, and a job with a mended stage reuses it.
 */
export async function checkLaterSample(run: Run, shard: Shard, signal: AbortSignal): Promise<void> {
  const error = await refusalOf(run, shard, signal);
  if (error === null) return;
  const { jobId } = run.job;
  throw new UsageError(
    `stage ${shard.stage} of job ${jobId} was not sent: the API refuses its first request`,
    {
      code: 'sample_refused',
      why: `it answered ${error.status === 404 ? '404, not found' : error.status}: ${error.why ?? error.message}`,
      next: `batchctl cancel ${jobId}, mend the stage and submit --changed, which keeps the answers that are there; batchctl resume ${jobId} sends it as it is`,
      cause: error,
    },
  );
}

/** Null when the API takes the first request of the shard. */
async function refusalOf(run: Run, shard: Shard, signal: AbortSignal): Promise<ProviderError | null> {
  const { provider, clock } = run.deps;
  const sample = await firstRequest(run, shard);
  if (sample === null) return null;
  try {
    const params = countableParams(JSON.stringify(sample.params));
    await repeatRead(() => provider.countTokens(params, run.job.spec.apiVersion, signal), clock, signal);
    return null;
  } catch (error) {
    if (error instanceof ProviderError && (error.status === 400 || error.status === 404)) return error;
    throw error;
  }
}

/** The first request of a shard, as it was built. */
export async function firstRequest(run: Run, shard: Shard): Promise<{ readonly params: unknown } | null> {
  const path = shardPath(run.deps.files.requestsDir(run.job.jobId), shard.stage, shard.number);
  for await (const lines of run.deps.files.lines(path)) {
    const first = lines[0];
    if (first !== undefined) return JSON.parse(first.text) as { params: unknown }; // a shard line, written by the build
  }
  return null;
}
