import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import type { JobStore } from '../../src/core/ports/store.ts';
import { openJobFiles } from '../../src/files/job-files.ts';
import { acceptStore } from '../../src/steps/accept-store.ts';
import type { Deps } from '../../src/steps/deps.ts';
import { runJob } from '../../src/steps/run-job.ts';
import { openStore } from '../../src/store/open.ts';
import { DAMAGES, inflict } from '../crash/damage.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { FAST, makeWorkbench, type Workbench } from '../support/workbench.ts';
import { copyWorkspace } from '../support/workspace-copy.ts';

const signal = new AbortController().signal;
const AWAY = 'sk-emu-away';

/** What was kept of the database before the job was sent, opened elsewhere. */
async function copyStore(bench: Workbench, damage: string | null = null): Promise<JobStore> {
  const dir = makeTempDir();
  for (const side of ['', '-wal']) {
    const from = join(bench.dir, `.batchctl/state.db${side}`);
    if (existsSync(from)) copyFileSync(from, join(dir, `state.db${side}`));
  }
  const path = join(dir, 'state.db');
  const open = () => openStore(path, { programVersion: 'test', now: () => new Date() });
  if (damage !== null) {
    (await open()).close();
    const index = DAMAGES.findIndex(({ what }) => what === damage);
    expect(index).toBeGreaterThanOrEqual(0);
    inflict(index, path);
  }
  const store = await open();
  onTestFinished(() => store.close());
  return store;
}

/** Of what an acceptance changes. */
async function standingOf(job: Job, store: JobStore) {
  const { serial, acceptedBytes, isMoved } = await store.standing(job.id);
  const shards = (await store.shards(job.id)).map(({ shard }) => shard.state);
  const events = (await store.events(job.id)).map(({ kind }) => kind);
  const wasAccepted = events.includes('store_accepted');
  return { serial, acceptedBytes, isMoved, shards, wasAccepted };
}

describe('with a key of another workspace nothing of a store is accepted', () => {
  it('that has forgotten seals: the log says where they were made', async () => {
    const bench = await makeWorkbench({ batchSeconds: 3_600 });
    const job = await bench.build(5);
    const store = await copyStore(bench);
    await bench.run(job, { until: 'submitted' });
    const before = await standingOf(job, store);
    const away: Deps = { ...bench.withKey(AWAY), store };
    await expect(acceptStore(job, away, signal)).rejects.toMatchObject({ code: 'other_workspace' });
    expect(await standingOf(job, store)).toEqual(before);
    await acceptStore(job, { ...bench.deps, store }, signal);
    expect(await standingOf(job, store)).toMatchObject({
      shards: ['live'],
      isMoved: false,
      wasAccepted: true,
    });
    // And with another key of the same workspace.
    const rotated = await copyStore(bench);
    await acceptStore(job, { ...bench.withKey('gw_rotated'), store: rotated }, signal);
    expect((await bench.ownBatches()).length).toBe(1);
  });

  it('that is a copy with its log: only the key that asked for the job tells where it belongs', async () => {
    const bench = await makeWorkbench({ batchSeconds: 3_600 });
    const job = await bench.build(5);
    const store = await copyStore(bench);
    const files = openJobFiles(copyWorkspace(bench.dir, ['batch_requests']));
    await bench.run(job, { until: 'submitted' });
    const copy: Deps = { ...bench.deps, store, files };
    await expect(runJob(job, FAST, copy, signal)).rejects.toMatchObject({ code: 'store_copied' });
    const before = await standingOf(job, store);
    expect(before).toMatchObject({ isMoved: true, shards: ['built'] });
    const away: Deps = { ...bench.withKey(AWAY), store, files };
    await expect(acceptStore(job, away, signal)).rejects.toMatchObject({ code: 'other_key' });
    expect(await standingOf(job, store)).toEqual(before);
  });
});

it('a damaged store is not accepted', async () => {
  const bench = await makeWorkbench({ batchSeconds: 3_600 });
  const job = await bench.build(5);
  await bench.run(job, { until: 'submitted' });
  const store = await copyStore(bench, 'the index of live submissions has lost its entries');
  const before = await standingOf(job, store);
  const deps: Deps = { ...bench.deps, store };
  await expect(acceptStore(job, deps, signal)).rejects.toMatchObject({ code: 'store_damaged' });
  expect(await standingOf(job, store)).toEqual(before);
});
