import { readFileSync, rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/cli/system-clock.ts';
import type { Job } from '../../src/core/job.ts';
import type { Deps } from '../../src/steps/deps.ts';
import { retryJob } from '../../src/steps/retry-job.ts';
import { type RunOptions, runJob } from '../../src/steps/run-job.ts';
import { verifyJob } from '../../src/steps/verify-job.ts';
import { readRows } from '../support/build-job.ts';
import { marker } from '../support/sample-job.ts';
import { FAST, makeWorkbench, type Workbench } from '../support/workbench.ts';

const { signal } = new AbortController();
const ROWS = 8;

/** Downloads that disagree are repeated after seconds. */
const hurried = ({ deps }: Workbench): Deps => ({
  ...deps,
  clock: { ...systemClock, sleep: (ms, stop) => systemClock.sleep(Math.min(ms, 50), stop) },
});

/** Two rows without a result went out again, and nothing came of it. */
async function failedTwice(
  bench: Workbench,
): Promise<{ job: Job; run: (more?: Partial<RunOptions>) => Promise<Job> }> {
  const deps = hurried(bench);
  const { id } = await bench.build(ROWS);
  const run = async (more: Partial<RunOptions> = {}) => {
    const { job } = await runJob(await deps.store.jobById(id), { ...FAST, ...more }, deps, signal);
    return job;
  };
  await bench.setFaults('results-missing=2');
  await run();
  await bench.setFaults('rows-errored=1');
  const wishes = { classes: ['missing' as const], force: true, stage: null, route: null };
  await retryJob(await deps.store.jobById(id), wishes, deps, signal);
  return { job: await run(), run };
}

test('a row whose second attempt failed takes the answer of the first one when that turns up', async () => {
  const bench = await makeWorkbench({ batchSeconds: 0.2 });
  const { job, run } = await failedTwice(bench);
  const dir = `${bench.dir}/batch_results/${job.jobId}`;
  const results = () => readRows(readFileSync(`${dir}/results.jsonl`, 'utf8'));
  const failed = results().filter((row) => row['status'] === 'errored');
  expect(failed.map((row) => row['attempt'])).toEqual([2, 2]);
  const posts = (await bench.truth()).posts.length;

  // Whoever retrieves once more gets all of it now.
  await bench.setFaults();
  rmSync(`${dir}/main-0001.raw.jsonl`);
  const after = await run({ submit: false, until: 'once' });
  expect(after.state).toBe('done');
  const rows = results();
  expect(rows.map((row) => row['status'])).toEqual(Array(ROWS).fill('succeeded'));
  for (const row of rows) expect(row['text']).toContain(marker(String(row['custom_id'])));
  expect(rows.filter((row) => row['attempt'] === 3).map((row) => row['custom_id'])).toEqual(
    failed.map((row) => row['custom_id']),
  );
  expect(await verifyJob(after, bench.deps, signal)).toMatchObject({ ok: true, succeeded: ROWS });
  expect((await bench.truth()).posts).toHaveLength(posts);
});
