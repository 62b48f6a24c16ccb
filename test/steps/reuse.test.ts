import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { jobDocument } from '../../src/core/job-document.ts';
import { verifyJob } from '../../src/steps/verify-job.ts';
import { buildFrom, readRows } from '../support/build-job.ts';
import { makeWorkbench, type Workbench } from '../support/workbench.ts';

const { signal } = new AbortController();

const yaml = (prompt: string, more = ''): string => `name: words
model: claude-haiku-5-5
max_tokens: 400
source: { axes: { n: 1-8 } }
id: "r{{n}}"
prompt: "marker-r{{n}}-end: ${prompt}"
output: "out/{{n}}.md"
${more}`;

const rowsOf = (bench: Workbench, jobId: string) =>
  readRows(readFileSync(join(bench.dir, 'batch_results', jobId, 'results.jsonl'), 'utf8'));

const byLength = (a: string, b: string): number => a.length - b.length || (a < b ? 1 : -1);

const changed = { changedOnly: true };

test('a request that was answered before takes that answer, and nothing is sent or paid for it', async () => {
  const bench = await makeWorkbench();
  const first = await buildFrom(bench, yaml('explain'));
  await bench.run(first);
  rmSync(join(bench.dir, 'out'), { recursive: true });
  const second = await buildFrom(bench, yaml('explain'), changed);
  const { job } = await bench.run(second);
  expect(job.state).toBe('done');
  expect(await bench.ownBatches()).toHaveLength(1);
  const [before, after] = [rowsOf(bench, first.jobId), rowsOf(bench, second.jobId)];
  expect(after.map((row) => row['text'])).toEqual(before.map((row) => row['text']));
  expect(after.every((row) => row['reused'] === true && row['batch_id'] === null)).toBe(true);
  expect(readFileSync(join(bench.dir, 'out/3.md'), 'utf8')).toContain('marker-r3-end');
  const document = jobDocument(job, await bench.deps.store.shards(job.id), null);
  expect(document.usage).toMatchObject({ input_tokens: 0, output_tokens: 0 });
  expect(document.cost_microusd).toBe(0);
  expect(after.every((row) => row['cost_microusd'] === 0)).toBe(true);
  expect(await verifyJob(job, bench.deps, signal)).toMatchObject({ ok: true, succeeded: 8 });
});

test('only what differs by a byte goes out', async () => {
  const bench = await makeWorkbench();
  await bench.run(await buildFrom(bench, yaml('explain')));
  const second = await buildFrom(bench, yaml('explain{% if n == 3 or n == 5 %} more{% endif %}'), changed);
  await bench.run(second);
  expect((await bench.ownBatches()).map((batch) => batch.requests)).toEqual([8, 2]);
  const sent = rowsOf(bench, second.jobId).filter((row) => row['reused'] === false);
  expect(sent.map((row) => row['custom_id'])).toEqual(['r3', 'r5']);
});

test('an answer that was no good is not reused', async () => {
  const bench = await makeWorkbench();
  await bench.setFaults('rows-truncated=1');
  await bench.run(await buildFrom(bench, yaml('explain')));
  await bench.setFaults();
  await bench.run(await buildFrom(bench, yaml('explain'), changed));
  expect((await bench.ownBatches()).map((batch) => batch.requests)).toEqual([8, 8]);
});

test('a request whose result never came is sent again, and whoever pays hears that it may have been paid', async () => {
  const bench = await makeWorkbench({ batchSeconds: 0.2 });
  await bench.setFaults('results-missing=2');
  const first = await buildFrom(bench, yaml('explain'));
  await bench.run(first);
  await bench.setFaults();
  await buildFrom(bench, yaml('explain'), changed);
  expect(bench.told).toContainEqual({
    kind: 'problem',
    text: expect.stringContaining(
      `2 requests had no result in job ${first.jobId}, and may have been paid there`,
    ),
  });
});

test('other headers make another request', async () => {
  const bench = await makeWorkbench();
  await bench.run(await buildFrom(bench, yaml('explain')));
  await bench.run(await buildFrom(bench, yaml('explain', 'api_version: 2023-06-01\n'), changed));
  expect(await bench.ownBatches()).toHaveLength(2);
});

test('answers whose raw results are gone are asked for again', async () => {
  const bench = await makeWorkbench();
  const first = await buildFrom(bench, yaml('explain'));
  await bench.run(first);
  rmSync(join(bench.dir, 'batch_results', first.jobId, 'main-0001.raw.jsonl'));
  await bench.run(await buildFrom(bench, yaml('explain'), changed));
  expect((await bench.ownBatches()).map((batch) => batch.requests)).toEqual([8, 8]);
});

test('answers that do not stand where they were recorded are given to nobody else', async () => {
  const bench = await makeWorkbench();
  const first = await buildFrom(bench, yaml('explain'));
  await bench.run(first);
  const raw = join(bench.dir, 'batch_results', first.jobId, 'main-0001.raw.jsonl');
  const whole = readFileSync(raw, 'utf8');
  // As another download may have them, and as long as before.
  writeFileSync(raw, `${whole.trimEnd().split('\n').toSorted(byLength).join('\n')}\n`);
  const swapped = readFileSync(raw, 'utf8');
  const ids = (text: string) => text.match(/r\d--/g)?.join(' ');
  expect(ids(swapped)).not.toBe(ids(whole));
  await expect(buildFrom(bench, yaml('explain'), changed)).rejects.toMatchObject({
    code: 'results_changed',
    next: expect.stringContaining(`batchctl retrieve ${first.jobId}`),
  });
  writeFileSync(raw, whole);
  await buildFrom(bench, yaml('explain'), changed);
  expect(await bench.ownBatches()).toHaveLength(1);
});

test('answers that the build took over and that are gone before they were used stop the job, and nothing is sent', async () => {
  const bench = await makeWorkbench();
  await bench.run(await buildFrom(bench, yaml('explain')));
  const second = await buildFrom(bench, yaml('explain'), changed);
  const taken = join(bench.dir, 'batch_results', second.jobId, 'main-0001.raw.jsonl');
  const bytes = readFileSync(taken);
  rmSync(taken);
  await expect(bench.run(second)).rejects.toMatchObject({
    code: 'reused_answers_gone',
    message: expect.stringContaining('main-0001.raw.jsonl'),
    why: expect.stringContaining('8 answers'),
  });
  writeFileSync(taken, bytes);
  expect((await bench.run(second)).job.state).toBe('done');
  expect(await bench.ownBatches()).toHaveLength(1);
});

test('later stages reuse answers too', async () => {
  const bench = await makeWorkbench();
  const two = (last: string): string => `name: two
model: claude-haiku-5-5
max_tokens: 400
source: { axes: { n: 1-4 } }
stages:
  - { name: notes, prompt: "notes {{n}}" }
  - { name: report, needs: notes, prompt: "${last}: {{notes.text}}" }
`;
  await bench.run(await buildFrom(bench, two('report')));
  await bench.run(await buildFrom(bench, two('report'), changed));
  expect(await bench.ownBatches()).toHaveLength(2);
  const third = await buildFrom(bench, two('story'), changed);
  const { job } = await bench.run(third);
  expect((await bench.ownBatches()).map((batch) => batch.requests)).toEqual([4, 4, 4]);
  expect(rowsOf(bench, third.jobId).map((row) => row['reused'])).toEqual([
    ...Array(4).fill(true),
    ...Array(4).fill(false),
  ]);
  expect(await verifyJob(job, bench.deps, signal)).toMatchObject({ ok: true, succeeded: 8 });
  expect(existsSync(join(bench.dir, 'batch_results', third.jobId, 'report-0001.raw.jsonl'))).toBe(true);
});

test('a request that is in flight elsewhere is not sent a second time, unless the user insists', async () => {
  const bench = await makeWorkbench({ batchSeconds: 4 });
  const first = await buildFrom(bench, yaml('explain'));
  await bench.run(first, { until: 'submitted' });
  const again = yaml('explain', '').replace('n: 1-8', 'n: 1-9');
  const refused = buildFrom(bench, again, { ...changed, reuse: true });
  await expect(refused).rejects.toMatchObject({ code: 'in_flight' });
  expect(await bench.ownBatches()).toHaveLength(1);
  await bench.run(first);
  await bench.run(await buildFrom(bench, again, { ...changed, reuse: true }));
  expect((await bench.ownBatches()).map((batch) => batch.requests)).toEqual([8, 1]);
});
