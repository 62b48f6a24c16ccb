import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { openStore } from '../../src/store/open.ts';
import { openRebuilt } from '../../src/store/rebuilt-file.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { buildJob } from './contract/fixture.ts';

const OPTIONS = { programVersion: 'test', now: () => new Date() };

test('a store that somebody writes to while it is made again stays as it is', async () => {
  const path = join(makeTempDir(), 'state.db');
  (await openStore(path, OPTIONS)).close();
  const rebuilt = await openRebuilt(path, OPTIONS);
  const other = await openStore(path, OPTIONS);
  await buildJob(other, [3]);
  other.close();
  const before = readFileSync(path);
  expect(() => rebuilt.install(new Date())).toThrow(
    expect.objectContaining({ code: 'store_changed', next: expect.stringContaining('no other batchctl') }),
  );
  rebuilt.discard();
  expect(readFileSync(path)).toEqual(before);
  expect(readdirSync(dirname(path)).filter((name) => !/-(?:wal|shm)$/.test(name))).toEqual(['state.db']);
});

test('a store that appears where there was none is not replaced', async () => {
  const path = join(makeTempDir(), 'state.db');
  const rebuilt = await openRebuilt(path, OPTIONS);
  (await openStore(path, OPTIONS)).close();
  expect(() => rebuilt.install(new Date())).toThrow(expect.objectContaining({ code: 'store_changed' }));
  rebuilt.discard();
});

test('a store that nobody touches is replaced, and kept aside', async () => {
  const path = join(makeTempDir(), 'state.db');
  const old = await openStore(path, OPTIONS);
  await buildJob(old, [3]);
  old.close();
  const before = readFileSync(path);
  const rebuilt = await openRebuilt(path, OPTIONS);
  const [aside = ''] = rebuilt.install(new Date());
  expect(readFileSync(aside)).toEqual(before);
  const fresh = await openStore(path, OPTIONS);
  expect(await fresh.listJobs({ pendingOnly: false, limit: null })).toEqual([]);
  fresh.close();
});
