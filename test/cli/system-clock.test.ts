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

test('a sleep of nothing lets in what waits, and takes less than half of what the shortest timer does', async () => {
  const never = new AbortController().signal;
  const timeOf = async (ms: number): Promise<number> => {
    const startedMs = systemClock.monotonicMs();
    for (let count = 0; count < 200; count += 1) await systemClock.sleep(ms, never);
    return systemClock.monotonicMs() - startedMs;
  };
  let isIn = false;
  process.once('SIGUSR2', () => {
    isIn = true;
  });
  process.kill(process.pid, 'SIGUSR2');
  expect(await timeOf(0)).toBeLessThan((await timeOf(0.5)) / 2);
  expect(isIn).toBe(true);
});
