import { expect, test } from 'vitest';
import { isPastWait } from '../../src/steps/schedule.ts';
import { createServerTime } from '../../src/steps/server-time.ts';
import { makeManualClock } from '../support/manual-clock.ts';
import { makeWorkbench } from '../support/workbench.ts';

const MINUTE_MS = 60_000;

test('a batch that does not end is waited for until a quarter of an hour past its expiry, by the server’s time', async () => {
  const bench = await makeWorkbench({ batchSeconds: 600 });
  const { job } = await bench.run(await bench.build(3), { until: 'submitted' });
  const views = await bench.deps.store.shards(job.id);
  const expiresMs = Date.parse(views[0]?.batch?.expiresAt ?? '');
  // This machine's own clock is years behind, and says nothing.
  const time = createServerTime(makeManualClock({ startAt: '2020-01-01T00:00:00Z' }));
  const run = { job, deps: bench.deps, time, heads: new Map(), settleMs: 0 };
  const at = (serverMs: number): boolean => {
    time.note({ serverMs, workspaceId: null, organizationId: null, requestId: null });
    return isPastWait(run, views, null, 0);
  };
  expect(
    [-MINUTE_MS, 10 * MINUTE_MS, 14 * MINUTE_MS, 16 * MINUTE_MS].map((past) => at(expiresMs + past)),
  ).toEqual([false, false, false, true]);
});
