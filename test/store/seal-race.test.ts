import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openStore } from '../../src/store/open.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { startChild } from './children/spawn.ts';
import { ACCOUNT, AT, AT_MS, buildJob, FENCE } from './contract/fixture.ts';

async function openTwice() {
  const path = join(makeTempDir(), 'state.db');
  const [one, two] = [
    await openStore(path, { programVersion: '0.1.0', now: () => new Date() }),
    await openStore(path, { programVersion: '0.1.0', now: () => new Date() }),
  ];
  onTestFinished(() => {
    one.close();
    two.close();
  });
  const { job, shardIds } = await buildJob(one, [3]);
  await one.requestSubmission(job.id, ACCOUNT, 'batch', AT);
  const [shardId = 0] = shardIds;
  return { path, one, two, job, shardId };
}

test('of two programs that seal the same submission at once, one wins', async () => {
  const { path, one, shardId } = await openTwice();
  for (let round = 0; round < 5; round += 1) {
    const submission = await one.startSubmission(shardId, ACCOUNT, AT_MS);
    const racers = [1, 2, 3].map(() => startChild('seal', path, String(submission.id)));
    for (const racer of racers) expect(await racer.nextLine()).toBe('ready');
    for (const racer of racers) racer.send('go');
    const outcomes = await Promise.all(racers.map((racer) => racer.rest()));
    expect(outcomes.flat().sort()).toEqual(['seal_lost', 'seal_lost', 'sealed']);
    await one.abortSubmission(submission.id, 'the tail was never sent');
  }
});

test('of two programs that start a submission of the same shard, one does', async () => {
  const { one, two, shardId } = await openTwice();
  const outcomes = await Promise.allSettled([
    one.startSubmission(shardId, ACCOUNT, AT_MS),
    two.startSubmission(shardId, ACCOUNT, AT_MS),
  ]);
  expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(['fulfilled', 'rejected']);
});

test('of eight programs that claim the shards of a job, each shard has one', async () => {
  const path = join(makeTempDir(), 'state.db');
  const store = await openStore(path, { programVersion: '0.1.0', now: () => new Date() });
  onTestFinished(() => store.close());
  const { job, shardIds } = await buildJob(store, Array(60).fill(2));
  await store.requestSubmission(job.id, ACCOUNT, 'batch', AT);
  const racers = Array.from({ length: 8 }, () => startChild('claim', path, shardIds.join(',')));
  for (const racer of racers) expect(await racer.nextLine()).toBe('ready');
  for (const racer of racers) racer.send('go');
  const claimed = (await Promise.all(racers.map((racer) => racer.rest()))).flat();
  expect(claimed.map(Number).sort((a, b) => a - b)).toEqual([...shardIds].sort((a, b) => a - b));
  const shards = await store.shards(job.id);
  expect(shards.map(({ submission }) => [submission?.state, submission?.number])).toEqual(
    shardIds.map(() => ['sealed', 1]),
  );
}, 60_000);

test('a run that was taken for dead loses its seal to the one that took over', async () => {
  const { one, two, job, shardId } = await openTwice();
  const stale = await one.startSubmission(shardId, ACCOUNT, AT_MS);
  await two.settleAfterCrash(job.id);
  const fresh = await two.startSubmission(shardId, ACCOUNT, AT_MS);
  const late = one.seal(stale.id, { sealedMs: AT_MS, fence: FENCE });
  await expect(late).rejects.toMatchObject({ code: 'seal_lost' });
  await two.seal(fresh.id, { sealedMs: AT_MS, fence: FENCE });
});
