import { expect, it } from 'vitest';
import { makeBench } from '../faults/bench.ts';

it('resume names a job that was built and never sent, and the command that sends it', async () => {
  const bench = await makeBench();
  await bench.run(['build', '--emulator']);
  const { job_id } = await bench.status();
  const { code, stderr } = await bench.run(['resume']);
  expect(code).toBe(0);
  expect(stderr).toContain(
    `job ${job_id} is built and was never sent: batchctl submit ${job_id} --use-batch`,
  );
  expect((await bench.truth()).posts).toEqual([]);
});
