import { WATCH_REJECTED_MS } from '../core/doubt.ts';
import { AuthError, ProviderError, StoreError } from '../core/errors.ts';
import { shownStage } from '../core/job.ts';
import { shardPath } from '../core/ports/files.ts';
import type { CreateOutcome } from '../core/ports/provider.ts';
import type { JobStore } from '../core/ports/store.ts';
import type { QueueWait } from '../core/queue.ts';
import type { Shard } from '../core/shard.ts';
import type { Submission } from '../core/submission.ts';
import { type FenceMemory, startFences } from './fence-memory.ts';
import { QueueRoom } from './queue-room.ts';
import type { Run } from './run.ts';
import { jobReachMs, requireUnsent } from './sent-elsewhere.ts';
import { writeSent } from './sent-log.ts';
import { LateBatchFound, takeFence } from './take-fence.ts';
import { walkBatches } from './walk-batches.ts';
import { writeReceipt } from './write-receipt.ts';

/** The tail follows its seal within this, on both clocks, or not at all: a process that slept may have been replaced. */
const SEAL_FRESH_MS = 5_000;

/** Without an answer for so long, the user is told what is being waited for. */
const SILENCE_MS = 10_000;

/**
 * `late_batch`: the batch of an earlier attempt appeared, so nothing was sent and that attempt is in doubt again. `no_room`:
 * nothing was begun.
 */
export type SubmitOutcome =
  | CreateOutcome
  | { readonly kind: 'late_batch' }
  | { readonly kind: 'no_room'; readonly wait: QueueWait };

/** What the creates of one run know of each other. */
export interface Sending {
  readonly fences: FenceMemory;
  readonly room: QueueRoom;
}

/**
 * One POST of one shard: intent, effect, outcome. The seal is the intent; its commit comes before the last two bytes, the
 * commit of the batch id before anything is said about it. Nothing here repeats.
 *
 * A crash before the seal leaves nothing at the API; after it, a sealed submission that the next run puts in doubt.
 */
export async function submitShard(
  run: Run,
  shard: Shard,
  shards: number,
  signal: AbortSignal,
  { fences, room }: Sending = { fences: startFences(), room: new QueueRoom(run, null) },
): Promise<SubmitOutcome> {
  const { store, files, clock, provider, report } = run.deps;
  const lock = await run.deps.locks.lockSealing(signal, (holder) =>
    report({
      kind: 'notice',
      text: `another submission of this workspace is under way (${holder}); waiting for it`,
    }),
  );
  try {
    // Another process may have filled the queue while this one waited for the lock.
    const wait = await room.findWait(shard);
    if (wait !== null) return { kind: 'no_room', wait };
    const uploadStartedMs = run.time.nowMs();
    const earlier = await store.watched(provider.account, uploadStartedMs);
    const submission = await store.startSubmission(shard.id, provider.account, uploadStartedMs);
    const path = shardPath(files.requestsDir(run.job.jobId), shard.stage, shard.number);
    const answered = new AbortController();
    const outcome = await provider
      .createBatch(
        {
          apiVersion: run.job.spec.apiVersion,
          requests: shard.requests,
          bodyBytes: shard.bodyBytes,
          head: () => files.body(path, shard),
          beforeTail: async () => {
            const fence = await takeFence(
              run,
              uploadStartedMs,
              earlier.filter((one) => one.shardId === shard.id),
              signal,
              fences,
            );
            await requireUnsentByCopy(run, shard, signal);
            signal.throwIfAborted();
            // Both clocks before the commit: a machine that sleeps during it must not take the seal for a fresh one, or its
            // batch would be dated hours after the seal, where no listing looks for it.
            const isFresh = freshness(clock.monotonicMs(), clock.now().getTime(), run);
            const sealedMs = run.time.nowMs();
            await store.seal(submission.id, { sealedMs, fence });
            const standing = await store.standing(run.job.id);
            const { account } = provider;
            writeSent(files, { jobId: run.job.jobId, standing, shard, submission, sealedMs, fence, account });
            void tellOfSilence(run, shard, answered.signal);
            return isFresh;
          },
          onProgress: (bytesSent) =>
            report({
              kind: 'uploading',
              stage: shownStage(run.job, shard.stage),
              shard: shard.number,
              shards,
              requests: shard.requests,
              bytesSent,
              bytes: shard.bodyBytes,
            }),
        },
        signal,
      )
      .catch((error: unknown) => abort(run, submission, error))
      .finally(() => answered.abort());
    return await record(run, shard, submission, withoutEarlier(outcome, fences), room);
  } finally {
    lock.release();
  }
}

/** A batch that was listed before the tail left is not what the tail made, whatever the answer says. */
function withoutEarlier(outcome: SubmitOutcome, { seen }: FenceMemory): SubmitOutcome {
  if (outcome.kind !== 'created' && outcome.kind !== 'unknown') return outcome;
  if (outcome.batch === null || !seen.has(outcome.batch.id)) return outcome;
  const reason = `the answer named ${outcome.batch.id}, which was there before the shard was sent`;
  if (outcome.kind === 'unknown') return { ...outcome, batch: null, reason };
  return { kind: 'unknown', batch: null, reason, status: 200, requestId: outcome.stamp.requestId };
}

/** In a store that is a copy the other one may be at work: looked for again before each seal, not only once a run. */
async function requireUnsentByCopy(run: Run, shard: Shard, signal: AbortSignal): Promise<void> {
  if (!(await run.deps.store.standing(run.job.id)).isMoved) return;
  const walk = await walkBatches(run, () => jobReachMs(run), signal);
  await requireUnsent(run, [shard], new Set(), walk, signal);
}

/** The answer to a large create takes its time; one that does not come is waited for, because it may name a paid batch. */
async function tellOfSilence(
  { deps: { clock, report } }: Run,
  shard: Shard,
  answered: AbortSignal,
): Promise<void> {
  await clock.sleep(SILENCE_MS, answered);
  if (answered.aborted) return;
  const text = `shard ${shard.number} has been sent whole; waiting for the answer of the API, at most 15 minutes`;
  report({ kind: 'notice', text });
}

function freshness(sealedMonotonicMs: number, sealedWallMs: number, run: Run): () => boolean {
  const { clock } = run.deps;
  return () =>
    clock.monotonicMs() - sealedMonotonicMs < SEAL_FRESH_MS &&
    Math.abs(clock.now().getTime() - sealedWallMs) < SEAL_FRESH_MS;
}

/** What `beforeTail` or the shard file threw: the tail was not sent, so nothing was created. */
async function abort(run: Run, submission: Submission, error: unknown): Promise<SubmitOutcome> {
  const { store } = run.deps;
  const why = error instanceof Error ? error.message : String(error);
  // The store may be what failed; then the next run finds the submission as it was left, which is as safe.
  await store.abortSubmission(submission.id, why).catch(() => undefined);
  if (error instanceof LateBatchFound) {
    const facts = { reason: error.message, status: null, requestId: null };
    await store.doubtSubmission(error.submissionId, facts);
    return { kind: 'late_batch' };
  }
  // The fence could not be taken: as good a reason to try again as a connection that broke.
  if (error instanceof ProviderError && error.retryable) {
    return { kind: 'not_created', tailSent: false, bytesSent: 0, refusal: 'broken', error };
  }
  throw error;
}

/** Commits what came of the send, and says what that is: an id that is another batch's proves nothing. */
async function record(
  run: Run,
  shard: Shard,
  submission: Submission,
  outcome: SubmitOutcome,
  room: QueueRoom,
): Promise<SubmitOutcome> {
  const { store } = run.deps;
  switch (outcome.kind) {
    case 'created': {
      const recorded = await recordCreated(run, shard, submission, outcome);
      await room.sent(shard);
      return recorded;
    }
    case 'unknown':
      await store.doubtSubmission(submission.id, { ...outcome, candidate: outcome.batch });
      await room.sent(shard);
      return outcome;
    case 'not_created': {
      const queue = outcome.refusal === 'rate_limited' ? await room.refused(outcome.error) : null;
      if (outcome.tailSent)
        await store.rejectSubmission(submission.id, { ...rejection(run, outcome.error), queue });
      // May be said twice: `abort` has said it already when the fence failed.
      else await store.abortSubmission(submission.id, outcome.error.why ?? outcome.error.message);
      return outcome;
    }
    case 'late_batch':
    case 'no_room':
      return outcome;
    default:
      return outcome satisfies never;
  }
}

function rejection(run: Run, error: ProviderError | AuthError): Parameters<JobStore['rejectSubmission']>[1] {
  const isAuth = error instanceof AuthError;
  return {
    status: isAuth ? 401 : (error.status ?? 0),
    requestId: isAuth ? null : error.requestId,
    reason: error.why ?? error.message,
    watchUntilMs: run.time.nowMs() + WATCH_REJECTED_MS,
  };
}

/** The id of a paid batch goes to two places that fail apart, and to the user when both do. */
async function recordCreated(
  run: Run,
  shard: Shard,
  submission: Submission,
  outcome: CreateOutcome & { readonly kind: 'created' },
): Promise<SubmitOutcome> {
  const { store, files, provider } = run.deps;
  const { batch, stamp } = outcome;
  const facts = { jobId: run.job.jobId, shard, batch, account: provider.account };
  try {
    await store.recordBatch(submission.id, batch, stamp);
  } catch (error) {
    if (error instanceof StoreError && error.code === 'batch_known') {
      const reason = `the answer named ${batch.id}, which is another submission’s`;
      return { kind: 'unknown', batch: null, reason, status: 200, requestId: stamp.requestId };
    }
    let saved = 'its id is in .batchctl/receipts.jsonl';
    try {
      writeReceipt(files, facts);
    } catch {
      saved = 'its id could not be saved anywhere: note it down';
    }
    throw new StoreError(`batch ${batch.id} was created but could not be recorded`, {
      code: 'batch_not_recorded',
      why: `${error instanceof Error ? error.message : String(error)}; ${saved}`,
      next: `mend the disk, then batchctl resume ${run.job.jobId}: the batch is found again, nothing is sent twice`,
      cause: error,
    });
  }
  writeReceipt(files, facts);
  return outcome;
}
