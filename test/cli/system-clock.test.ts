import { expect, test } from 'vitest';
import { systemClock } from '../../src/cli/system-clock.ts';

test('a sleep is never short of its length, not by a fraction of a millisecond', async () => {
  const never = new AbortController().signal;
  for (let ms = 0.1; ms < 12; ms += 0.13) {
    const startedMs = systemClock.monotonicMs();
    await systemClock.sleep(ms, never);
    expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(startedMs + ms);
  }
});

test('a sleep longer than a timer can be set to ends when its signal fires, and not before', async () => {
  const aborter = new AbortController();
  let hasEnded = false;
  const sleep = systemClock.sleep(2 ** 40, aborter.signal).then(() => {
    hasEnded = true;
  });
  await systemClock.sleep(5, new AbortController().signal);
  expect(hasEnded).toBe(false);
  aborter.abort();
  await sleep;
  await systemClock.sleep(2 ** 40, aborter.signal); // fired already: it ends at once
});
