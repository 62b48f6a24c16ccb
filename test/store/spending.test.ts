import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { connect, openStore } from '../../src/store/open.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { ACCOUNT, AT, buildJob, settle } from './contract/fixture.ts';

/** A store of one applied job, of which somebody has damaged the columns that only money needs. */
async function openDamaged() {
  const path = join(makeTempDir(), 'state.db');
  const store = await openStore(path, { programVersion: '0.3.0', now: () => AT });
  onTestFinished(() => store.close());
  const { job, shardIds } = await buildJob(store, [2]);
  await store.requestSubmission(job.id, ACCOUNT, 'real_time', AT);
  await settle(store, shardIds[0] ?? 0, 1, 2, []);
  const db = connect(path, { busyTimeoutMs: 1_000 });
  db.exec(`
    UPDATE jobs SET pilot_json = '{"requests":"20"}', estimate_json = '{';
    UPDATE shards SET sizes_json = '{"classes":{},"prefixes":[],"sample":[]}', spent_json = '{"lines":[[]]}';
  `);
  db.close();
  return { store, job };
}

test('lists of jobs and shards do not read what only money needs', async () => {
  const { store, job } = await openDamaged();
  expect(await store.listJobs({ pendingOnly: false, limit: null })).toMatchObject([{ jobId: job.jobId }]);
  expect(await store.shards(job.id)).toMatchObject([{ shard: { first: null }, cost: 0 }]);
});

test('columns of money that hold something else are named', async () => {
  const { store, job } = await openDamaged();
  const damaged = (why: string) => ({
    code: 'store_damaged',
    why: expect.stringContaining(why) as unknown,
  });
  await expect(store.shardSizes(job.id)).rejects.toMatchObject(damaged('shards.sizes_json, classes'));
  await expect(store.spentOf(job.id)).rejects.toMatchObject(damaged('shards.spent_json, lines'));
  await expect(store.pilotOf(job.id)).rejects.toMatchObject(damaged('jobs.pilot_json, requests'));
  await expect(store.estimateOf(job.id)).rejects.toMatchObject(damaged('jobs.estimate_json'));
});
