import { expect, it } from 'vitest';
import { runJob } from '../../src/steps/run-job.ts';
import { CANARY_KEY } from '../support/canary.ts';
import { createElsewhere } from '../support/colleague.ts';
import { FAST, makeWorkbench, type Workbench } from '../support/workbench.ts';

const { signal } = new AbortController();
/** As the emulator counts its calls. */
const RESULTS = 'GET /v1/messages/batches/{id}/results';

/** The same store, as it sees itself once it stands in another file. */
function moved({ deps }: Workbench) {
  const { store } = deps;
  const standing = async (id: number) => ({ ...(await store.standing(id)), isMoved: true });
  return { ...deps, store: { ...store, standing } };
}

it('the batch of its own doubt is not taken for another copy’s in a store that was moved', async () => {
  const bench = await makeWorkbench({ batchSeconds: 2 });
  const job = await bench.build(10, { maxRequests: 5 });
  await bench.setFaults('lost-reply@1');
  await bench.run(job, { until: 'once', submit: true });
  await bench.setFaults();
  const views = await bench.deps.store.shards(job.id);
  expect(views.map(({ shard }) => [shard.state, shard.requests])).toEqual([
    ['live', 5],
    ['built', 5],
  ]);
  const { job: done } = await runJob(job, FAST, moved(bench), signal);
  expect(done.state).toBe('done');
  expect(await bench.ownBatches()).toHaveLength(2);
});

it('an ended batch of the same count is read once in a run, however many shards have as many requests', async () => {
  const bench = await makeWorkbench({ batchSeconds: 0.1 });
  const job = await bench.build(15, { maxRequests: 5 });
  const ids = Array.from({ length: 5 }, (_, n) => `theirs-${n}`);
  const strangers = 3;
  for (let n = 0; n < strangers; n += 1) {
    const id = await createElsewhere(bench.emulator.url, ids, { key: CANARY_KEY });
    await untilEnded(bench, id);
  }
  const before = (await bench.truth()).calls[RESULTS] ?? 0;
  const { job: done } = await runJob(job, FAST, moved(bench), signal);
  expect(done.state).toBe('done');
  // Its own three are downloaded; each of theirs is read to be told apart.
  expect(((await bench.truth()).calls[RESULTS] ?? 0) - before).toBe(3 + strangers);
});

async function untilEnded({ deps }: Workbench, id: string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const { batch } = await deps.provider.retrieveBatch(id, signal);
    if (batch.endedAt !== null) return;
    await deps.clock.sleep(25, signal);
  }
  throw new Error(`${id} does not end`);
}
