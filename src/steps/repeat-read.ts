import { backoffMs, READ_BACKOFF } from '../core/backoff.ts';
import { ProviderError } from '../core/errors.ts';
import type { Clock } from '../core/ports/clock.ts';

const TRIES = 4;
/** A server that asks for a longer wait than this gets its error shown instead. */
const LONGEST_WAIT_MS = 60_000;

/** Repeats a call that may be repeated freely: a read, a cancel. Never a create. */
export async function repeatRead<T>(run: () => Promise<T>, clock: Clock, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ProviderError) || !error.retryable || attempt === TRIES) throw error;
      if ((error.retryAfterMs ?? 0) > LONGEST_WAIT_MS) throw error;
      await clock.sleep(backoffMs(READ_BACKOFF, attempt, clock.random(), error.retryAfterMs), signal);
      signal.throwIfAborted();
    }
  }
}
