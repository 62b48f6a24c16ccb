import { growingPath, rawPath, shardPath } from '../core/ports/files.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import { parseRequestLine } from '../core/request-line.ts';
import type { Shard } from '../core/shard.ts';
import { type LateAnswers, openLateAnswers } from './late-answers.ts';
import type { Run } from './run.ts';
import { addToPart, closePart, openPart } from './shard-part.ts';
import { takeLate } from './take-late.ts';

const CHUNK_ROWS = 500;

/**
 * Takes rows out of shards that were to send them again, as far as their answers have come after all: between the retry and
 * its submission lie a kill, a budget or another shard's doubt, and what was paid already is not to be paid again. The rows
 * then take those answers. Costs next to nothing where nothing came late. The caller holds the job's lock.
 *
 * @returns how many rows.
 */
export async function takeBackRetried(run: Run, signal: AbortSignal): Promise<number> {
  const { store, report } = run.deps;
  const views = await store.shards(run.job.id);
  const unsent = await untouchedRetries(run, views);
  if (unsent.length === 0) return 0;
  const hasDuplicates = (await store.lateDuplicates(run.job.id)).some(({ kept }) => kept !== null);
  let taken = 0;
  for (const [stageId, shards] of Map.groupBy(unsent, (shard) => shard.stageId)) {
    const answered = await Promise.all(shards.map(({ id }) => store.answeredSeqs(id)));
    if (!hasDuplicates && answered.every((seqs) => seqs.length === 0)) continue;
    const ofStage = views.filter(({ shard }) => shard.stageId === stageId);
    const late = await openLateAnswers(run, ofStage, signal);
    for (const [index, shard] of shards.entries()) {
      const seqs = await lateSeqs(run, shard, new Set(answered[index]), late, signal);
      if (seqs.size > 0) await takeRows(run, shard, seqs, signal);
      taken += seqs.size;
    }
  }
  if (taken === 0) return 0;
  const text = `${taken === 1 ? '1 request is' : `${taken} requests are`} not sent again: answers of an earlier attempt have come late`;
  report({ kind: 'notice', text });
  await takeLate(run, signal);
  return taken;
}

/**
 * Not those that an earlier submission of theirs is still looked for, because a batch that turns up must find its shard; nor
 * those of which some requests have been asked one by one.
 */
async function untouchedRetries(
  { job, deps: { store, files, provider, clock } }: Run,
  views: readonly ShardView[],
): Promise<readonly Shard[]> {
  const shards = views
    .filter(({ shard, submission }) => shard.origin === 'retry' && shard.state === 'built' && !submission)
    .map(({ shard }) => shard);
  if (shards.length === 0) return [];
  const watched = await store.watched(provider.account, clock.now().getTime());
  const lookedFor = new Set(watched.map(({ shardId }) => shardId));
  const rawOf = ({ stage, number }: Shard): string => rawPath(files.resultsDir(job.jobId), stage, number);
  return shards.filter((shard) => !lookedFor.has(shard.id) && !files.exists(growingPath(rawOf(shard))));
}

async function lateSeqs(
  { deps: { store } }: Run,
  shard: Shard,
  answered: ReadonlySet<number>,
  late: LateAnswers,
  signal: AbortSignal,
): Promise<ReadonlySet<number>> {
  const found = new Set<number>();
  const seqs = await store.shardSeqs(shard.id);
  for (let from = 0; from < seqs.length; from += CHUNK_ROWS) {
    signal.throwIfAborted();
    const chunk = seqs.slice(from, from + CHUNK_ROWS);
    for (const seq of chunk) if (late.ofDuplicate(seq) !== null) found.add(seq);
    const past = chunk.filter((seq) => answered.has(seq) && !found.has(seq));
    for (const row of await store.rowsOf(shard.stageId, past))
      if ((await late.ofPast(row)) !== null) found.add(row.seq);
  }
  return found;
}

/** What the shard has left is copied to a new one, which counts from the commit on. */
async function takeRows(
  { job, deps }: Run,
  shard: Shard,
  seqs: ReadonlySet<number>,
  signal: AbortSignal,
): Promise<void> {
  const { store, files } = deps;
  // What an earlier try has left has the number of ours.
  await store.dropRound(job.id);
  const path = shardPath(files.requestsDir(job.jobId), shard.stage, shard.number);
  const part = seqs.size < shard.requests ? await openPart(job, shard, shard.first, deps) : null;
  try {
    if (part !== null) {
      for await (const lines of files.lines(path)) {
        signal.throwIfAborted();
        for (const { text } of lines) {
          const { seq, paramsJson } = parseRequestLine(text);
          if (!seqs.has(seq)) addToPart(part, text, paramsJson);
        }
      }
    }
    const rest = part === null ? null : closePart(part);
    await store.takeBackRows(job.id, { shardId: shard.id, seqs: [...seqs], rest });
  } finally {
    part?.file.discard();
  }
  // Nothing of it was ever sent.
  files.remove(path);
}
