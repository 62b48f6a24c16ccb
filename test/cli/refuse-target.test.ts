import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCli } from '../support/run-cli.ts';
import { writeSampleJob } from '../support/sample-job.ts';
import { makeTempDir } from '../support/temp-dir.ts';

test('results are never written over what the job lives on', async () => {
  const dir = makeTempDir();
  writeSampleJob(dir, 3);
  const env = { BATCHCTL_EMULATOR_BATCH_SECONDS: '1' };
  const done = await runCli(['submit', '--use-batch', '--emulator', '--interval', '200ms'], {
    cwd: dir,
    env,
  });
  expect(done.code, done.stderr).toBe(0);
  const before = ['words.csv', 'words.job.yaml'].map((name) => readFileSync(join(dir, name), 'utf8'));
  for (const target of ['words.csv', 'words.job.yaml', '.batchctl/state.db', 'batch_results/x.csv']) {
    for (const args of [
      ['export', 'latest', '--format', 'csv', '-o', target],
      ['retrieve', 'latest', '-o', target],
    ]) {
      const { code, stderr } = await runCli(args, { cwd: dir });
      expect([code, stderr.includes(`${target} is not written to`)], args.join(' ')).toEqual([2, true]);
    }
  }
  expect(['words.csv', 'words.job.yaml'].map((name) => readFileSync(join(dir, name), 'utf8'))).toEqual(
    before,
  );
  expect((await runCli(['export', 'latest', '--format', 'csv', '-o', 'out.csv'], { cwd: dir })).code).toBe(0);
  expect((await runCli(['list', '--all'], { cwd: dir })).code).toBe(0);
}, 60_000);

test('a word about a doubt that is none is refused', async () => {
  const dir = makeTempDir();
  writeSampleJob(dir, 2);
  const env = { BATCHCTL_EMULATOR_BATCH_SECONDS: '1' };
  await runCli(['submit', '--use-batch', '--emulator', '--interval', '200ms'], { cwd: dir, env });
  const { code, stderr } = await runCli(['resume', 'latest', '--resubmit'], { cwd: dir });
  expect(code).toBe(2);
  expect(stderr).toContain('is in doubt');
}, 60_000);
