import { pollIntervalMs } from '../core/backoff.ts';
import { hasEnded } from '../core/batch.ts';
import { isEmulatorAccount } from '../core/job.ts';
import type { QueuedFor } from '../core/ports/progress.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import { pollBudgetOf } from './poll-budget.ts';
import type { Run } from './run.ts';

const PAST_EXPIRY_MS = 15 * 60_000;
/** A batch without an expiry to wait for: one in doubt, whose own would be 24 hours after its seal. */
const LONGEST_BATCH_MS = 24 * 60 * 60_000;
/** The emulator's batches last seconds. */
export const EMULATOR_INTERVAL_MS = 400;

/** What is known of the wait when the next look is set. */
export interface Wait {
  /** Fixed by the user; null: it grows with the age of the batches. */
  readonly intervalMs: number | null;
  /** When a doubt wants a listing, in server time. */
  readonly doubtLookMs: number | null;
  /** The unsent shards wait for room, since then; tried all the same at `submitMs`. In this machine's monotonic time. */
  readonly room: { readonly inFlight: number; readonly sinceMs: number; readonly submitMs: number } | null;
}

/** When to look next, in this machine's monotonic time; tells the user. */
export async function nextLookAt(run: Run, { intervalMs, doubtLookMs, room }: Wait): Promise<number> {
  const { clock, provider, report, store } = run.deps;
  const views = await store.shards(run.job.id);
  const open = views.filter((view) => view.shard.state === 'live');
  const known = open.filter((view) => view.batch !== null);
  const waiting = known.filter((view) => view.batch !== null && !hasEnded(view.batch));
  const nowMs = run.time.nowMs();
  const created = waiting.map((view) => Date.parse(view.batch?.createdAt ?? ''));
  const grown = isEmulatorAccount(provider.account)
    ? EMULATOR_INTERVAL_MS
    : pollIntervalMs(nowMs - Math.max(...created, 0), clock.random());
  const doubtMs = (doubtLookMs ?? Number.POSITIVE_INFINITY) - nowMs;
  // Whatever the interval, the calls of a minute must do. The listings of a doubt have times of their own.
  const roomMs = pollBudgetOf(run.deps).nextLookMs() - clock.monotonicMs();
  const nextMs = Math.max(0, Math.min(Math.max(intervalMs ?? grown, roomMs), doubtMs));
  report({
    kind: 'polled',
    pending: known.length,
    ended: known.length - waiting.length,
    doubts: open.length - known.length,
    requests: known.reduce((sum, view) => sum + view.shard.requests, 0),
    elapsedMs: created.length === 0 ? 0 : Math.max(0, nowMs - Math.min(...created)),
    nextLookMs: nextMs,
    ...(room === null ? {} : { room: toldRoom(room, views, clock.monotonicMs()) }),
  });
  return clock.monotonicMs() + nextMs;
}

function toldRoom(
  { inFlight, sinceMs, submitMs }: NonNullable<Wait['room']>,
  views: readonly ShardView[],
  nowMs: number,
): QueuedFor {
  const unsent = views.filter(({ shard }) => shard.state === 'built' && shard.route === 'batch');
  return {
    requests: unsent.reduce((sum, { shard }) => sum + shard.requests, 0),
    inFlight,
    waitedMs: nowMs - sinceMs,
    nextTryMs: Number.isFinite(submitMs) ? Math.max(0, submitMs - nowMs) : null,
  };
}

/** A doubt without a look yet wants one now. */
export async function firstDoubtLook(run: Run): Promise<number | null> {
  const doubts = await run.deps.store.doubts(run.job.id);
  return doubts.some((one) => one.state === 'in_doubt') ? run.time.nowMs() : null;
}

/** Its batch exists, proven or provisional, or it never has one, or nothing more will happen to it. */
export function isUnderWay(view: ShardView): boolean {
  if (view.shard.state === 'built') return view.shard.route !== 'batch';
  return (
    view.shard.state !== 'live' ||
    view.batch !== null ||
    view.candidates.some((one) => one.verdict === 'provisional')
  );
}

/** `maxWaitMs` null: until 15 minutes past the last `expires_at`. */
export function isPastWait(
  run: Run,
  views: readonly ShardView[],
  maxWaitMs: number | null,
  elapsedMs: number,
): boolean {
  if (maxWaitMs !== null) return elapsedMs >= maxWaitMs;
  const ends = views.flatMap((view) => {
    if (view.shard.state !== 'live') return [];
    if (view.batch !== null) return [Date.parse(view.batch.expiresAt)];
    return [(view.submission?.sealedMs ?? run.time.nowMs()) + LONGEST_BATCH_MS];
  });
  return ends.length > 0 && run.time.nowMs() > Math.max(...ends) + PAST_EXPIRY_MS;
}
