import type { Clock } from '../../src/core/ports/clock.ts';

export interface ManualClock extends Clock {
  /** Moves time on and ends the sleeps that are due. */
  advance(ms: number): void;
  /** How long each sleep was asked to be, in order. */
  readonly sleeps: readonly number[];
}

/**
 * Time that moves only when told. With `autoAdvance` a sleep takes no time at all and moves the clock on by its length, so
 * that a day of polling is a test of milliseconds. Chance is a fixed sequence.
 */
export function makeManualClock(
  options: { readonly startAt?: string; readonly autoAdvance?: boolean } = {},
): ManualClock {
  const startMs = Date.parse(options.startAt ?? '2026-01-01T00:00:00Z');
  let elapsedMs = 0;
  let state = 1;
  const sleeps: number[] = [];
  const sleepers = new Set<{ readonly dueMs: number; readonly wake: () => void }>();

  // A linear congruential generator (Numerical Recipes' constants): the same numbers in every run.
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };

  const advance = (ms: number): void => {
    elapsedMs += ms;
    for (const sleeper of sleepers) {
      if (sleeper.dueMs > elapsedMs) continue;
      sleepers.delete(sleeper);
      sleeper.wake();
    }
  };

  return {
    sleeps,
    advance,
    now: () => new Date(startMs + elapsedMs),
    monotonicMs: () => elapsedMs,
    random,
    randomBytes: (length) => Uint8Array.from({ length }, () => Math.floor(random() * 256)),
    sleep(ms, signal) {
      sleeps.push(ms);
      if (signal.aborted) return Promise.resolve();
      if (options.autoAdvance) {
        advance(ms);
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        sleepers.add({ dueMs: elapsedMs + ms, wake: resolve });
        signal.addEventListener('abort', () => resolve());
      });
    },
  };
}
