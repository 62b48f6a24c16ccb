import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Deps } from '../../src/steps/deps.ts';
import { runJob } from '../../src/steps/run-job.ts';
import { SENT_LOG } from '../../src/steps/sent-log.ts';
import { FAST, makeWorkbench, type Workbench } from '../support/workbench.ts';

const signal = new AbortController().signal;

/** The same workspace, with a count of how often all shards of a job are read, and of the batches that lists bring. */
function counting(bench: Workbench): { readonly deps: Deps; shardsRead: number; listed: number } {
  const { store, provider } = bench.deps;
  const counted = {
    deps: {
      ...bench.deps,
      store: {
        ...store,
        shards: (jobId: number) => {
          counted.shardsRead += 1;
          return store.shards(jobId);
        },
      },
      provider: {
        ...provider,
        listBatches: async (...args: Parameters<typeof provider.listBatches>) => {
          const page = await provider.listBatches(...args);
          counted.listed += page.batches.length;
          return page;
        },
      },
    },
    shardsRead: 0,
    listed: 0,
  };
  return counted;
}

async function submit(requests: number): Promise<ReturnType<typeof counting> & { readonly dir: string }> {
  const bench = await makeWorkbench({ batchSeconds: 600 });
  // One request a shard.
  const job = await bench.build(requests, { maxRequests: 1 });
  const counted = counting(bench);
  await runJob(job, { ...FAST, until: 'submitted' }, counted.deps, signal);
  expect(await bench.ownBatches()).toHaveLength(requests);
  return Object.assign(counted, { dir: bench.dir });
}

it('a job of many shards reads them as often as one of few', async () => {
  const few = await submit(4);
  const many = await submit(32);
  expect(many.shardsRead).toBe(few.shardsRead);
}, 30_000);

it('a fence names few of the batches that the job itself has sent by then', async () => {
  const { dir } = await submit(32);
  const fences = readFileSync(`${dir}/${SENT_LOG}`, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { fence: { batch_ids: string[] } }).fence.batch_ids.length);
  expect(fences).toHaveLength(32);
  expect(Math.max(...fences)).toBe(10);
}, 30_000);

it('a cancel by another process ends the sending with the shard that is uploaded', async () => {
  const bench = await makeWorkbench({ batchSeconds: 600 });
  const job = await bench.build(12, { maxRequests: 1 });
  const { store } = bench.deps;
  let started = 0;
  const startSubmission: typeof store.startSubmission = async (...args) => {
    started += 1;
    if (started === 3) await store.requestCancel(job.id, new Date());
    return store.startSubmission(...args);
  };
  const deps = { ...bench.deps, store: { ...store, startSubmission } };
  await runJob(job, { ...FAST, until: 'submitted' }, deps, signal);
  expect(await bench.ownBatches()).toHaveLength(2);
  expect(started).toBe(3);
}, 30_000);
