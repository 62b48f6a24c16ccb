import { expect, test } from 'vitest';
import { adoptBatch } from '../../src/steps/adopt-batch.ts';
import { batchOf, STAMP } from '../store/contract/fixture.ts';
import { makeWorkbench } from '../support/workbench.ts';

test('a batch that counts no requests is not taken in: nobody could tell whether its results are whole', async () => {
  const { deps } = await makeWorkbench();
  const found = { batch: batchOf('msgbatch_a', 0), stamp: STAMP };
  await expect(adoptBatch(found, null, deps, new AbortController().signal)).rejects.toMatchObject({
    code: 'batch_unreadable',
  });
  expect(await deps.store.listJobs({ pendingOnly: false, limit: null })).toEqual([]);
});
