import { ProviderError } from '../core/errors.ts';
import { shardPath } from '../core/ports/files.ts';
import type { ShardPart } from '../core/ports/store-views.ts';
import { bodyBytesOf, type Shard } from '../core/shard.ts';
import { readShardLine, withNonce } from '../core/shard-line.ts';
import { SizeCounter } from '../core/size-counter.ts';
import { makeNonce } from '../core/wire-id.ts';
import { requireShardFile } from './check-shard-file.ts';
import type { Run } from './run.ts';

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
  const path = await requireShardFile(run.job, shard, run.deps);
  const parts = [
    await writePart(run, shard, path, { number: number + 1, from: 0, to: firstRequests }),
    await writePart(run, shard, path, { number: number + 2, from: firstRequests, to: shard.requests }),
  ];
  await store.splitShard(shard.id, parts);
  report({
    kind: 'notice',
    text: `shard ${shard.number} was too large for the API; sending it as shards ${number + 1} and ${number + 2}`,
  });
}

async function writePart(
  run: Run,
  shard: Shard,
  path: string,
  slice: { readonly number: number; readonly from: number; readonly to: number },
): Promise<ShardPart> {
  const { store, files, clock } = run.deps;
  const nonce = makeNonce(clock.randomBytes(8));
  const { group, origin, first, route } = shard;
  const facts = { number: slice.number, group, nonce, origin, first, route };
  const shardId = await store.openShard(shard.stageId, facts);
  const file = files.create(shardPath(files.requestsDir(run.job.jobId), shard.stage, slice.number), {
    private: run.job.spec.private,
  });
  const seqs: number[] = [];
  const sizes = new SizeCounter();
  let index = 0;
  for await (const lines of files.lines(path)) {
    for (const line of lines) {
      if (index >= slice.from && index < slice.to) {
        const { text, seq } = withNonce(line.text, nonce);
        const place = { offset: file.bytes, length: Buffer.byteLength(text) };
        sizes.add(readShardLine(text)?.paramsJson ?? '{}', place);
        file.write(`${text}\n`);
        seqs.push(seq);
      }
      index += 1;
    }
  }
  const { bytes, sha256 } = file.finish();
  return {
    shardId,
    fromSeq: seqs[0] ?? 0,
    toSeq: seqs.at(-1) ?? 0,
    requests: seqs.length,
    bodyBytes: bodyBytesOf(bytes),
    fileSha256: sha256,
    sizes: sizes.sizes(),
  };
}
