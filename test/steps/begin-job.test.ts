import { expect, test } from 'vitest';
import { DecisionError } from '../../src/core/errors.ts';
import type { Estimate } from '../../src/core/estimate.ts';
import type { Job, JobMode } from '../../src/core/job.ts';
import { beginJob } from '../../src/steps/begin-job.ts';
import { makeWorkbench, type Workbench } from '../support/workbench.ts';

const NOTHING_FIRST = { pilot: null, prime: false };

function begin(
  { deps }: Workbench,
  job: Job,
  decide: (estimate: Estimate) => Promise<JobMode>,
): Promise<JobMode> {
  return beginJob(job, { ...NOTHING_FIRST, decide }, deps, new AbortController().signal);
}

test('the estimate that was approved is kept, and nothing but counts was asked', async () => {
  const bench = await makeWorkbench();
  const job = await bench.build(5);
  let seen: Estimate | null = null;
  const mode = await begin(bench, job, async (estimate) => {
    seen = estimate;
    // Kept only once it is approved.
    expect(await bench.deps.store.estimateOf(job.id)).toBeNull();
    return 'real_time';
  });
  expect(mode).toBe('real_time');
  // 5 answers of at most 400 tokens.
  expect(seen).toMatchObject({ total: { requests: 5, outputTokens: { high: 2000 } } });
  expect(await bench.deps.store.estimateOf(job.id)).toEqual(seen);
  const { calls } = await bench.truth();
  expect(Object.keys(calls)).toEqual(['POST /v1/messages/count_tokens']);
});

test('the tokens of a large job are counted on a few of its requests', async () => {
  const bench = await makeWorkbench();
  await begin(bench, await bench.build(300), async () => 'batch');
  const counted = (await bench.truth()).calls['POST /v1/messages/count_tokens'] ?? 0;
  expect(counted).toBeGreaterThan(5);
  expect(counted).toBeLessThanOrEqual(20);
});

test('a job whose price is not approved is left as it was built, without an estimate', async () => {
  const bench = await makeWorkbench();
  const job = await bench.build(5);
  const no = new DecisionError('no', { code: 'not_approved', next: 'again' });
  await expect(begin(bench, job, () => Promise.reject(no))).rejects.toBe(no);
  expect(await bench.deps.store.jobById(job.id)).toEqual(job);
  expect(await bench.deps.store.estimateOf(job.id)).toBeNull();
});

test('a job with nothing to prime is refused before its pilot is taken out', async () => {
  const bench = await makeWorkbench();
  const job = await bench.build(30);
  const begun = beginJob(
    job,
    { pilot: { requests: 5, minSuccess: null }, prime: true, decide: async () => 'batch' },
    bench.deps,
    new AbortController().signal,
  );
  await expect(begun).rejects.toMatchObject({ code: 'nothing_to_prime' });
  const shards = await bench.deps.store.shards(job.id);
  expect(shards.map(({ shard }) => [shard.first, shard.requests])).toEqual([[null, 30]]);
  expect(await bench.deps.store.pilotOf(job.id)).toBeNull();
});
