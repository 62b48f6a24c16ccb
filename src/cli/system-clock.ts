import type { Clock } from '../core/ports/clock.ts';

/** Node fires a timer at once when it is set to more than this: 24.8 days. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's own time and chance: the one place that asks for either. */
export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  random: () => Math.random(),
  randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
  async sleep(ms, signal) {
    const dueMs = performance.now() + ms;
    // A timer counts whole milliseconds, so it may fire a little before its time: what is due would not be due yet.
    let left = ms;
    while (!signal.aborted) {
      await timer(Math.min(Math.ceil(left), LONGEST_TIMER_MS), signal);
      left = dueMs - performance.now();
      if (left <= 0) return;
    }
  },
};

function timer(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timeout);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timeout = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
