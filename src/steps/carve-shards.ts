import type { Job } from '../core/job.ts';
import { shardPath } from '../core/ports/files.ts';
import type { CarvedShard, ClosedShard } from '../core/ports/store-views.ts';
import { parseRequestLine } from '../core/request-line.ts';
import type { Shard } from '../core/shard.ts';
import { requireShardFile } from './check-shard-file.ts';
import type { LocalDeps } from './deps.ts';
import { addToPart, closePart, openPart, type ShardPart } from './shard-part.ts';

/** What is taken out of one shard. */
export interface Taking {
  readonly shard: Shard;
  readonly seqs: ReadonlySet<number>;
}

/**
 * Takes requests out of shards that were never sent, into shards that go first: one for each stage and group. What a shard
 * has left is copied to a new one. A commit at the end makes all of it count; until then the new shards do not, and the next
 * run drops them. The caller holds the job's lock.
 *
 * 100,000 requests of 2 KB take about 2 s, and the room of both copies for as long (measured 2026-11).
 */
export async function carveShards(
  job: Job,
  takings: readonly Taking[],
  first: NonNullable<Shard['first']>,
  deps: LocalDeps,
  signal: AbortSignal,
): Promise<void> {
  const { store, files } = deps;
  // What an earlier try has left has the numbers of ours.
  await store.dropRound(job.id);
  const firstOf = new Map<string, ShardPart>();
  const rests: ShardPart[] = [];
  const carved: (Carving & { readonly from: Shard })[] = [];
  try {
    for (const { shard, seqs } of takings) {
      const place = JSON.stringify([shard.stageId, shard.group]);
      const target = firstOf.get(place) ?? (await openPart(job, { ...shard, first }, deps));
      firstOf.set(place, target);
      // A part without requests would be no batch.
      const rest = seqs.size < shard.requests ? await openPart(job, { ...shard, first: null }, deps) : null;
      if (rest !== null) rests.push(rest);
      await dealLines(await requireShardFile(job, shard, deps), { target, rest, seqs }, deps, signal);
      carved.push({ from: shard, seqs, target, rest });
      // A job may have a shard for each of 10,000 groups, and each file holds a descriptor and a buffer.
      target.file.park();
      rest?.file.park();
    }
    const facts = new Map([...firstOf.values(), ...rests].map((part) => [part, closePart(part)]));
    await store.carveShards(
      job.id,
      carved.map((one) => carvedOf(one, facts)),
    );
  } finally {
    for (const { file } of [...firstOf.values(), ...rests]) file.discard();
  }
  // Nothing of it was ever sent, and its requests stand in the new ones.
  for (const { from } of carved) files.remove(pathOf(job, from, deps));
}

interface Carving {
  readonly target: ShardPart;
  readonly rest: ShardPart | null;
  readonly seqs: ReadonlySet<number>;
}

/** Each line of a shard file goes to one of the two. */
async function dealLines(
  path: string,
  { target, rest, seqs }: Carving,
  { files }: LocalDeps,
  signal: AbortSignal,
): Promise<void> {
  for await (const lines of files.lines(path)) {
    signal.throwIfAborted();
    for (const { text } of lines) {
      const { seq, paramsJson } = parseRequestLine(text);
      addToPart(rest === null || seqs.has(seq) ? target : rest, text, paramsJson);
    }
  }
}

function carvedOf(
  { from, target, rest, seqs }: Carving & { readonly from: Shard },
  facts: ReadonlyMap<ShardPart, ClosedShard>,
): CarvedShard {
  const [first, left] = [facts.get(target), rest === null ? null : facts.get(rest)];
  if (first === undefined || left === undefined) throw new Error(`a part of shard ${from.number} is open`);
  return { fromShardId: from.id, first: { ...first, seqs: [...seqs] }, rest: left };
}

function pathOf({ jobId }: Job, { stage, number }: Shard, { files }: LocalDeps): string {
  return shardPath(files.requestsDir(jobId), stage, number);
}
