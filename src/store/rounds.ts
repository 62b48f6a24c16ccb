import { StoreError } from '../core/errors.ts';
import type { JobStore } from '../core/ports/store.ts';
import type { RowView } from '../core/ports/store-views.ts';
import { addRow, EMPTY_TALLY, removeRow, type Tally } from '../core/result.ts';
import type { Shard } from '../core/shard.ts';
import type { PastAttemptRow } from './attempts.ts';
import type { Connection } from './connection.ts';
import { retireShard, unsentShard } from './settling.ts';

type Rounds = Pick<
  JobStore,
  | 'releasableRows'
  | 'failedRows'
  | 'moveRows'
  | 'holdRows'
  | 'unholdRows'
  | 'holdOf'
  | 'commitRound'
  | 'dropRound'
  | 'takeBackRows'
  | 'answeredSeqs'
  | 'lastShardNumber'
  | 'pastAttempts'
  | 'pastSeqs'
>;

/**
 * A round adds shards to a job that is built: a later stage's, or those of a retry. Its shards stay `building` while rows
 * are moved to them, chunk by chunk; one commit makes all of it count, and until then a crash puts each row back.
 */
export function rounds(connection: Connection): Rounds {
  const { jobs, stages, shards, requests, attempts, events, read, write, writeAhead } = connection;

  return {
    releasableRows: (stageId, needIds, afterSeq, limit) =>
      read(() => requests.releasable(stageId, needIds, afterSeq, limit)),
    failedRows: (stageId, filter, afterSeq, limit) =>
      read(() => requests.failed(stageId, filter, afterSeq, limit)),

    moveRows: (shardId, seqs) =>
      writeAhead(() => {
        const { state, stageId } = shards.byId(shardId);
        if (state !== 'building') throw new RangeError(`shard ${shardId} is ${state}`);
        const tallies = new Tallies(connection);
        for (const row of rowsIn(stageId, seqs)) {
          if (row.status === null && row.shardId !== null)
            throw new RangeError(`row ${row.seq} is not settled`);
          if (row.shardId === null) attempts.unhold(stageId, row.seq);
          else {
            attempts.keep(stageId, row.seq);
            tallies.change(row.shardId, (tally) => removeRow(tally, row));
          }
          requests.moveRow(stageId, row.seq, shardId, row.shardId === null ? row.attempt : row.attempt + 1);
        }
        tallies.write();
      }),

    holdRows: (stageId, holds) =>
      write(() => {
        for (const { seq, why } of holds) attempts.hold(stageId, seq, why);
      }),
    unholdRows: (stageId) => write(() => void attempts.unholdAll(stageId)),
    holdOf: (stageId, seq) => read(() => attempts.holdOf(stageId, seq)),

    commitRound: (jobId, { stageIds, shards: closed, canceledAt = null }) =>
      write(() => {
        const job = jobs.byId(jobId);
        // Another process may have canceled it meanwhile.
        if (job.cancelRequestedAt !== canceledAt && closed.length > 0) return false;
        for (const { id, ...facts } of closed) {
          if (requests.count(id) !== facts.requests || !shards.close(id, facts)) {
            throw new StoreError(`the new shards of job ${job.jobId} are not complete`, {
              code: 'round_incomplete',
              why: `shard ${id} should have ${facts.requests} rows`,
              next: 'start the same command again',
            });
          }
        }
        for (const stageId of stageIds) stages.open(stageId);
        if (closed.length > 0) jobs.forgetCancel(jobId);
        const detail = { stages: stageIds.length, shards: closed.map(({ id }) => shards.byId(id).number) };
        events.record({ jobId, kind: 'round_committed', detail });
        connection.foldJob(jobId);
        return true;
      }),

    takeBackRows: (jobId, { shardId, seqs, rest }) =>
      write(() => {
        const from = unsentShard(connection, shardId);
        const tallies = new Tallies(connection);
        const answered = new Set<number>();
        for (const seq of seqs) {
          if (requests.row(from.stageId, seq)?.shardId !== shardId)
            throw new RangeError(`shard ${shardId} has no row ${seq}`);
          const past = putBack(connection, from, seq, tallies);
          if (past !== null && past.failure === null) answered.add(past.shardId);
        }
        tallies.write();
        // Outputs are written for rows that a shard has when it is applied, and these it had not.
        for (const id of answered) if (shards.byId(id).state === 'applied') shards.setState(id, 'downloaded');
        if (rest !== null) {
          const moved = requests.moveAll(shardId, rest.id);
          if (moved !== rest.requests || !shards.close(rest.id, rest))
            throw new RangeError(`shard ${rest.id} takes ${moved} rows of ${rest.requests}`);
          shards.setSplitFrom(rest.id, shardId);
        }
        retireShard(connection, shardId);
        events.record({
          jobId,
          shardId,
          kind: 'rows_taken_back',
          detail: { shard: from.number, rows: seqs.length },
        });
        connection.foldJob(jobId);
      }),
    answeredSeqs: (shardId) => read(() => attempts.answeredOf(shardId)),

    lastShardNumber: (stageId) => read(() => shards.lastNumber(stageId)),
    dropRound: (jobId) =>
      write(() => {
        dropBuilding(connection, jobId);
        connection.foldJob(jobId);
      }),

    pastAttempts: (stageId, seq) => read(() => attempts.ofRow(stageId, seq)),
    pastSeqs: (shardId) => read(() => attempts.seqsOf(shardId)),
  };

  function rowsIn(stageId: number, seqs: readonly number[]): readonly RowView[] {
    return seqs.map((seq) => {
      const row = requests.row(stageId, seq);
      if (row === undefined) throw new RangeError(`stage ${stageId} has no row ${seq}`);
      return row;
    });
  }
}

/** Totals of shards while many rows come or go, each read and written once. Within one write. */
class Tallies {
  readonly #shards: Connection['shards'];
  readonly #changed = new Map<number, Tally>();

  constructor({ shards }: Connection) {
    this.#shards = shards;
  }

  change(shardId: number, change: (tally: Tally) => Tally): void {
    const tally = this.#changed.get(shardId) ?? this.#shards.tally(shardId) ?? EMPTY_TALLY;
    this.#changed.set(shardId, change(tally));
  }

  write(): void {
    for (const [shardId, tally] of this.#changed) this.#shards.setTally(shardId, tally);
    this.#changed.clear();
  }
}

/** What a round that was cut off has left: its shards go, and each of its rows is again what it was. */
export function dropBuilding(connection: Connection, jobId: number): void {
  const { shards, requests } = connection;
  const tallies = new Tallies(connection);
  for (const { shard } of shards.ofJob(jobId)) {
    if (shard.state !== 'building') continue;
    for (;;) {
      const seqs = requests.seqsAfter(shard.id, Number.MIN_SAFE_INTEGER, 10_000);
      if (seqs.length === 0) break;
      for (const seq of seqs) putBack(connection, shard, seq, tallies);
    }
    shards.delete(shard.id);
  }
  tallies.write();
}

/** A row is again what it was before it was moved to the shard: returned, or null for one that was held. */
function putBack(
  { requests, attempts }: Connection,
  { stageId }: Pick<Shard, 'stageId'>,
  seq: number,
  tallies: Tallies,
): PastAttemptRow | null {
  const past = attempts.last(stageId, seq);
  requests.putBack(stageId, seq, past ?? null);
  if (past === undefined) return null;
  attempts.delete(stageId, seq, past.attempt);
  tallies.change(past.shardId, (tally) => addRow(tally, past));
  return past;
}
