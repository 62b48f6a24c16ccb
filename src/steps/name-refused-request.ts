import { type AuthError, ProviderError } from '../core/errors.ts';
import { shardPath } from '../core/ports/files.ts';
import type { Shard } from '../core/shard.ts';
import type { Run } from './run.ts';

/** The API names a bad request by its position: `requests.2.custom_id: …`. The user knows it by its id. */
const POSITION = /requests\.(\d+)\./;

export async function nameRefusedRequest(
  run: Run,
  shard: Shard,
  error: ProviderError | AuthError,
): Promise<Error> {
  if (!(error instanceof ProviderError)) return error;
  const position = POSITION.exec(error.why ?? '')?.[1];
  const id = position === undefined ? null : await idAt(run, shard, Number(position));
  return new ProviderError(
    `shard ${shard.number} of job ${run.job.jobId} was not submitted: the API answered ${error.status}`,
    {
      code: error.code,
      why: id === null ? (error.why ?? error.message) : `${error.why}; that is request ${id}`,
      // What is wrong with a request was built into it; what is wrong with the key or the address was not.
      next:
        error.status === 400 || error.status === 413
          ? `mend it and build again, or batchctl cancel ${run.job.jobId}`
          : `${error.next}; then batchctl resume ${run.job.jobId}`,
      status: error.status,
      requestId: error.requestId,
      cause: error,
    },
  );
}

async function idAt(run: Run, shard: Shard, position: number): Promise<string | null> {
  const { files } = run.deps;
  let index = 0;
  for await (const lines of files.lines(
    shardPath(files.requestsDir(run.job.jobId), shard.stage, shard.number),
  )) {
    const line = lines[position - index];
    if (line !== undefined) return (JSON.parse(line.text) as { custom_id: string }).custom_id; // a line of our own build
    index += lines.length;
  }
  return null;
}
