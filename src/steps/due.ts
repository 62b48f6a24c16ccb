import { backoffMs, POLL_BACKOFF } from '../core/backoff.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Waiting } from './queue-room.ts';
import type { Wait } from './schedule.ts';

/** When things of a run are due, in this machine's monotonic time. Infinity: not before something else happens. */
export interface Due {
  lookMs: number;
  submitMs: number;
  failedLooks: number;
  refusals: number;
  /** Something waited for the shards that go first when the last ones were sent. */
  isHeldBack: boolean;
  /** What waits for room in the account's queue. */
  queue: Waiting | null;
  /** Since when something does; null: nothing did when shards were last sent. */
  queueSinceMs: number | null;
}

/** Everything is due at once. */
export function startDue(nowMs: number): Due {
  const none = { failedLooks: 0, refusals: 0, isHeldBack: false, queue: null, queueSinceMs: null };
  return { lookMs: nowMs, submitMs: nowMs, ...none };
}

/** Results that could not be had are asked for again, less and less often. */
export function pauseAfter(due: Due, clock: Pick<Clock, 'monotonicMs' | 'random'>): void {
  due.failedLooks += 1;
  const ms = backoffMs(POLL_BACKOFF, due.failedLooks, clock.random());
  due.lookMs = Math.max(due.lookMs === Number.POSITIVE_INFINITY ? 0 : due.lookMs, clock.monotonicMs() + ms);
}

/** What the next look depends on, and what is told of the wait until then. */
export function waitOf(
  { queue, queueSinceMs, submitMs }: Due,
  intervalMs: number | null,
  doubtLookMs: number | null,
): Wait {
  const isQueued = queue?.wait.about === 'queue' && queueSinceMs !== null;
  const room = isQueued ? { inFlight: queue.wait.inFlight, sinceMs: queueSinceMs, submitMs } : null;
  return { intervalMs, doubtLookMs, room };
}
