import { expect, it } from 'vitest';
import { ProviderError } from '../../src/core/errors.ts';
import { runJob } from '../../src/steps/run-job.ts';
import { makeManualClock } from '../support/manual-clock.ts';
import { FAST, makeWorkbench } from '../support/workbench.ts';

const HOUR = 60 * 60_000;

it('an API that is out of reach for 20 hours is waited out with looks five minutes apart, and the job is done after', async () => {
  const bench = await makeWorkbench({ batchSeconds: 0.01 });
  const job = await bench.build(12);
  await bench.run(job, { until: 'submitted' });
  const clock = makeManualClock({ startAt: new Date().toISOString(), autoAdvance: true });
  let refused = 0;
  const deps = {
    ...bench.deps,
    clock,
    provider: {
      ...bench.deps.provider,
      listBatches: (...args: Parameters<typeof bench.deps.provider.listBatches>) => {
        if (clock.monotonicMs() > 20 * HOUR) return bench.deps.provider.listBatches(...args);
        refused += 1;
        const status = [429, 500, 529, null][refused % 4] ?? null;
        const why = status === null ? 'getaddrinfo ENOTFOUND' : `the API answered ${status}`;
        const error = { code: 'unavailable', status, retryable: true, why, next: 'again' };
        return Promise.reject(new ProviderError('the list of batches', error));
      },
    },
  };
  const options = { ...FAST, settleMs: 900_000, intervalMs: null, maxWaitMs: null };
  const { job: ended } = await runJob(job, options, deps, new AbortController().signal);
  expect(ended.state).toBe('done');
  // Each look tries four times; between looks a quarter of the five minutes at most is chance.
  const looks = refused / 4;
  expect(looks).toBeGreaterThan((20 * HOUR) / 310_000);
  expect(looks).toBeLessThan((20 * HOUR) / 225_000 + 10);
  expect(Math.max(...clock.sleeps)).toBeLessThanOrEqual(300_000);
  expect((await bench.truth()).posts).toHaveLength(1);
});
