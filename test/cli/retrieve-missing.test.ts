import { expect, test } from 'vitest';
import { systemClock } from '../../src/cli/system-clock.ts';
import { runJob } from '../../src/steps/run-job.ts';
import { runCli } from '../support/run-cli.ts';
import { FAST, makeWorkbench } from '../support/workbench.ts';

test('retrieve of a finished job asks again for rows that are missing, and does without where nobody can be asked', async () => {
  const bench = await makeWorkbench({ batchSeconds: 0.2 });
  const job = await bench.build(4);
  await bench.setFaults('results-missing=1');
  // Downloads that are short are repeated after seconds.
  const sleep: typeof systemClock.sleep = (ms, stop) => systemClock.sleep(Math.min(ms, 50), stop);
  await runJob(job, FAST, { ...bench.deps, clock: { ...systemClock, sleep } }, new AbortController().signal);
  const env = { BATCHCTL_EMULATOR_URL: bench.emulator.url };
  const retrieve = (more: Record<string, string> = {}) =>
    runCli(['retrieve', job.jobId], { cwd: bench.dir, env: { ...env, ...more } });
  const calls = async () => (await bench.truth()).calls['GET /v1/messages/batches/{id}/results'] ?? 0;
  const before = await calls();

  const status = await runCli(['status', job.jobId], { cwd: bench.dir, env });
  expect(status.stderr).toContain(`next: batchctl retrieve ${job.jobId}   (asks once more for missing rows`);

  const still = await retrieve();
  expect(still).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('still has no result for 1 missing row'),
  });
  expect(await calls()).toBe(before + 1);

  await bench.setFaults();
  const away = await retrieve({ ANTHROPIC_API_KEY: 'sk-emu-away' });
  expect(away).toMatchObject({ code: 3, stderr: expect.stringContaining('were not asked for again') });
  const gone = await retrieve({ BATCHCTL_EMULATOR_URL: 'http://127.0.0.1:9' });
  expect(gone).toMatchObject({ code: 3, stderr: expect.stringContaining('were not asked for again') });
  expect(await calls()).toBe(before + 1);

  const came = await retrieve();
  expect(came.code, came.stderr).toBe(0);
  expect(came.stderr).toContain('has results by now for 1 of 1 missing row');
  expect((await bench.deps.store.shards(job.id))[0]?.tally).toMatchObject({ succeeded: 4, missing: 0 });
  expect(came.stderr).toContain(`next: batchctl verify ${job.jobId}`);
  expect((await bench.deps.store.jobById(job.id)).state).toBe('done');
  expect(await bench.ownBatches()).toHaveLength(1);
});
