import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { restoreResults } from '../../src/steps/restore-results.ts';
import { verifyJob } from '../../src/steps/verify-job.ts';
import { buildFrom, readRows, writeFiles } from '../support/build-job.ts';
import { makeWorkbench, type Workbench } from '../support/workbench.ts';

const TWO = `name: two
model: claude-haiku-5-5
max_tokens: 400
source: { axes: { n: 1-6 } }
id: "r{{n}}"
stages:
  - name: notes
    prompt: "marker-r{{n}}-end: notes"
    output: "notes/{{n}}.md"
  - name: report
    needs: notes
    prompt: "report on: {{notes.text}}"
    output: "reports/{{n}}.md"
  - name: brief
    needs: notes
    prompt: "brief on: {{notes.text}}"
    output: "briefs/{{n}}.md"
`;

const rowsOf = (bench: Workbench, jobId: string, name = 'results.jsonl') =>
  readRows(readFileSync(join(bench.dir, 'batch_results', jobId, name), 'utf8'));

const verify = (bench: Workbench, jobId: number) =>
  bench.deps.store.jobById(jobId).then((job) => verifyJob(job, bench.deps, new AbortController().signal));

test('later stages are made from the answers of the first, and several may hang on one', async () => {
  const bench = await makeWorkbench();
  const job = await buildFrom(bench, TWO);
  const { job: done } = await bench.run(job);
  expect(done.state).toBe('done');
  const rows = rowsOf(bench, job.jobId);
  expect(rows.map((row) => row['stage'])).toEqual([
    ...Array(6).fill('notes'),
    ...Array(6).fill('report'),
    ...Array(6).fill('brief'),
  ]);
  expect(rows.every((row) => row['status'] === 'succeeded')).toBe(true);
  for (const n of [1, 2, 3, 4, 5, 6]) {
    // The emulator quotes the prompt back, so the marker of the record went through both stages.
    expect(readFileSync(join(bench.dir, `reports/${n}.md`), 'utf8')).toContain(`marker-r${n}-end`);
    expect(readFileSync(join(bench.dir, `briefs/${n}.md`), 'utf8')).toContain(`marker-r${n}-end`);
  }
  expect(await verify(bench, job.id)).toMatchObject({ ok: true, requests: 18, succeeded: 18 });
  expect((await bench.ownBatches()).map((batch) => batch.requests)).toEqual([6, 6, 6]);
});

test('a later stage finds the room that the batches of the first have left, at once', async () => {
  const bench = await makeWorkbench();
  const { job } = await bench.run(await buildFrom(bench, TWO), { maxInFlight: 12 });
  expect(job.state).toBe('done');
  expect(bench.told.filter(({ kind }) => kind === 'queue_full')).toEqual([]);
});

test('rows whose need failed are held and named, and a retry of the need lets them go on', async () => {
  const bench = await makeWorkbench();
  await bench.setFaults('rows-overloaded=0.5');
  const job = await buildFrom(bench, TWO.replace('n: 1-6', 'n: 1-24'));
  const { job: first } = await bench.run(job);
  expect(first.state).toBe('done');
  const failed = rowsOf(bench, job.jobId).filter(
    (row) => row['stage'] === 'notes' && row['status'] === 'errored',
  );
  expect(failed.length).toBeGreaterThan(0);
  const held = rowsOf(bench, job.jobId).filter((row) => row['status'] === 'held');
  expect(held.length).toBe(failed.length * 2);
  expect(held[0]).toMatchObject({
    failure: 'held',
    error: { type: 'held', message: 'what it needs did not succeed: notes (overloaded)' },
  });
  expect(await verify(bench, job.id)).toMatchObject({ ok: true, requests: 72, held: held.length });

  await bench.setFaults();
  const retried = await bench.retry(first);
  expect(retried.job.state).toBe('done');
  const rows = rowsOf(bench, job.jobId);
  expect(rows).toHaveLength(72);
  expect(rows.every((row) => row['status'] === 'succeeded')).toBe(true);
  expect(await verify(bench, job.id)).toMatchObject({ ok: true, succeeded: 72, held: 0 });
  // Nothing that had succeeded was sent again.
  const sent = (await bench.ownBatches()).reduce((sum, batch) => sum + batch.requests, 0);
  const failedAtAll = sent - 72;
  expect(rows.filter((row) => row['attempt'] === 2)).toHaveLength(failedAtAll);
});

test('a job goes on from what its file said when it was built', async () => {
  const bench = await makeWorkbench();
  writeFiles(bench.dir, { 'prompts/report.md': 'first version: {{notes.text}}' });
  const yaml = TWO.replace('prompt: "report on: {{notes.text}}"', 'prompt: { file: prompts/report.md }');
  const job = await buildFrom(bench, yaml);
  rmSync(join(bench.dir, 'x.job.yaml'));
  writeFiles(bench.dir, { 'prompts/report.md': 'second version: {{notes.nonsense}}' });
  await bench.run(job);
  const shard = readFileSync(join(bench.dir, `batch_requests/${job.jobId}/report-0001.jsonl`), 'utf8');
  expect(shard).toContain('first version');
});

test('a mistake in a later prompt is found before anything is sent', async () => {
  const bench = await makeWorkbench();
  const yaml = TWO.replace('brief on: {{notes.text}}', 'brief on: {{nots.text}}');
  await expect(buildFrom(bench, yaml)).rejects.toMatchObject({ name: 'InputError' });
  const deep = TWO.replace(
    'brief on: {{notes.text}}',
    '{% for item in notes.json.items %}{{item.name | upcase}}{% endfor %}{% if notes.json.ok %}y{% endif %} brief',
  );
  await expect(buildFrom(bench, deep)).rejects.toMatchObject({ name: 'InputError' });
  const typed = deep.replace(
    '    output: "notes',
    '    schema: { type: object, properties: { ok: { type: boolean } } }\n    output: "notes',
  );
  expect((await buildFrom(bench, typed)).state).toBe('built');
  expect(await bench.ownBatches()).toEqual([]);
});

test('a row whose later request cannot be made is held with the reason, and goes on once it can', async () => {
  const bench = await makeWorkbench();
  const scores = Object.fromEntries([1, 2, 3, 4, 5, 6].map((n) => [`scores/${n}.txt`, `score ${n}`]));
  writeFiles(bench.dir, scores);
  const yaml = TWO.replace('id:', 'files: { scores: "scores/{{n}}.txt" }\nid:').replace(
    'report on: {{notes.text}}',
    'report on: {{notes.text}} {{scores}}',
  );
  const job = await buildFrom(bench, yaml);
  rmSync(join(bench.dir, 'scores/3.txt'));
  const { job: done } = await bench.run(job);
  const held = rowsOf(bench, job.jobId).filter((row) => row['status'] === 'held');
  // `files:` holds for every stage of the record.
  expect(held.map((row) => row['custom_id'])).toEqual(['r3', 'r3']);
  expect(JSON.stringify(held[0]?.['error'])).toContain('scores/3.txt');
  writeFiles(bench.dir, scores);
  const { job: again } = await bench.retry(done);
  expect(again.state).toBe('done');
  expect(rowsOf(bench, job.jobId).filter((row) => row['status'] === 'held')).toEqual([]);
});

test('a canceled job never makes its later stages: their rows are held, and none is lost', async () => {
  const bench = await makeWorkbench({ batchSeconds: 30 });
  const job = await buildFrom(bench, TWO);
  await bench.run(job, { until: 'submitted' });
  await bench.cancel(job);
  const { job: final } = await bench.run(job);
  expect(final.state).toBe('canceled');
  const rows = rowsOf(bench, job.jobId);
  expect(rows).toHaveLength(18);
  expect(rows.filter((row) => row['status'] === 'held')).toHaveLength(12);
  expect(existsSync(join(bench.dir, `batch_requests/${job.jobId}/report-0001.jsonl`))).toBe(false);
  expect(await verify(bench, job.id)).toMatchObject({ ok: true });
});

test('what is written from an answer of a later stage may use the answers that it was made from', async () => {
  const bench = await makeWorkbench();
  const yaml = TWO.replace(
    '    output: "reports/{{n}}.md"',
    '    output: { path: "reports/{{n}}.md", template: "record {{n}}\\nNOTES {{notes.text}}\\nREPORT {{text}}" }',
  );
  const job = await buildFrom(bench, yaml);
  await bench.run(job);
  const [notes, report] = ['notes', 'report'].map((stage) =>
    rowsOf(bench, job.jobId).find((row) => row['stage'] === stage && row['custom_id'] === 'r4'),
  );
  expect(readFileSync(join(bench.dir, 'reports/4.md'), 'utf8')).toBe(
    `record 4\nNOTES ${notes?.['text']}\nREPORT ${report?.['text']}\n`,
  );
});

test('an output that could not be written is tried again once what it needs was mended', async () => {
  const bench = await makeWorkbench();
  const broken = 'export default () => { throw new Error("not yet"); };';
  writeFiles(bench.dir, { 'make.mjs': broken });
  const yaml = TWO.replace(
    '    output: "notes/{{n}}.md"',
    '    output: { path: "notes/{{n}}.md", module: make.mjs }',
  );
  const job = await buildFrom(bench, yaml);
  const { job: done } = await bench.run(job);
  expect(existsSync(join(bench.dir, 'notes/1.md'))).toBe(false);
  // A module is loaded once a process, by its path.
  const path = join(bench.dir, `batch_requests/${job.jobId}/job.json`);
  writeFiles(bench.dir, { 'mended.mjs': 'export default (facts) => "made of " + facts.text;' });
  writeFileSync(path, readFileSync(path, 'utf8').replaceAll('make.mjs', 'mended.mjs'));
  await restoreResults(done, bench.deps, new AbortController().signal);
  expect(readFileSync(join(bench.dir, 'notes/1.md'), 'utf8')).toContain('made of ');
});
