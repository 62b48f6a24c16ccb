import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createElsewhere, untilEnded } from '../support/colleague.ts';
import { writeSampleJob } from '../support/sample-job.ts';
import { errorOf, makeAdoptBench, numbered } from './bench.ts';

type Listed = readonly Record<string, unknown>[];

test('list --remote shows every batch of the account, the newest first, and whose it is here', async () => {
  const bench = await makeAdoptBench();
  const theirs = await createElsewhere(bench.url, numbered(3));
  writeSampleJob(bench.dir, 4);
  await bench.run('submit', '--use-batch', '--emulator', '--interval', '200ms');
  const ours = (await bench.truth()).batches.find((batch) => batch.id !== theirs)?.id ?? '';
  await untilEnded(bench.url, ours);
  const before = await bench.truth();
  const listed = (await bench.json('list', '--remote', '--emulator')) as unknown as Listed; // a list
  expect(listed).toMatchObject([
    { batch_id: ours, processing_status: 'ended', requests: 4, stage: 'main', shard: 1, candidate: false },
    { batch_id: theirs, processing_status: 'ended', requests: 3, job_id: null, shard: null },
  ]);
  expect(listed[0]?.['job_id']).toMatch(/^words-/);
  const { created_at: createdAt, results_until: until } = listed[1] ?? {};
  expect(Date.parse(String(until)) - Date.parse(String(createdAt))).toBe(29 * 86_400_000);
  const table = await bench.run('list', '--remote', '--emulator', '--limit', '1');
  expect(table.stdout.split('\n')).toHaveLength(3);
  expect(table.stdout).toContain(`${String(listed[0]?.['job_id'])} main 1`);
  expect(table.stderr).toContain('older ones are left out');
  expect((await bench.truth()).posts).toEqual(before.posts);
});

test('list --remote makes nothing in a folder without state, and asks again after a 500', async () => {
  const bench = await makeAdoptBench();
  await createElsewhere(bench.url, numbered(2));
  await bench.setFaults(['list-500@1']);
  const listed = await bench.run('list', '--remote', '--emulator');
  expect(listed.code, listed.stderr).toBe(0);
  expect(listed.stdout).toMatch(/^BATCH .*\n\S+ .* –$/m);
  expect(readdirSync(bench.dir)).toEqual([]);
  const both = await bench.run('list', '--remote', '--all', '--json');
  expect([both.code, errorOf(both)['code']]).toEqual([2, 'wrong_usage']);
});
