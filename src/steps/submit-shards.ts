import { backoffMs, UPLOAD_BACKOFF } from '../core/backoff.ts';
import { DecisionError, ProviderError, StoreError } from '../core/errors.ts';
import { shownStage } from '../core/job.ts';
import type { CreateOutcome } from '../core/ports/provider.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import type { Shard } from '../core/shard.ts';
import type { Budget, Hold } from './budget.ts';
import { isHeldBack, readGate } from './first-shards.ts';
import { nameRefusedRequest } from './name-refused-request.ts';
import type { Run } from './run.ts';
import { splitShard } from './split-shard.ts';
import { type SubmitOutcome, submitShard } from './submit-shard.ts';

/** Tries of one shard whose upload breaks before its seal; such a break is provably no batch. */
const TRIES = 4;

export interface Submitting {
  /** How long to wait before the rest may be tried; null when nothing is left to send, or only what a doubt holds back. */
  readonly waitMs: number | null;
  /** The job whose doubt holds an unsent shard back, which may be this one; null when none does. */
  readonly heldBy: string | null;
  /** What the budget holds back; null when it does not. */
  readonly hold: Hold | null;
}

/**
 * Sends the job's unsent shards one after another. A shard in doubt does not hold back the others, save one with the
 * same count: their batches could not be told apart in a listing. One that the budget has no room for holds back the rest.
 *
 * @throws ProviderError, AuthError, DecisionError when sending on makes no sense; what was sent stays sent.
 */
export async function submitShards(
  run: Run,
  refusals: number,
  budget: Budget | null,
  signal: AbortSignal,
): Promise<Submitting> {
  const { store, report } = run.deps;
  for (;;) {
    const views = await store.shards(run.job.id);
    // Numbers go on after a split.
    const { shard, heldBy } = await nextUnsent(run, views);
    if (shard === null) return { waitMs: null, heldBy, hold: null };
    const hold = (await budget?.holdOf(shard, views, signal)) ?? null;
    if (hold !== null) return { waitMs: null, heldBy, hold };
    const shards = Math.max(
      ...views.map((view) => (view.shard.stageId === shard.stageId ? view.shard.number : 0)),
    );
    const stage = shownStage(run.job, shard.stage);
    signal.throwIfAborted();
    const outcome = await sendPatiently(run, shard, shards, signal);
    if (outcome === null) return { waitMs: null, heldBy: null, hold: null };
    switch (outcome.kind) {
      case 'created':
        report({
          kind: 'created',
          stage,
          shard: shard.number,
          shards,
          batchId: outcome.batch.id,
          requests: shard.requests,
        });
        break;
      case 'unknown':
        report({
          kind: 'in_doubt',
          stage,
          shard: shard.number,
          shards,
          requests: shard.requests,
          why: outcome.reason,
          settleMs: run.settleMs,
        });
        if (outcome.batch !== null) {
          const { number, requests } = shard;
          report({ kind: 'provisional', shard: number, requests, batchIds: [outcome.batch.id] });
        }
        break;
      case 'late_batch':
        report({
          kind: 'notice',
          text: `a batch of an earlier attempt of shard ${shard.number} has appeared; nothing was sent`,
        });
        break;
      case 'not_created': {
        const waitMs = await handleRefusal(run, shard, outcome, refusals);
        if (waitMs !== null) return { waitMs, heldBy, hold: null };
        break;
      }
      default:
        outcome satisfies never;
    }
  }
}

interface Unsent {
  readonly shard: Shard | null;
  readonly heldBy: string | null;
}

async function nextUnsent(run: Run, views: readonly ShardView[]): Promise<Unsent> {
  const { store, provider } = run.deps;
  const gate = await readGate(run.job.id, views, store);
  let heldBy: string | null = null;
  for (const view of views) {
    const { shard } = view;
    if (shard.state !== 'built' || shard.route !== 'batch' || isHeldBack(view, gate)) continue;
    const twin = await store.jobInDoubt(provider.account, shard.requests, shard.id);
    if (twin === null) return { shard, heldBy };
    heldBy = twin;
  }
  return { shard: null, heldBy };
}

/** Null: another process has canceled the job while the shard was uploaded, so the store refused the seal. */
async function submitUnlessCanceled(
  run: Run,
  shard: Shard,
  shards: number,
  signal: AbortSignal,
): Promise<SubmitOutcome | null> {
  try {
    return await submitShard(run, shard, shards, signal);
  } catch (error) {
    if (!(error instanceof StoreError) || !(error.code === 'seal_lost' || error.code === 'not_ready'))
      throw error;
    if ((await run.deps.store.jobById(run.job.id)).cancelRequestedAt === null) throw error;
    return null;
  }
}

/** Repeats what broke, or was turned away, before the tail had left. Null as above. */
async function sendPatiently(
  run: Run,
  shard: Shard,
  shards: number,
  signal: AbortSignal,
): Promise<SubmitOutcome | null> {
  const { clock, report } = run.deps;
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await submitUnlessCanceled(run, shard, shards, signal);
    signal.throwIfAborted();
    if (outcome === null) return null;
    const mayRepeat =
      outcome.kind === 'not_created' && (outcome.refusal === 'broken' || outcome.refusal === 'overloaded');
    if (!mayRepeat || attempt === TRIES) return outcome;
    const ms = backoffMs(UPLOAD_BACKOFF, attempt, clock.random());
    const why = `shard ${shard.number}: ${outcome.error.why ?? outcome.error.message}, after ${outcome.bytesSent} of ${shard.bodyBytes} bytes; provably no batch`;
    report({ kind: 'waiting', why, ms });
    await clock.sleep(ms, signal);
    signal.throwIfAborted();
  }
}

/** Null: go on at once. A number: wait that long, then go on. */
async function handleRefusal(
  run: Run,
  shard: Shard,
  outcome: CreateOutcome & { readonly kind: 'not_created' },
  refusals: number,
): Promise<number | null> {
  const { clock, report } = run.deps;
  switch (outcome.refusal) {
    case 'rate_limited': {
      const asked = outcome.error instanceof ProviderError ? outcome.error.retryAfterMs : null;
      const ms = backoffMs(UPLOAD_BACKOFF, refusals + 1, clock.random(), asked);
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
