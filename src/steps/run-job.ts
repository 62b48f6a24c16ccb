import { backoffMs, POLL_BACKOFF, pollIntervalMs } from '../core/backoff.ts';
import { hasEnded } from '../core/batch.ts';
import { ProviderError } from '../core/errors.ts';
import { isEmulatorAccount, isFinal, type Job } from '../core/job.ts';
import type { ShardView } from '../core/ports/store.ts';
import { checkBeforeFirst } from './check-before-first.ts';
import type { Deps } from './deps.ts';
import { hasOpenBatches, lookAtBatches } from './look-at-batches.ts';
import { requireDecision } from './require-decision.ts';
import { retrieveJob } from './retrieve-results.ts';
import type { Run } from './run.ts';
import { createServerTime } from './server-time.ts';
import { submitShards } from './submit-shards.ts';

export interface RunOptions {
  /** Whether unsent shards go out. */
  readonly submit: boolean;
  /** `submitted`: until each shard has a batch, proven or provisional. `once`: one round. `final`: until all is written. */
  readonly until: 'submitted' | 'final' | 'once';
  /** How long absence takes to prove after a lost answer, in server time. */
  readonly settleMs: number;
  /** Fixes the interval of the looks; null: it grows with the age of the batches. */
  readonly intervalMs: number | null;
  /** Null: until 15 minutes past the last `expires_at`. */
  readonly maxWaitMs: number | null;
}

export interface RunOutcome {
  readonly job: Job;
  /** Work is left for a later run. */
  readonly pending: boolean;
}

const PAST_EXPIRY_MS = 15 * 60_000;
/** A batch without an expiry to wait for: one in doubt, whose own would be 24 hours after its seal. */
const LONGEST_BATCH_MS = 24 * 60 * 60_000;
/** The emulator's batches last seconds. */
const EMULATOR_INTERVAL_MS = 400;

/**
 * Carries a job on from wherever it stopped. The caller holds the job's lock. Every round first sends what may be sent,
 * then looks, then takes what has ended; killed anywhere, the next call goes on from what is committed.
 *
 * @throws DecisionError when only a doubt that the user must settle is left; ProviderError, AuthError, StoreError.
 */
export async function runJob(
  job: Job,
  options: RunOptions,
  deps: Deps,
  signal: AbortSignal,
): Promise<RunOutcome> {
  const { store, clock, provider } = deps;
  const run: Run = { job, deps, time: createServerTime(clock), settleMs: options.settleMs };
  await store.settleAfterCrash(job.id);
  if (options.submit) await store.requestSubmission(job.id, provider.account, clock.now());
  const startedMs = clock.monotonicMs();
  let lookAtMs = startedMs;
  let failedLooks = 0;
  let refusals = 0;
  for (;;) {
    signal.throwIfAborted();
    let submitAtMs = Number.POSITIVE_INFINITY;
    if (options.submit && job.cancelRequestedAt === null) {
      const before = await store.shards(job.id);
      await checkBeforeFirst(run, before, signal);
      if (!hasOpenBatches(before)) lookAtMs = Number.POSITIVE_INFINITY;
      const { waitMs } = await submitShards(run, refusals, signal);
      refusals = waitMs === null ? 0 : refusals + 1;
      if (waitMs !== null) submitAtMs = clock.monotonicMs() + waitMs;
    }
    if (clock.monotonicMs() >= lookAtMs && hasOpenBatches(await store.shards(job.id))) {
      try {
        const { doubtLookMs } = await lookAtBatches(run, signal);
        failedLooks = 0;
        lookAtMs = await nextLookAt(run, options, doubtLookMs);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof ProviderError) || !error.retryable || options.until === 'once') throw error;
        failedLooks += 1;
        const ms = backoffMs(POLL_BACKOFF, failedLooks, clock.random(), error.retryAfterMs);
        deps.report({
          kind: 'waiting',
          why: `${error.message} (${error.why ?? 'no cause given'}); the batches go on`,
          ms,
        });
        lookAtMs = clock.monotonicMs() + ms;
      }
    }
    await retrieveJob(run, signal);
    const fresh = await store.jobById(job.id);
    if (isFinal(fresh.state)) return { job: fresh, pending: false };
    const views = await store.shards(job.id);
    await requireDecision(run, views, options.until);
    if (options.until === 'once') return { job: fresh, pending: true };
    if (options.until === 'submitted' && views.every(isUnderWay)) return { job: fresh, pending: true };
    if (lookAtMs === Number.POSITIVE_INFINITY)
      lookAtMs = await nextLookAt(run, options, await firstDoubtLook(run));
    if (isPastWait(run, views, options, clock.monotonicMs() - startedMs))
      return { job: fresh, pending: true };
    await clock.sleep(Math.max(0, Math.min(lookAtMs, submitAtMs) - clock.monotonicMs()), signal);
  }
}

/** A doubt without a look yet wants one now. */
async function firstDoubtLook(run: Run): Promise<number | null> {
  const doubts = await run.deps.store.doubts(run.job.id);
  return doubts.some((one) => one.state === 'in_doubt') ? run.time.nowMs() : null;
}

/** In this machine's monotonic time; tells the user when. */
async function nextLookAt(run: Run, options: RunOptions, doubtLookMs: number | null): Promise<number> {
  const { clock, provider, report, store } = run.deps;
  const open = (await store.shards(run.job.id)).filter((view) => view.shard.state === 'live');
  const waiting = open.filter((view) => view.batch !== null && !hasEnded(view.batch));
  const nowMs = run.time.nowMs();
  const created = waiting.map((view) => Date.parse(view.batch?.createdAt ?? ''));
  const grown = isEmulatorAccount(provider.account)
    ? EMULATOR_INTERVAL_MS
    : pollIntervalMs(nowMs - Math.max(...created, 0), clock.random());
  const intervalMs = options.intervalMs ?? grown;
  const nextMs = Math.max(0, Math.min(intervalMs, (doubtLookMs ?? Number.POSITIVE_INFINITY) - nowMs));
  report({
    kind: 'polled',
    pending: open.length,
    ended: open.length - waiting.length,
    requests: open.reduce((sum, view) => sum + view.shard.requests, 0),
    elapsedMs: created.length === 0 ? 0 : Math.max(0, nowMs - Math.min(...created)),
    nextLookMs: nextMs,
  });
  return clock.monotonicMs() + nextMs;
}

function isUnderWay(view: ShardView): boolean {
  if (view.shard.state === 'built') return false;
  return (
    view.shard.state !== 'live' ||
    view.batch !== null ||
    view.candidates.some((one) => one.verdict === 'provisional')
  );
}

function isPastWait(run: Run, views: readonly ShardView[], options: RunOptions, elapsedMs: number): boolean {
  if (options.maxWaitMs !== null) return elapsedMs >= options.maxWaitMs;
  const ends = views.flatMap((view) => {
    if (view.shard.state !== 'live') return [];
    if (view.batch !== null) return [Date.parse(view.batch.expiresAt)];
    return [(view.submission?.sealedMs ?? run.time.nowMs()) + LONGEST_BATCH_MS];
  });
  return ends.length > 0 && run.time.nowMs() > Math.max(...ends) + PAST_EXPIRY_MS;
}
