import { type AnswerOptions, DEFAULT_ANSWERING } from '../core/answering.ts';
import { backoffMs, POLL_BACKOFF } from '../core/backoff.ts';
import { ProviderError } from '../core/errors.ts';
import { isFinal, type Job, type JobMode, shownStage } from '../core/job.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import { answerShards } from './answer-shards.ts';
import { type Budget, openBudget } from './budget.ts';
import { checkBeforeFirst } from './check-before-first.ts';
import { checkReceipts } from './check-receipts.ts';
import { checkStanding } from './check-standing.ts';
import type { Deps } from './deps.ts';
import { type Due, pauseAfter, startDue, waitOf } from './due.ts';
import { isHeldBack, readGate } from './first-shards.ts';
import { hasOpenBatches, lookAtBatches } from './look-at-batches.ts';
import { mendReceipts } from './mend-receipts.ts';
import { type DecidePilot, passGate } from './pass-gate.ts';
import { openBatches } from './poll-batches.ts';
import { pollBudgetOf } from './poll-budget.ts';
import { QueueRoom } from './queue-room.ts';
import { requireBudget } from './require-budget.ts';
import { requireDecision } from './require-decision.ts';
import { requireHome } from './require-home.ts';
import { requireProgress } from './require-progress.ts';
import { retrieveJob } from './retrieve-results.ts';
import { type Run, startRun } from './run.ts';
import { firstDoubtLook, isPastWait, isUnderWay, nextLookAt } from './schedule.ts';
import { type Limits, type Submitting, submitShards } from './submit-shards.ts';
import { takeBackRetried } from './take-back.ts';
import { hasRoomNow, requireFits, requireMoving, tellUnsent } from './wait-for-room.ts';

export interface RunOptions {
  /** Whether unsent shards go out. */
  readonly submit: boolean;
  /** How the requests of a job go that was never submitted; one that was keeps its way. */
  readonly mode: JobMode;
  /** `submitted`: until each shard has a batch, proven or provisional. `once`: one round. `final`: until all is written. */
  readonly until: 'submitted' | 'final' | 'once';
  /** How long absence takes to prove after a lost answer, in server time. */
  readonly settleMs: number;
  /** Fixes the interval of the looks; null: it grows with the age of the batches. */
  readonly intervalMs: number | null;
  /** Null: until 15 minutes past the last `expires_at`. */
  readonly maxWaitMs: number | null;
  /** So many requests of the account may be in batches at once, of all jobs; absent or null: as many as the API takes. */
  readonly maxInFlight?: number | null;
  /** How requests are asked that go one by one; those are left alone with `until: 'submitted'`. */
  readonly answering?: AnswerOptions;
  /** The same command carries the job on after this, and waits for what is not sent. */
  readonly isFollowed?: boolean;
  /** How it waits between its rounds, when nothing of it goes on in this process; absent: by the clock. */
  readonly sleep?: Deps['clock']['sleep'];
  /** Asked once a pilot is judged that does not let the rest go by itself. Absent: that is a DecisionError. */
  readonly decidePilot?: DecidePilot;
}

export interface RunOutcome {
  readonly job: Job;
  /** Work is left for a later run. */
  readonly pending: boolean;
}

/**
 * Carries a job on from wherever it stopped. The caller holds the job's lock. Every round first sends what may be sent,
 * then looks, then takes what has ended; killed anywhere, the next call goes on from what is committed.
 *
 * @throws DecisionError when only a doubt that the user must settle is left, the budget has no room for the rest, or nobody
 *   says whether the rest goes after a pilot; UsageError when a shard is larger than `maxInFlight`; ProviderError, AuthError,
 *   StoreError.
 */
export async function runJob(
  job: Job,
  options: RunOptions,
  deps: Deps,
  signal: AbortSignal,
): Promise<RunOutcome> {
  const { store, clock } = deps;
  const run = startRun(job, deps, options.settleMs);
  const room = new QueueRoom(run, options.maxInFlight ?? null);
  // Before anything is written: a damaged store is kept as it is.
  await store.checkSent();
  await requireHome(job, deps, signal);
  // Before the journal is brought up to this database, which may be an older copy: a rebuild needs what it tells.
  if (options.submit) await checkStanding(run);
  await store.settleAfterCrash(job.id);
  if (options.submit) await checkReceipts(run);
  if (options.submit && room.limit !== null) requireFits(run, await store.shards(job.id), room.limit);
  if (options.submit) await store.requestSubmission(job.id, deps.provider.account, options.mode, clock.now());
  await mendReceipts(run);
  await tellDoubts(run);
  let budget: Budget | null = null;
  const startedMs = clock.monotonicMs();
  const due = startDue(startedMs);
  for (;;) {
    signal.throwIfAborted();
    if (options.submit) budget ??= await openBudget(run);
    const submitting = options.submit ? await submitIfDue(run, options, due, { budget, room }, signal) : null;
    const isFreed = await lookIfDue(run, options, due, room, signal);
    const { unavailable, isAdvanced, applied } = await retrieveJob(run, signal);
    if (unavailable.length > 0) pauseAfter(due, clock);
    const hold = submitting?.hold ?? null;
    const isPassed = due.isHeldBack && (await passGate(run, options.decidePilot ?? null, signal));
    if ((isAdvanced && options.submit) || (hold !== null && applied > 0) || isPassed) {
      // New shards, and those that may go now, go out in the same run, before anything is waited for.
      due.isHeldBack = false;
      due.submitMs = Math.min(due.submitMs, clock.monotonicMs());
      continue;
    }
    if (due.queue !== null && (await hasRoomNow(room, due.queue))) {
      due.submitMs = clock.monotonicMs();
      continue;
    }
    // What never arrived goes out again now, not at the next look.
    if (isFreed && options.submit && due.submitMs <= clock.monotonicMs()) continue;
    const fresh = await store.jobById(job.id);
    if (isFinal(fresh.state)) return { job: fresh, pending: false };
    const all = await store.shards(job.id);
    const gate = await readGate(job.id, all, store);
    const views = all.filter((view) => !isHeldBack(view, gate));
    await requireDecision(run, views, options.until);
    requireProgress(run, views, submitting);
    if (due.queue !== null) await requireMoving(run, views);
    if (budget !== null && hold !== null)
      await requireBudget(run, budget, { hold, views: all, until: options.until }, signal);
    const isQueued = due.queue?.wait.about === 'queue';
    if (isQueued && options.until !== 'final' && options.isFollowed !== true) tellUnsent(run, views);
    if (options.until === 'once') return { job: fresh, pending: true };
    if (options.until === 'submitted' && (isQueued || views.every(isUnderWay)))
      return { job: fresh, pending: true };
    // Nothing is under way, and nothing will be before somebody submits.
    if (!options.submit && !views.some((view) => view.shard.state === 'live'))
      return { job: fresh, pending: true };
    if (due.lookMs === Number.POSITIVE_INFINITY) {
      due.lookMs = await nextLookAt(run, waitOf(due, options.intervalMs, await firstDoubtLook(run)));
    }
    const nowMs = clock.monotonicMs();
    if (isPastWait(run, views, options.maxWaitMs, nowMs - startedMs)) return { job: fresh, pending: true };
    const wakeMs = due.submitMs > nowMs ? Math.min(due.lookMs, due.submitMs) : due.lookMs;
    const sleep = options.sleep ?? clock.sleep.bind(clock);
    await sleep(Math.max(0, wakeMs - nowMs), signal);
  }
}

/** What an earlier run left in doubt, before the silence of settling it. */
async function tellDoubts(run: Run): Promise<void> {
  const views = await run.deps.store.shards(run.job.id);
  for (const submission of await run.deps.store.doubts(run.job.id)) {
    const shard = views.find((view) => view.shard.id === submission.shardId)?.shard;
    if (shard === undefined) continue;
    const { number, stage, requests } = shard;
    const why = submission.reason ?? 'its answer was lost';
    run.deps.report({
      kind: 'in_doubt',
      stage: shownStage(run.job, stage),
      shard: number,
      shards: views.length,
      requests,
      why,
      settleMs: run.settleMs,
    });
  }
}

async function submitIfDue(
  run: Run,
  options: RunOptions,
  due: Due,
  { budget, room }: Pick<Limits, 'budget' | 'room'>,
  signal: AbortSignal,
): Promise<Submitting | null> {
  const { store, clock } = run.deps;
  if (clock.monotonicMs() < due.submitMs) return null;
  due.queue = null;
  // Another process may have canceled the job meanwhile.
  if ((await store.jobById(run.job.id)).cancelRequestedAt !== null) return null;
  await takeBackRetried(run, signal);
  const before = await store.shards(run.job.id);
  await checkBeforeFirst(run, before, signal);
  const gate = await readGate(run.job.id, before, store);
  due.isHeldBack = before.some((view) => isHeldBack(view, gate));
  if (!hasOpenBatches(before)) due.lookMs = Number.POSITIVE_INFINITY;
  const submitting = await submitShards(run, { refusals: due.refusals, budget, room }, signal);
  const { waitMs, queue } = submitting;
  due.queue = queue;
  due.queueSinceMs = queue === null ? null : (due.queueSinceMs ?? clock.monotonicMs());
  due.refusals = waitMs === null || queue !== null ? 0 : due.refusals + 1;
  due.submitMs = clock.monotonicMs() + (waitMs ?? (queue === null ? 0 : Number.POSITIVE_INFINITY));
  // Batches of other jobs may have ended that nobody has looked at since.
  if (queue !== null) due.lookMs = Math.min(due.lookMs, clock.monotonicMs());
  // Batches first: they go on by themselves meanwhile.
  if (options.until === 'submitted') return submitting;
  const answering = { ...(options.answering ?? DEFAULT_ANSWERING), longestMs: options.maxWaitMs };
  const hold = await answerShards(run, answering, budget, signal);
  return { ...submitting, hold: submitting.hold ?? hold };
}

/** @returns whether a shard is to be sent that was not before: its batch is proven absent. */
async function lookIfDue(
  run: Run,
  options: RunOptions,
  due: Due,
  room: QueueRoom,
  signal: AbortSignal,
): Promise<boolean> {
  const { store, clock, report } = run.deps;
  if (clock.monotonicMs() < due.lookMs) return false;
  const before = await store.shards(run.job.id);
  const others = due.queue === null ? [] : await room.others();
  if (!hasOpenBatches(before) && others.length === 0) {
    // Nothing to look at, as when all that was sent has ended and the rest waits for room: not due again at once.
    due.lookMs = Number.POSITIVE_INFINITY;
    return false;
  }
  // A doubt has its own times. For any other look there may be no calls left, or another job's has shown the same just now.
  const wanted = [...openBatches(before), ...others];
  const roomMs = pollBudgetOf(run.deps).firstLookMs(wanted.map(({ id }) => id));
  if (roomMs > clock.monotonicMs() && (await firstDoubtLook(run)) === null) {
    due.lookMs = roomMs;
    return false;
  }
  try {
    const { doubtLookMs, gone } = await lookAtBatches(run, signal, others);
    for (const id of gone) room.gone(id);
    due.failedLooks = 0;
    due.lookMs = await nextLookAt(run, waitOf(due, options.intervalMs, doubtLookMs));
    return countUnsent(await store.shards(run.job.id)) > countUnsent(before);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ProviderError) || !error.retryable || options.until === 'once') throw error;
    due.failedLooks += 1;
    const ms = backoffMs(POLL_BACKOFF, due.failedLooks, clock.random(), error.retryAfterMs);
    const why = `${error.message} (${error.why ?? 'no cause given'}); the batches go on`;
    report({ kind: 'waiting', why, ms });
    due.lookMs = Math.max(clock.monotonicMs() + ms, pollBudgetOf(run.deps).nextLookMs());
    return false;
  }
}

function countUnsent(views: readonly ShardView[]): number {
  return views.filter((view) => view.shard.state === 'built' && view.shard.route === 'batch').length;
}
