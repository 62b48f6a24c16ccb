import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openJobFiles } from '../../src/files/job-files.ts';
import { openJournal } from '../../src/files/job-journal.ts';
import { openStore } from '../../src/store/open.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { SPEC } from './contract/fixture.ts';

const AT = new Date('2026-11-20T07:08:09Z');

test('a job that is built in the second of one that the database has forgotten gets an id and a folder of its own', async () => {
  const dir = makeTempDir();
  const forgotten = join(dir, 'batch_requests/words-20261120-070809');
  mkdirSync(forgotten, { recursive: true });
  writeFileSync(join(forgotten, 'main-0001.jsonl'), 'what was sent');
  const journal = openJournal(dir, openJobFiles(dir));
  const store = await openStore(join(dir, '.batchctl/state.db'), { programVersion: '0.1.0', journal });
  onTestFinished(() => {
    store.close();
  });
  const ids = [];
  for (let n = 0; n < 2; n += 1)
    ids.push((await store.createJob({ name: 'words', spec: SPEC, at: AT })).jobId);
  expect(ids).toEqual(['words-20261120-070809-2', 'words-20261120-070809-3']);
  expect(readdirSync(forgotten)).toEqual(['main-0001.jsonl']);
});
