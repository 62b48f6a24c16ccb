import { StoreError } from '../core/errors.ts';
import { EMPTY_TALLY } from '../core/result.ts';
import type { Shard, ShardState } from '../core/shard.ts';
import type { Connection } from './connection.ts';
import type { SubmissionChange, SubmissionFacts } from './submissions.ts';

/** The pieces that several of the port's writes share. Each is to be called inside one, which folds the job at its end. */
export function changeSubmission(
  connection: Connection,
  submission: SubmissionFacts,
  next: SubmissionChange,
  kind: string,
  detail: Record<string, unknown> = {},
): void {
  connection.submissions.change(submission.id, next);
  const { reason } = next;
  submissionEvent(connection, submission, kind, reason === undefined ? detail : { ...detail, reason });
}

export function submissionEvent(
  connection: Connection,
  { jobId, shardId, shardNumber, id, number }: SubmissionFacts,
  kind: string,
  detail: Record<string, unknown> = {},
): void {
  connection.events.record({
    jobId,
    shardId,
    submissionId: id,
    kind,
    detail: { shard: shardNumber, number, ...detail },
  });
}

/** A shard whose submission made nothing may go out again, unless its job was canceled meanwhile. */
export function returnShard(connection: Connection, { jobId, shardId }: SubmissionFacts): void {
  const shard = connection.shards.byId(shardId);
  if (shard.state !== 'live') return;
  if (connection.jobs.byId(jobId).cancelRequestedAt === null) connection.shards.setState(shardId, 'built');
  else cancelShard(connection, shard);
}

/**
 * A submission that may exist after all takes its shard back.
 *
 * @throws StoreError `submission_moved_on` when the shard has gone out again, or never will.
 */
export function takeShard(connection: Connection, submission: SubmissionFacts): void {
  const { id, number, state, shardId, shardNumber, shardState } = submission;
  const live = connection.submissions.liveOf(shardId);
  if (shardState === 'live' && live === id) return;
  if (shardState !== 'built' || live !== null) {
    throw new StoreError(`shard ${shardNumber} has moved on`, {
      code: 'submission_moved_on',
      why:
        live === null
          ? `the shard is ${shardState}`
          : `submission ${number} was judged ${state}, and a later one took its place`,
      next: 'batchctl status',
    });
  }
  connection.shards.setState(shardId, 'live');
}

/** The shard, if it is in one of these states. @throws StoreError `shard_moved_on` */
export function shardIn(connection: Connection, shardId: number, states: readonly ShardState[]): Shard {
  const shard = connection.shards.byId(shardId);
  if (states.includes(shard.state)) return shard;
  throw shardMovedOn(shard, `it is ${shard.state}, not ${states.join(' or ')}`);
}

export function shardMovedOn({ number }: Shard, why: string): StoreError {
  return new StoreError(`shard ${number} has moved on`, {
    code: 'shard_moved_on',
    why,
    next: 'batchctl status',
  });
}

/** The shard, if nothing of it can exist at the API. @throws StoreError `shard_moved_on` */
export function unsentShard(connection: Connection, shardId: number): Shard {
  const shard = shardIn(connection, shardId, ['built']);
  if (connection.submissions.liveOf(shardId) === null) return shard;
  throw shardMovedOn(shard, 'an earlier submission of it is not settled');
}

/** The end of a shard whose rows have all gone to others. */
export function retireShard({ shards, requests }: Connection, shardId: number): void {
  const left = requests.count(shardId);
  if (left > 0) throw new RangeError(`${left} rows of shard ${shardId} would have no part`);
  shards.setState(shardId, 'split');
}

/** Every request of a shard that is never to be sent gets its verdict. */
export function cancelShard(connection: Connection, shard: Shard): void {
  const canceled = connection.requests.settleRest(shard.id, 'canceled', 'canceled');
  const tally = { ...EMPTY_TALLY, requests: canceled, canceled, failures: { canceled } };
  connection.shards.finish(shard.id, 'canceled', tally, null);
  connection.events.record({
    jobId: shard.jobId,
    shardId: shard.id,
    kind: 'shard_finished',
    detail: { shard: shard.number, state: 'canceled' },
  });
}
