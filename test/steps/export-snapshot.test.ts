import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { rawPath } from '../../src/core/ports/files.ts';
import { exportJob } from '../../src/steps/export-job.ts';
import { openStore } from '../../src/store/open.ts';
import { makeWorkbench } from '../support/workbench.ts';

const signal = new AbortController().signal;
const JSONL = { kind: 'jsonl', columns: null } as const;

test('an export shows the job as it was when it began, whatever another process does meanwhile', async () => {
  const bench = await makeWorkbench();
  const job = await bench.build(3_000);
  const other = await openStore(`${bench.dir}/.batchctl/state.db`, { programVersion: 'test' });
  let text = '';
  let canceled = 0;
  const summary = await exportJob(
    job,
    'main',
    JSONL,
    {
      isClosed: false,
      async write(piece) {
        if (text === '') canceled = await other.requestCancel(job.id, new Date());
        text += piece;
      },
    },
    bench.deps,
    signal,
  );
  other.close();
  expect(canceled).toBe(1);
  expect(summary).toMatchObject({ rows: 3_000, pending: 3_000, failed: 0 });
  const statuses = new Set(
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).status),
  );
  expect([...statuses]).toEqual(['pending']);
  expect((await bench.deps.store.rows(job.id, 'main', 2_999, 1))[0]?.status).toBe('canceled');
});

test('an export that nobody reads any more ends', async () => {
  const bench = await makeWorkbench();
  const job = await bench.build(3_000);
  let writes = 0;
  const text = {
    isClosed: true,
    async write() {
      writes += 1;
    },
  };
  const { rows } = await exportJob(job, 'main', JSONL, text, bench.deps, signal);
  expect(writes).toBe(1);
  expect(rows).toBeLessThan(3_000);
});

test('raw results that were replaced while they are read attach no answer to another row', async () => {
  const bench = await makeWorkbench();
  const { job } = await bench.run(await bench.build(2));
  const path = join(bench.dir, rawPath(bench.deps.files.resultsDir(job.jobId), 'main', 1));
  const rows = await bench.deps.store.rows(job.id, 'main', 0, 2);
  const reader = bench.deps.files.open(rawPath(bench.deps.files.resultsDir(job.jobId), 'main', 1));
  const lines = rows.map((row) => reader.read(row.rawOffset ?? 0, row.rawLength ?? 0));
  reader.close();
  const [first = '', second = ''] = lines;
  const length = Math.max(first.length, second.length);
  // The two change places, padded so that each offset still holds a whole line.
  const swapped = rows[0]?.rawOffset === 0 ? [second, first] : [first, second];
  writeFileSync(path, `${swapped.map((line) => line.padEnd(length)).join('\n')}\n`);
  const text = { isClosed: false, write: async () => undefined };
  await expect(exportJob(job, 'main', JSONL, text, bench.deps, signal)).rejects.toMatchObject({
    code: 'results_changed',
  });
});
