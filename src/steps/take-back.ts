import { StoreError } from '../core/errors.ts';
import { growingPath, rawPath } from '../core/ports/files.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import { parseRequestLine } from '../core/request-line.ts';
import type { Shard } from '../core/shard.ts';
import { breathe } from './breathe.ts';
import { requireShardFile } from './check-shard-file.ts';
import { keepDuplicates } from './keep-duplicates.ts';
import { type LateAnswers, openLateAnswers } from './late-answers.ts';
import { retrieveJob } from './retrieve-results.ts';
import { SentRequests } from './retry-stage.ts';
import type { Run } from './run.ts';
import { addToPart, closePart, openPart } from './shard-part.ts';
import { takeLate } from './take-late.ts';

const CHUNK_ROWS = 500;

/**
 * Takes rows out of shards that were to send them again, as far as their answers have come after all: between the retry and
 * its submission lie a kill, a budget or another shard's doubt, and what was paid already is not to be paid again. The rows
 * then take those answers. Costs next to nothing where nothing waits to be sent again. The caller holds the job's lock.
 *
 * @returns how many rows.
 */
export async function takeBackRetried(run: Run, signal: AbortSignal): Promise<number> {
  const { store, report } = run.deps;
  const before = await store.shards(run.job.id);
  if ((await untouchedRetries(run, before)).length === 0) return 0;
  // Answers may stand on disk and not be applied, or be ready at the API.
  if (before.some(({ shard }) => shard.state === 'downloaded')) await retrieveJob(run, signal);
  await keepDuplicates(run, before, signal);
  const views = await store.shards(run.job.id);
  const hasDuplicates = (await store.lateDuplicates(run.job.id)).some(({ kept }) => kept !== null);
  let taken = 0;
  const unsent = await untouchedRetries(run, views);
  for (const [stageId, shards] of Map.groupBy(unsent, (shard) => shard.stageId)) {
    const answered = await Promise.all(shards.map(({ id }) => store.answeredSeqs(id)));
    if (!hasDuplicates && answered.every((seqs) => seqs.length === 0)) continue;
    const ofStage = views.filter(({ shard }) => shard.stageId === stageId);
    const late = await openLateAnswers(run, ofStage, signal);
    for (const [index, shard] of shards.entries()) {
      const seqs = await lateSeqs(run, shard, new Set(answered[index]), late, signal);
      if (seqs.size > 0 && (await takeRows(run, shard, seqs, signal))) taken += seqs.size;
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
  { job, time, deps: { store, files, provider } }: Run,
  views: readonly ShardView[],
): Promise<readonly Shard[]> {
  const shards = views
    .filter(({ shard }) => shard.origin === 'retry' && shard.state === 'built')
    .map(({ shard }) => shard);
  if (shards.length === 0) return [];
  const watched = await store.watched(provider.account, time.nowMs());
  const lookedFor = new Set(watched.map(({ shardId }) => shardId));
  const rawOf = ({ stage, number }: Shard): string => rawPath(files.resultsDir(job.jobId), stage, number);
  return shards.filter((shard) => !lookedFor.has(shard.id) && !files.exists(growingPath(rawOf(shard))));
}

/** Rows that `takeLate` can give their answer to, or that have it once they are what they were. */
async function lateSeqs(
  run: Run,
  shard: Shard,
  answered: ReadonlySet<number>,
  late: LateAnswers,
  signal: AbortSignal,
): Promise<ReadonlySet<number>> {
  const { store, clock } = run.deps;
  const requests = new SentRequests(run, signal);
  const found = new Set<number>();
  try {
    const seqs = await store.shardSeqs(shard.id);
    for (let from = 0; from < seqs.length; from += CHUNK_ROWS) {
      const chunk = seqs
        .slice(from, from + CHUNK_ROWS)
        .filter((seq) => answered.has(seq) || late.ofDuplicate(seq) !== null);
      for (const row of await store.rowsOf(shard.stageId, chunk)) {
        const { seq, attempt } = row;
        const past = await late.ofPast(row);
        const answer = late.ofDuplicate(seq) ?? past;
        if (answer === null) continue;
        const isLast = past?.attempt === attempt - 1;
        if (isLast || (await requests.of({ seq, shardId: answer.shardId })) !== null) found.add(seq);
      }
      await breathe(clock, signal);
    }
  } finally {
    requests.close();
  }
  return found;
}

/** What the shard has left is copied to a new one, which counts from the commit on. False: the job was canceled meanwhile. */
async function takeRows(
  { job, deps }: Run,
  shard: Shard,
  seqs: ReadonlySet<number>,
  signal: AbortSignal,
): Promise<boolean> {
  const { store, files } = deps;
  // What an earlier try has left has the number of ours.
  await store.dropRound(job.id);
  const path = await requireShardFile(job, shard, deps);
  const part = seqs.size < shard.requests ? await openPart(job, shard, deps) : null;
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
  } catch (error) {
    const isCanceled = (await store.jobById(job.id)).cancelRequestedAt !== null;
    if (!(error instanceof StoreError) || error.code !== 'shard_moved_on' || !isCanceled) throw error;
    await store.dropRound(job.id);
    return false;
  } finally {
    part?.file.discard();
  }
  // Nothing of it was ever sent.
  files.remove(path);
  return true;
}
