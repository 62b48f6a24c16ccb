import type { StageFacts } from '../core/job.ts';
import { type JobFiles, shardPath } from '../core/ports/files.ts';
import type { ClosedShard, RowView } from '../core/ports/store-views.ts';
import { dayOf, type Pruned, readPruned } from '../core/pruned.ts';
import { readRequestLine } from '../core/request-line.ts';
import type { FailureClass } from '../core/result.ts';
import { ResultSeqs } from '../core/result-seqs.ts';
import { retryRequest } from '../core/retry-request.ts';
import type { Shard } from '../core/shard.ts';
import { readShardLine } from '../core/shard-line.ts';
import { breathe } from './breathe.ts';
import type { PackedRequest } from './pack-shards.ts';
import { RangeReaders } from './range-readers.ts';
import { type Answer, openRawReaders } from './raw-readers.ts';
import { commitRound, openRound, type Round } from './round.ts';
import type { Run } from './run.ts';

const CHUNK_ROWS = 500;

export interface Retrying {
  readonly classes: readonly FailureClass[];
  /** Rows that were sent more often than this are left alone. */
  readonly maxAttempt: number;
  /** Null: the way the job goes. */
  readonly route: Shard['route'] | null;
  readonly maxOutputTokens: (model: string) => number | null;
  /** Also what may have been paid although nobody can read its result. */
  readonly isForced: boolean;
  /** Sees what would go again before it counts. @throws to leave each row as it was. */
  readonly approve?: (shards: readonly ClosedShard[]) => Promise<void>;
}

export interface Retried {
  readonly requests: number;
  /** Rows that are not worth sending again, by reason. */
  readonly noUse: ReadonlyMap<string, number>;
}

/**
 * Sends rows of a stage again that failed with one of the classes: makes their requests from those that were sent, in
 * shards of their own. Selection and shards become true in one commit; killed before it, each row is what it was.
 */
export async function retryStage(
  run: Run,
  stage: StageFacts,
  what: Retrying,
  signal: AbortSignal,
): Promise<Retried> {
  const { store, files, clock, report } = run.deps;
  const answers = await openRawReaders(run.job, files);
  const requests = new SentRequests(run, signal);
  const noUse = new Map<string, number>();
  let round: Round | null = null;
  try {
    for (let after = 0; ; ) {
      const rows = await store.failedRows(stage.id, what, after, CHUNK_ROWS);
      const last = rows.at(-1);
      if (last === undefined) break;
      round ??= await openRound(run, stage, { origin: 'retry', route: what.route }, signal);
      const again: PackedRequest[] = [];
      for (const row of rows) {
        const made = await retryRow(row, what, requests, answers.answerOf(row));
        if (typeof made === 'string') noUse.set(made, (noUse.get(made) ?? 0) + 1);
        else again.push(made);
      }
      await round.add(again);
      after = last.seq;
      report({ kind: 'building', requests: round.requests });
      await breathe(clock, signal);
    }
    if (round === null || round.requests === 0) return { requests: 0, noUse };
    await what.approve?.(round.close());
    const isCommitted = await commitRound(round, run, []);
    return { requests: isCommitted ? round.requests : 0, noUse };
  } finally {
    answers.close();
    requests.close();
    round?.discard();
  }
}

/** The request that goes out again, or why none does. */
async function retryRow(
  row: RowView,
  what: Retrying,
  requests: SentRequests,
  answer: Answer | null,
): Promise<PackedRequest | string> {
  const sent = await requests.of(row);
  if (sent === null) return requests.whyGone(row);
  const request = retryRequest({
    failure: row.failure ?? 'api_error',
    paramsJson: sent.paramsJson,
    judgement: answer?.judgement ?? null,
    maxOutputTokens: what.maxOutputTokens,
    isForced: what.isForced,
  });
  if (request.kind === 'no_use') return request.why;
  return { seq: row.seq, customId: row.customId, group: sent.group, paramsJson: request.paramsJson };
}

interface SentRequest {
  readonly paramsJson: string;
  readonly group: string | null;
}

interface IndexedShard {
  readonly path: string;
  readonly group: string | null;
  readonly seqs: ResultSeqs;
  /** By the place of the seq; of its line. */
  readonly offsets: Float64Array;
  readonly lengths: Uint32Array;
}

/**
 * Requests as they were sent, found in the files of their shards, each of which is read through once. Of a request only its
 * place is held, 20 bytes, because a job that expired goes out again as a whole.
 */
export class SentRequests {
  readonly #run: Run;
  readonly #signal: AbortSignal;
  readonly #readers: RangeReaders;
  readonly #indexed = new Map<number, IndexedShard | null>();
  #shards: ReadonlyMap<number, Shard> | null = null;
  #pruned: Pruned | null = null;

  constructor(run: Run, signal: AbortSignal) {
    this.#run = run;
    this.#signal = signal;
    this.#readers = new RangeReaders(run.deps.files);
  }

  async of(row: Pick<RowView, 'seq' | 'shardId'>): Promise<SentRequest | null> {
    if (row.shardId === null) return null;
    const known = this.#indexed.get(row.shardId);
    const shard = known === undefined ? await this.#index(row.shardId) : known;
    if (shard === null) return null;
    const index = shard.seqs.indexOf(row.seq);
    const [offset, length] = [shard.offsets[index], shard.lengths[index]];
    if (offset === undefined || length === undefined) return null;
    const line = readShardLine(this.#readers.read(shard.path, offset, length));
    return line === null ? null : { paramsJson: line.paramsJson, group: shard.group };
  }

  /** Of a row that has no request here. */
  async whyGone({ shardId }: Pick<RowView, 'shardId'>): Promise<string> {
    const { store } = this.#run.deps;
    this.#pruned ??= readPruned(await store.events(this.#run.job.id));
    const pruned = this.#pruned.requests.get(this.#shards?.get(shardId ?? 0)?.nonce ?? '');
    if (pruned === undefined) return 'the file with its request is gone';
    return `its request was pruned on ${dayOf(pruned)}; batchctl submit --changed builds it anew`;
  }

  close(): void {
    this.#readers.close();
    this.#indexed.clear();
  }

  async #index(shardId: number): Promise<IndexedShard | null> {
    const { files, store } = this.#run.deps;
    // Once for all: a job of many groups has many shards.
    this.#shards ??= new Map((await store.shards(this.#run.job.id)).map(({ shard }) => [shard.id, shard]));
    const shard = this.#shards.get(shardId);
    const indexed =
      shard === undefined ? null : await indexShard(this.#run.job.jobId, shard, files, this.#signal);
    this.#indexed.set(shardId, indexed);
    return indexed;
  }
}

/** Null when its file is gone. */
async function indexShard(
  jobId: string,
  shard: Shard,
  files: JobFiles,
  signal: AbortSignal,
): Promise<IndexedShard | null> {
  const path = shardPath(files.requestsDir(jobId), shard.stage, shard.number);
  if (!files.exists(path)) return null;
  const seqs: number[] = [];
  const offsets = new Float64Array(shard.requests);
  const lengths = new Uint32Array(shard.requests);
  for await (const lines of files.lines(path)) {
    // A full shard is a quarter of a gigabyte.
    signal.throwIfAborted();
    for (const { text, offset, length } of lines) {
      const line = readRequestLine(text);
      if (line?.nonce !== shard.nonce) continue;
      offsets[seqs.length] = offset;
      lengths[seqs.length] = length;
      // In ascending order, as they were put there.
      seqs.push(line.seq);
    }
  }
  return { path, group: shard.group, seqs: new ResultSeqs(seqs), offsets, lengths };
}
