import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createElsewhere, endNow } from '../support/colleague.ts';
import { makeAdoptBench, numbered } from './bench.ts';

test('a batch that was taken in is named by a rebuild, and can be taken in again', async () => {
  const bench = await makeAdoptBench(36_000);
  const batch = await createElsewhere(bench.url, numbered(5));
  await endNow(bench.url, batch);
  expect((await bench.run('retrieve', batch, '--emulator')).code).toBe(3);
  const before = await bench.lines('results.jsonl');
  for (const end of ['', '-wal', '-shm'])
    rmSync(join(bench.dir, `.batchctl/state.db${end}`), { force: true });
  const rebuilt = await bench.run('doctor', '--rebuild', '--offline', '--json');
  expect(rebuilt.code, rebuilt.stderr).toBe(0);
  expect(JSON.parse(rebuilt.stdout)).toMatchObject({ jobs: [], adopted: [{ batch_id: batch }] });
  const again = await bench.run('retrieve', batch, '--emulator');
  expect(again.code, again.stderr).toBe(3);
  expect(await bench.lines('results.jsonl')).toEqual(before);
});

test('a batch that was made elsewhere has no receipt, which says that it was made here', async () => {
  const bench = await makeAdoptBench(36_000);
  const batch = await createElsewhere(bench.url, numbered(2));
  await endNow(bench.url, batch);
  await bench.run('retrieve', batch, '--emulator');
  await bench.run('retrieve', batch, '--emulator');
  expect(() => readFileSync(join(bench.dir, '.batchctl/receipts.jsonl'))).toThrow('ENOENT');
});
