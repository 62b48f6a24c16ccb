import { expect, test } from 'vitest';
import { runCli } from '../support/run-cli.ts';
import { writeSampleJob } from '../support/sample-job.ts';
import { makeTempDir } from '../support/temp-dir.ts';

test('a job whose failed requests were pruned is not to be retried but built anew, on the side where it was sent', async () => {
  const dir = makeTempDir();
  writeSampleJob(dir, 3);
  const env = { BATCHCTL_EMULATOR_BATCH_SECONDS: '0.1', BATCHCTL_EMULATOR_FAULTS: 'rows-expired=1' };
  const run = (...args: readonly string[]) => runCli(args, { cwd: dir, env });
  const sent = await run('submit', '--use-batch', '--emulator', '--interval', '100ms');
  expect(sent.stderr).toMatch(/next: batchctl retry \S+ {3}\(/);
  // Without --failed they stay, and so does the way out.
  await run('--yes', 'prune', '--older-than', '0s');
  expect((await run('retrieve', 'latest')).stderr).toContain('next: batchctl retry');
  await run('--yes', 'prune', '--older-than', '0s', '--failed');
  const retried = await run('retry', 'latest');
  expect(retried).toMatchObject({ code: 3, stderr: expect.stringContaining('nothing to send again') });
  expect(retried.stderr).not.toContain('next: batchctl retry');
  expect(retried.stderr).toContain('next: batchctl submit --use-batch --changed --emulator   (');
  const document = JSON.parse((await run('status', 'latest', '--json')).stdout);
  expect(document).toMatchObject({ failures: { expired: 3 }, pruned: { rows_without_retry: 3 } });
});
