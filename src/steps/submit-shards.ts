import { backoffMs, UPLOAD_BACKOFF } from '../core/backoff.ts';
import { DecisionError, ProviderError } from '../core/errors.ts';
import { shownStage } from '../core/job.ts';
import type { CreateOutcome } from '../core/ports/provider.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import type { QueueWait } from '../core/queue.ts';
import type { Shard } from '../core/shard.ts';
import type { Budget, Hold } from './budget.ts';
import { startFences } from './fence-memory.ts';
import { isHeldBack, readGate } from './first-shards.ts';
import { nameRefusedRequest } from './name-refused-request.ts';
import type { QueueRoom, Waiting } from './queue-room.ts';
import type { Run } from './run.ts';
import { sendPatiently, TRIES } from './send-patiently.ts';
import { splitShard } from './split-shard.ts';
import type { Sending, SubmitOutcome } from './submit-shard.ts';
import { requireFits } from './wait-for-room.ts';

export interface Submitting {
  /** How long to wait before the rest may be tried; null when nothing is left to send, or only what a doubt holds back. */
  readonly waitMs: number | null;
  /** The job whose doubt holds an unsent shard back, which may be this one; null when none does. */
  readonly heldBy: string | null;
  /** What the budget holds back; null when it does not. */
  readonly hold: Hold | null;
  /** What waits for room in the account's queue; null when nothing does. `waitMs` is then when it is tried all the same. */
  readonly queue: Waiting | null;
}

/**
 * Sends the job's unsent shards one after another. A shard in doubt does not hold back the others, save one with the
 * same count: their batches could not be told apart in a listing. One that the budget or the account's queue has no room
 * for holds back the rest: a smaller one that went before it would keep that room from it, and again.
 *
 * The shards are read once and then again only where something changed them: a job of thousands would otherwise read all of
 * them for each. What another process does meanwhile, which can only be a cancel, is met by the store: it seals no shard
 * that is not `built`.
 *
 * @throws ProviderError, AuthError, DecisionError when sending on makes no sense; what was sent stays sent.
 */
export async function submitShards(
  run: Run,
  { refusals, budget, room }: Limits,
  signal: AbortSignal,
): Promise<Submitting> {
  const fences = startFences();
  for (;;) {
    // Looks since then may have seen batches end, or taken one for a doubt again.
    room.forget();
    const views = await run.deps.store.shards(run.job.id);
    requireFits(run, views, room.limit);
    const end = await sendAll(run, views, { refusals, budget, room, fences }, signal);
    if (end !== 'changed') return end;
  }
}

/** What keeps a shard from being sent. */
export interface Limits {
  /** 429s in a row, before this call, that nothing of ours in the queue explains. */
  readonly refusals: number;
  readonly budget: Budget | null;
  readonly room: QueueRoom;
}

const NOTHING_LEFT = { waitMs: null, heldBy: null, hold: null, queue: null } as const;

/** `changed`: the views are not what the store has by now. */
async function sendAll(
  run: Run,
  views: readonly ShardView[],
  { refusals, budget, ...sending }: Limits & Sending,
  signal: AbortSignal,
): Promise<Submitting | 'changed'> {
  const { store, provider } = run.deps;
  const { room } = sending;
  const gate = await readGate(run.job.id, views, store);
  // Numbers go on after a split.
  const lastNumbers = new Map<number, number>();
  for (const { shard } of views)
    lastNumbers.set(shard.stageId, Math.max(shard.number, lastNumbers.get(shard.stageId) ?? 0));
  let heldBy: string | null = null;
  let sent = 0;
  for (const view of views) {
    const { shard } = view;
    if (shard.state !== 'built' || shard.route !== 'batch' || isHeldBack(view, gate)) continue;
    const twin = await store.jobInDoubt(provider.account, shard.requests, shard.id);
    if (twin !== null) {
      heldBy = twin;
      continue;
    }
    const hold = (await budget?.holdOf(shard, views, signal)) ?? null;
    const shards = lastNumbers.get(shard.stageId) ?? shard.number;
    const wait = hold === null ? await room.findWait(shard) : null;
    // The job may have been canceled since, and then nothing is held back.
    if (sent > 0 && (hold !== null || wait !== null)) return 'changed';
    if (hold !== null) return { ...NOTHING_LEFT, heldBy, hold };
    if (wait !== null) return { ...(await waitForRoom(run, room, shard, shards, wait)), heldBy };
    signal.throwIfAborted();
    const outcome = await sendPatiently(run, shard, shards, sending, signal);
    if (outcome === null) return NOTHING_LEFT;
    switch (outcome.kind) {
      case 'created':
      case 'unknown':
        tellSent(run, shard, shards, outcome);
        await budget?.sent(shard, signal);
        sent += 1;
        break;
      case 'late_batch':
        run.deps.report({
          kind: 'notice',
          text: `a batch of an earlier attempt of shard ${shard.number} has appeared; nothing was sent`,
        });
        return 'changed';
      case 'no_room':
        return { ...(await waitForRoom(run, room, shard, shards, outcome.wait)), heldBy };
      case 'not_created': {
        const full = outcome.refusal === 'rate_limited' ? await room.findWait(shard) : null;
        if (full?.about === 'queue')
          return { ...(await waitForRoom(run, room, shard, shards, full)), heldBy };
        const restMs = full === null ? null : (full.untilMs ?? 0) - run.time.nowMs();
        const waitMs = await handleRefusal(run, shard, outcome, { refusals, restMs });
        const queue = full === null ? null : { shard, wait: full };
        return waitMs === null ? 'changed' : { waitMs, heldBy, hold: null, queue };
      }
      default:
        outcome satisfies never;
    }
  }
  return { ...NOTHING_LEFT, heldBy };
}

async function waitForRoom(
  { job, time, deps: { report, store, locks } }: Run,
  room: QueueRoom,
  shard: Shard,
  shards: number,
  wait: QueueWait,
): Promise<Omit<Submitting, 'heldBy'>> {
  // Whoever asks how the job stands, also when this run is gone, is told of it.
  if (wait.about === 'queue') await store.noteRoomWait(job.id, { shardId: shard.id, limit: wait.limit });
  const { inFlight, limit, untilMs } = wait;
  const nextTryMs = untilMs === null ? null : Math.max(0, untilMs - time.nowMs());
  const which = {
    stage: shownStage(job, shard.stage),
    shard: shard.number,
    shards,
    requests: shard.requests,
  };
  const takers = (await room.takers()).map((taker) => ({
    ...taker,
    holder: taker.inDoubt === 0 ? null : locks.jobHolder(taker.jobId),
  }));
  report({ kind: 'queue_full', ...which, inFlight, limit, nextTryMs, takers });
  return { waitMs: nextTryMs, hold: null, queue: { shard, wait } };
}

function tellSent(
  { job, deps: { report }, settleMs }: Run,
  shard: Shard,
  shards: number,
  outcome: SubmitOutcome & { readonly kind: 'created' | 'unknown' },
): void {
  const { number, requests } = shard;
  const which = { stage: shownStage(job, shard.stage), shard: number, shards, requests };
  if (outcome.kind === 'created') {
    report({ kind: 'created', ...which, batchId: outcome.batch.id });
    return;
  }
  report({ kind: 'in_doubt', ...which, why: outcome.reason, settleMs });
  if (outcome.batch !== null)
    report({ kind: 'provisional', shard: number, requests, batchIds: [outcome.batch.id] });
}

/** Null: go on at once. A number: wait that long, then go on. */
async function handleRefusal(
  run: Run,
  shard: Shard,
  outcome: CreateOutcome & { readonly kind: 'not_created' },
  { refusals, restMs }: { readonly refusals: number; readonly restMs: number | null },
): Promise<number | null> {
  const { clock, report } = run.deps;
  switch (outcome.refusal) {
    case 'rate_limited': {
      const asked = outcome.error instanceof ProviderError ? outcome.error.retryAfterMs : null;
      const ms = restMs ?? backoffMs(UPLOAD_BACKOFF, refusals + 1, clock.random(), asked);
      report({
        kind: 'waiting',
        why: `the API takes no more batches for now: ${outcome.error.why ?? 'rate limit'}`,
        ms,
      });
      return ms;
    }
    case 'too_large':
      await splitShard(run, shard);
      return null;
    case 'spend_cap':
      throw new DecisionError(
        `shard ${shard.number} of job ${run.job.jobId} was not submitted: the account’s spend limit is reached`,
        {
          code: 'spend_limit',
          why: outcome.error.why ?? outcome.error.message,
          next: `raise the limit in the Console or wait for the next month, then batchctl resume ${run.job.jobId}; waiting alone does not help`,
          cause: outcome.error,
        },
      );
    case 'broken':
    case 'overloaded':
      throw new ProviderError(`shard ${shard.number} of job ${run.job.jobId} was not submitted`, {
        code: 'upload_failed',
        why: `${outcome.error.why ?? outcome.error.message}; ${TRIES} tries, the last reached byte ${outcome.bytesSent} of ${shard.bodyBytes}; provably no batch was created`,
        next: `batchctl resume ${run.job.jobId}, or a smaller --max-shard-mb for a slow line`,
        status: null,
        retryable: true,
        cause: outcome.error,
      });
    case 'auth':
      throw outcome.error;
    case 'refused':
      throw await nameRefusedRequest(run, shard, outcome.error);
    default:
      return outcome.refusal satisfies never;
  }
}
