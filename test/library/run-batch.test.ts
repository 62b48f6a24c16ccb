import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { InterruptedError, listJobs, runBatch } from '../../src/index.ts';
import { MODEL, openEmulated, rejection } from './open-emulated.ts';

const options = { model: MODEL, maxTokens: 400, intervalMs: 100 };

test('answers come in the order of the prompts, which go as they are', async () => {
  const prompts = ['first {{ id }}', 'second {% if %}', 'third'];
  const rows = await runBatch(await openEmulated(), prompts, options);
  expect(rows.map((row) => row.failure)).toEqual([null, null, null]);
  for (const [index, prompt] of prompts.entries()) expect(rows[index]?.text).toContain(prompt);
});

test('system and params go into every message', async () => {
  const params = { metadata: { user_id: 'u1' } };
  const workspace = await openEmulated();
  await runBatch(workspace, ['hello'], { ...options, system: 'Be short.', params });
  const [job] = await listJobs(workspace);
  const line = readFileSync(join(workspace.dir, `batch_requests/${job?.job_id}/main-0001.jsonl`), 'utf8');
  expect(JSON.parse(line).params).toEqual({
    model: MODEL,
    max_tokens: 400,
    ...params,
    system: 'Be short.',
    messages: [{ role: 'user', content: 'hello' }],
  });
});

test('the same call carries an unfinished job on and pays nothing twice', async () => {
  const workspace = await openEmulated({ batchSeconds: 1 });
  const error = await rejection(runBatch(workspace, ['one', 'two'], { ...options, maxWaitMs: 0 }));
  expect(error).toBeInstanceOf(InterruptedError);
  expect(error).toMatchObject({ code: 'still_pending' });
  const rows = await runBatch(workspace, ['one', 'two'], options);
  const jobs = await listJobs(workspace);
  expect(jobs).toHaveLength(1);
  expect(jobs[0]?.batches.map((batch) => batch.batch_id)).toEqual([rows[0]?.batch_id]);
});

test('with `changed`, prompts that were answered before are not asked again', async () => {
  const workspace = await openEmulated();
  await runBatch(workspace, ['one', 'two'], options);
  const rows = await runBatch(workspace, ['one', 'three'], { ...options, changed: true });
  expect(rows.map((row) => row.reused)).toEqual([true, false]);
});

// Callers without types; a text is a list of its characters.
test.each([
  ['a number', ['one', 7]],
  ['one text', 'one prompt'],
])('prompts that are %s are refused, and nothing is built', async (_what, prompts) => {
  const workspace = await openEmulated();
  const error = await rejection(runBatch(workspace, prompts as string[], options));
  expect(error).toMatchObject({ name: 'UsageError', code: 'wrong_option' });
  expect(await listJobs(workspace)).toEqual([]);
});
