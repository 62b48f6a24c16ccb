import { ProviderError } from '../core/errors.ts';
import type { ShardPart } from '../core/ports/store-views.ts';
import { parseRequestLine } from '../core/request-line.ts';
import type { Shard } from '../core/shard.ts';
import { requireShardFile } from './check-shard-file.ts';
import type { Run } from './run.ts';
import { addToPart, closePart, openPart } from './shard-part.ts';

/**
 * Halves a shard that the API found too large: two new files with new numbers and nonces, then one commit that gives
 * them the shard's requests. Until that commit the parts do not count; the next run drops them.
 *
 * @throws ProviderError when the shard is a single request.
 */
export async function splitShard(run: Run, shard: Shard): Promise<void> {
  const { store, report } = run.deps;
  if (shard.requests < 2) {
    throw new ProviderError(
      `shard ${shard.number} of job ${run.job.jobId} was not submitted: its one request is too large`,
      {
        code: 'request_too_large',
        why: `the API refuses a body of ${shard.bodyBytes} bytes`,
        next: `batchctl show ${run.job.jobId} prints the request; shorten it and build again`,
        status: 413,
      },
    );
  }
  // Two different counts, so that a listing tells the halves apart.
  const firstRequests = shard.requests === 2 ? 1 : Math.floor((shard.requests - 1) / 2);
  const number = Math.max(...(await store.shards(run.job.id)).map((view) => view.shard.number));
  await store.splitShard(shard.id, await writeHalves(run, shard, number, firstRequests));
  report({
    kind: 'notice',
    text: `shard ${shard.number} was too large for the API; sending it as shards ${number + 1} and ${number + 2}`,
  });
}

/** The first so many of its requests, and the others. */
async function writeHalves(
  { job, deps }: Run,
  shard: Shard,
  lastNumber: number,
  firstRequests: number,
): Promise<readonly ShardPart[]> {
  const path = await requireShardFile(job, shard, deps);
  const openHalf = async (number: number) => ({
    part: await openPart(job, shard, deps, number),
    fromSeq: 0,
    toSeq: 0,
  });
  const [first, rest] = [await openHalf(lastNumber + 1), await openHalf(lastNumber + 2)];
  try {
    for await (const lines of deps.files.lines(path)) {
      for (const { text } of lines) {
        const { seq, paramsJson } = parseRequestLine(text);
        const half = first.part.requests < firstRequests ? first : rest;
        if (half.part.requests === 0) half.fromSeq = seq;
        half.toSeq = seq;
        addToPart(half.part, text, paramsJson);
      }
    }
    return [first, rest].map(({ part, fromSeq, toSeq }) => {
      const { id: shardId, ...facts } = closePart(part);
      return { shardId, fromSeq, toSeq, ...facts };
    });
  } finally {
    for (const { part } of [first, rest]) part.file.discard();
  }
}
