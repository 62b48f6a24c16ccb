import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeWorkbench, type Workbench } from '../support/workbench.ts';

function receiptsOf(bench: Workbench): string[] {
  return readFileSync(join(bench.dir, '.batchctl/receipts.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line).batch_id);
}

it('a receipt that a crash has lost is written by the next run, and no other one twice', async () => {
  const bench = await makeWorkbench();
  const job = await bench.build(20, { maxRequests: 12 });
  await bench.run(job, { until: 'submitted' });
  const path = join(bench.dir, '.batchctl/receipts.jsonl');
  const [first = '', second = ''] = readFileSync(path, 'utf8').split('\n');
  // Killed after the commit of the second id, in the middle of its receipt.
  writeFileSync(path, `${first}\n${second.slice(0, 20)}`);
  await bench.run(await bench.deps.store.jobById(job.id));
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  expect(lines).toEqual([first, second.slice(0, 20), second]);
});

it('a batch that was found again after a lost answer has its receipt as soon as it is proven', async () => {
  const bench = await makeWorkbench();
  const job = await bench.build(5);
  await bench.setFaults('lost-reply@1');
  await bench.run(job);
  expect(receiptsOf(bench)).toEqual((await bench.ownBatches()).map(({ id }) => id));
});
