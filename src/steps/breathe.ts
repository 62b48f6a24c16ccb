import type { Clock } from '../core/ports/clock.ts';

/**
 * Lets signals in, and the collector, between rows that are all worked on synchronously.
 *
 * @throws the signal's reason, once it is aborted.
 */
export async function breathe(clock: Pick<Clock, 'sleep'>, signal: AbortSignal): Promise<void> {
  await clock.sleep(0, signal);
  signal.throwIfAborted();
}
