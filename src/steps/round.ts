import { DecisionError } from '../core/errors.ts';
import type { Job, StageFacts } from '../core/job.ts';
import type { ClosedShard } from '../core/ports/store-views.ts';
import type { Shard } from '../core/shard.ts';
import type { PackedPlace, PackedRequest } from './pack-shards.ts';
import type { Run } from './run.ts';
import { openStagePacker, type StagePacker } from './stage-packer.ts';

/** Shards that are being added to a job that is built. Nothing of it counts before `commitRound`. */
export interface Round {
  readonly jobId: number;
  /** So far. */
  readonly requests: number;
  /** Puts some requests into shards, and their rows with them; in order of seq. Returns where each has gone. */
  add(requests: readonly PackedRequest[]): Promise<readonly PackedPlace[]>;
  /** Closes its files: nothing can be added then. */
  close(): readonly ClosedShard[];
  /** Makes it count, closed; false when the job was canceled meanwhile. */
  commit(stageIds: readonly number[]): Promise<boolean>;
  /** Removes open files; does nothing once it was committed. */
  discard(): void;
}

export interface RoundKind {
  /** reused: its answers are here already. */
  readonly origin: Shard['origin'];
  /** Null: the way the job goes. */
  readonly route: Shard['route'] | null;
}

/** What an earlier round has left is put back first. */
export async function openRound(
  run: Run,
  stage: StageFacts,
  { origin, route }: RoundKind,
  signal: AbortSignal,
): Promise<Round> {
  const { store } = run.deps;
  await store.dropRound(run.job.id);
  const job = await store.jobById(run.job.id);
  const packing = {
    origin,
    route: route ?? wayOf(job),
    lastNumber: await store.lastShardNumber(stage.id),
    // What failed before is not to be taken from an earlier job: it would be the same.
    reuse: job.spec.changedOnly && origin === 'build',
  };
  const packer = await openStagePacker(job, stage, packing, run.deps, signal);
  let requests = 0;
  let closed: readonly ClosedShard[] | null = null;

  const close = (): readonly ClosedShard[] => {
    if (closed === null) {
      packer.close();
      closed = packer.takeFull();
    }
    return closed;
  };

  return {
    jobId: job.id,
    get requests() {
      return requests;
    },
    async add(some) {
      const moves = new Map<number, number[]>();
      const places = await packer.add(some);
      for (const [index, { shardId }] of places.entries()) {
        const seq = some[index]?.seq;
        if (seq === undefined) continue;
        const seqs = moves.get(shardId);
        if (seqs === undefined) moves.set(shardId, [seq]);
        else seqs.push(seq);
        requests += 1;
      }
      for (const [shardId, seqs] of moves) await store.moveRows(shardId, seqs);
      return places;
    },
    close,
    commit(stageIds) {
      refuseInFlight(packer, stage, job);
      const canceledAt = job.cancelRequestedAt;
      return store.commitRound(job.id, { stageIds, shards: close(), canceledAt });
    },
    discard: () => packer.discard(),
  };
}

/** A request that is under way elsewhere has no answer yet, and would be paid a second time. */
function refuseInFlight({ inFlight }: StagePacker, stage: StageFacts, job: Job): void {
  const [first] = inFlight;
  if (first === undefined) return;
  throw new DecisionError(`stage ${stage.name} was not made: some of its requests are in flight already`, {
    code: 'in_flight',
    why: [...inFlight].map(([jobId, count]) => `job ${jobId} has ${count} of them under way`).join('; '),
    next: `batchctl resume ${first[0]}, then batchctl resume ${job.jobId}`,
  });
}

function wayOf({ mode }: Job): Shard['route'] {
  return mode === 'real_time' ? 'real_time' : 'batch';
}

/** Makes a round count, or puts all of it back when the job was canceled meanwhile. */
export async function commitRound(round: Round, run: Run, stageIds: readonly number[]): Promise<boolean> {
  if (await round.commit(stageIds)) return true;
  await run.deps.store.dropRound(round.jobId);
  return false;
}
