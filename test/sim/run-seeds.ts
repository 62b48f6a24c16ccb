import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runSeed, type SeedReport } from './run-seed.ts';

export interface RunSeedsOptions {
  readonly seeds: readonly number[];
  /** So many seeds at once: most of their time is waiting. */
  readonly jobs: number;
  readonly bin?: string;
  onReport?(report: SeedReport): void;
}

/** Runs all seeds, some at once, and returns what came of them in no order. */
export async function runSeeds({
  seeds,
  jobs,
  bin,
  onReport,
}: RunSeedsOptions): Promise<readonly SeedReport[]> {
  const cacheDir = mkdtempSync(join(tmpdir(), 'batchctl-sim-cache-'));
  const reports: SeedReport[] = [];
  const left = [...seeds];
  const work = async (): Promise<void> => {
    for (let seed = left.shift(); seed !== undefined; seed = left.shift()) {
      const report = await runSeed(seed, { cacheDir, ...(bin === undefined ? {} : { bin }) });
      reports.push(report);
      onReport?.(report);
    }
  };
  try {
    await Promise.all(Array.from({ length: jobs }, work));
  } finally {
    rmSync(cacheDir, { recursive: true, force: true });
  }
  return reports;
}
