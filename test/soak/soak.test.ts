import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { scrubbedEnv } from '../support/run-cli.ts';
import type { Trend } from './sample.ts';

const SOAK = fileURLToPath(new URL('soak.ts', import.meta.url));
const JOBS = 30;

it(`${JOBS} jobs in one process leave no memory, no handle and no log behind`, () => {
  // As bin sets it: without it the young generation takes page after page that it never gives back, up to 134 MB here.
  const args = ['--expose-gc', '--optimize-for-size', SOAK, '--jobs', String(JOBS), '--every', '3', '--json'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    env: scrubbedEnv(),
    encoding: 'utf8',
  });
  expect(status, stderr).toBe(0);
  const trends: readonly Trend[] = JSON.parse(stdout).trends;
  const grown = (figure: Trend['figure']): number => {
    const trend = trends.find((one) => one.figure === figure);
    return trend === undefined ? Number.NaN : trend.last - trend.first;
  };
  // 20 jobs lie between the two thirds: a leak of 100 kB a job is 2 MB.
  expect(grown('heapMb')).toBeLessThan(2);
  // 200 jobs: 120 to 125 MB. The first hundred or so still warm up.
  expect(grown('rssMb')).toBeLessThan(12);
  expect(grown('handles')).toBeLessThanOrEqual(0);
  expect(grown('emulatorHandles')).toBeLessThanOrEqual(2);
  for (const wal of ['walMb', 'emulatorWalMb'] as const)
    expect(trends.find(({ figure }) => figure === wal)?.most).toBeLessThan(16);
}, 120_000);
