import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readRows } from '../support/build-job.ts';
import { runCli } from '../support/run-cli.ts';
import { writeSampleJob } from '../support/sample-job.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const ROWS = 6;

test('a job with output: false has its answers in results.jsonl, and no file of any of them', async () => {
  const cwd = makeTempDir();
  writeSampleJob(cwd, ROWS, 'output: false\n');
  const plan = await runCli(['plan'], { cwd });
  expect(plan.stdout).toContain('files     none of main: its answers are in results.jsonl');
  const { code, stderr } = await runCli(['submit', '--use-batch', '--emulator'], {
    cwd,
    env: { BATCHCTL_EMULATOR_BATCH_SECONDS: '0.2' },
  });
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  const [job] = readdirSync(`${cwd}/batch_results`);
  const dir = `${cwd}/batch_results/${job}`;
  const results = `${dir}/results.jsonl`;
  const files = readdirSync(dir).filter((name) => !/^batch_.*_info\.json$/.test(name));
  expect(files.sort()).toEqual(['failed.jsonl', 'main-0001.raw.jsonl', 'results.jsonl', 'summary.json']);
  const before = readFileSync(results, 'utf8');
  expect(readRows(before).map(({ status, output }) => [status, output])).toEqual(
    Array(ROWS).fill(['succeeded', null]),
  );
  expect((await runCli(['verify', 'latest'], { cwd })).code).toBe(0);
  expect((await runCli(['show', 'latest', 'r1'], { cwd })).stdout).toMatch(/^output +none wanted/m);
  const missing = await runCli(['plan', '--missing'], { cwd });
  expect(missing.code).toBe(2);
  expect(missing.stderr).toContain('its "output" is false, so there are no files to miss');
  // What is put back is put back without them.
  rmSync(results);
  expect((await runCli(['retrieve', 'latest', '--emulator'], { cwd })).code).toBe(0);
  expect(readFileSync(results, 'utf8')).toBe(before);
  expect(existsSync(`${dir}/out`)).toBe(false);
});
