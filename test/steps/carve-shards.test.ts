import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import { parseWireId } from '../../src/core/wire-id.ts';
import { carvePilot } from '../../src/steps/carve-first.ts';
import { verifyJob } from '../../src/steps/verify-job.ts';
import { makeWorkbench, type Workbench } from '../support/workbench.ts';

const { signal } = new AbortController();

const pilot = (bench: Workbench, job: Job, until: AbortSignal = signal) =>
  carvePilot(job, { requests: 5, minSuccess: 1 }, bench.deps, until);

const shardsOf = async (bench: Workbench, job: Job) =>
  (await bench.deps.store.shards(job.id)).map(({ shard }) => shard);

test('each request stands in one file, with its row, its params and the nonce of its shard', async () => {
  const bench = await makeWorkbench();
  const job = await bench.build(23, { maxRequests: 10 });
  const paths = (await shardsOf(bench, job)).map(({ number }) =>
    join(bench.dir, `batch_requests/${job.jobId}/main-000${number}.jsonl`),
  );
  await pilot(bench, job);
  const seqs: number[] = [];
  for (const shard of await shardsOf(bench, job)) {
    const path = `batch_requests/${job.jobId}/main-${String(shard.number).padStart(4, '0')}.jsonl`;
    const inFile: number[] = [];
    for await (const lines of bench.deps.files.lines(path)) {
      for (const { text } of lines) {
        const { custom_id: id, params } = JSON.parse(text);
        const wire = parseWireId(id);
        expect(wire?.nonce).toBe(shard.nonce);
        expect(params.messages[0].content).toBe(`marker-r${wire?.seq}-end: say it`);
        inFile.push(wire?.seq ?? 0);
      }
    }
    expect(inFile).toEqual(await bench.deps.store.shardSeqs(shard.id));
    expect(shard.fileSha256).toBe(await bench.deps.files.sha256(path));
    seqs.push(...inFile);
  }
  expect(seqs.sort((a, b) => a - b)).toEqual(Array.from({ length: 23 }, (_, index) => index + 1));
  expect(paths.filter((path) => existsSync(path))).toEqual([]);
});

test('a carve that is cut off leaves the job as it was, and may be begun again', async () => {
  const bench = await makeWorkbench();
  const job = await bench.build(23, { maxRequests: 10 });
  const before = await shardsOf(bench, job);
  // The second shard is not read any more.
  const cut = new AbortController();
  const { files } = bench.deps;
  const deps = {
    ...bench.deps,
    files: {
      ...files,
      lines: (path: string) => {
        if (path.includes('main-0002')) cut.abort(new Error('cut off'));
        return files.lines(path);
      },
    },
  };
  await expect(carvePilot(job, { requests: 5, minSuccess: 1 }, deps, cut.signal)).rejects.toThrow('cut off');
  await bench.deps.store.settleAfterCrash(job.id);
  expect(await shardsOf(bench, job)).toEqual(before);
  await pilot(bench, job);
  const { job: done } = await bench.run(job);
  expect(await verifyJob(done, bench.deps, signal)).toMatchObject({ ok: true, succeeded: 23 });
  expect((await bench.ownBatches())[0]?.requests).toBe(5);
});
