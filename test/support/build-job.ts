import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Job } from '../../src/core/job.ts';
import { specOf } from '../../src/core/job-spec.ts';
import { DEFAULT_SHARD_LIMITS, type ShardLimits } from '../../src/core/shard.ts';
import { loadJobFile } from '../../src/files/load-job-file.ts';
import { buildJob } from '../../src/steps/build-requests.ts';
import { renderRequests } from '../../src/steps/render-requests.ts';
import { resolveJob } from '../../src/steps/resolve-job.ts';
import { renderDeps } from './render-deps.ts';
import type { Workbench } from './workbench.ts';

export interface BuildWishes {
  readonly limits?: Partial<ShardLimits>;
  readonly changedOnly?: boolean;
  readonly reuse?: boolean;
}

export function writeFiles(dir: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
}

/** Builds a job in a workbench from the text of a job file, as `build` does. */
export async function buildFrom(bench: Workbench, yaml: string, wishes: BuildWishes = {}): Promise<Job> {
  writeFiles(bench.dir, { 'x.job.yaml': yaml });
  const jobFile = await loadJobFile(join(bench.dir, 'x.job.yaml'), { root: bench.dir });
  const deps = renderDeps(bench.dir, jobFile);
  const resolved = await resolveJob(jobFile, deps);
  const { signal } = new AbortController();
  const { job, lock } = await buildJob(
    {
      name: jobFile.name,
      spec: specOf(jobFile, {
        on: 'emulator',
        file: null,
        limits: { ...DEFAULT_SHARD_LIMITS, ...wishes.limits },
        changedOnly: wishes.changedOnly ?? false,
      }),
      frozen: resolved,
      items: renderRequests(resolved, deps, signal),
      reuse: wishes.reuse ?? false,
    },
    bench.deps,
    signal,
  );
  lock?.release();
  return job;
}

/** The lines of a JSONL file of a job, parsed. */
export function readRows(text: string): readonly Readonly<Record<string, unknown>>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
