import { onTestFinished } from 'vitest';
import { makeLocks } from '../../src/cli/locks.ts';
import { systemClock } from '../../src/cli/system-clock.ts';
import type { Job } from '../../src/core/job.ts';
import type { Progress } from '../../src/core/ports/progress.ts';
import type { ShardLimits } from '../../src/core/shard.ts';
import { DEFAULT_SHARD_LIMITS } from '../../src/core/shard.ts';
import { type Emulator, startEmulator } from '../../src/emulator/server.ts';
import { openJobFiles } from '../../src/files/job-files.ts';
import { createProvider } from '../../src/providers/anthropic/provider.ts';
import { UPLOAD_TIMES } from '../../src/providers/anthropic/upload-fetch.ts';
import { buildJob } from '../../src/steps/build-requests.ts';
import { cancelJob } from '../../src/steps/cancel-job.ts';
import type { Deps } from '../../src/steps/deps.ts';
import { type RetryOptions, retryJob } from '../../src/steps/retry-job.ts';
import { type RunOptions, type RunOutcome, runJob } from '../../src/steps/run-job.ts';
import { openStore } from '../../src/store/open.ts';
import { CANARY_KEY } from './canary.ts';
import type { Truth } from './emulator-process.ts';
import { jobSpec } from './job-spec.ts';
import { renderDeps } from './render-deps.ts';
import { marker } from './sample-job.ts';
import { makeTempDir } from './temp-dir.ts';

/** Steps with their real adapters: SQLite in a file, HTTP on the loopback, files in a fresh folder. */
export interface Workbench {
  readonly dir: string;
  readonly emulator: Emulator;
  readonly deps: Deps;
  /** What the steps told, in order. */
  readonly told: readonly Progress[];
  build(
    records: number,
    limits?: Partial<ShardLimits>,
    more?: { model?: string; name?: string },
  ): Promise<Job>;
  run(job: Job, options?: Partial<RunOptions>): Promise<RunOutcome>;
  /** As `retry <id>` does it. */
  retry(job: Job, wishes?: Partial<RetryOptions>, options?: Partial<RunOptions>): Promise<RunOutcome>;
  cancel(job: Job): Promise<void>;
  truth(): Promise<Truth>;
  /** Batches that are not a colleague's. */
  ownBatches(): Promise<Truth['batches']>;
  setFaults(...faults: string[]): Promise<void>;
  /** The same workspace with another key. */
  withKey(apiKey: string, keyFingerprint?: string): Deps;
}

export const FAST: RunOptions = {
  submit: true,
  mode: 'batch',
  until: 'final',
  settleMs: 1_500,
  intervalMs: 100,
  maxWaitMs: 40_000,
};

export async function makeWorkbench(
  options: { batchSeconds?: number; answerMs?: number } = {},
): Promise<Workbench> {
  const dir = makeTempDir();
  const emulator = await startEmulator({
    stateDir: `${dir}/.batchctl`,
    batchSeconds: options.batchSeconds ?? 1,
  });
  const store = await openStore(`${dir}/.batchctl/state.db`, {
    programVersion: 'test',
    now: () => new Date(),
  });
  onTestFinished(async () => {
    store.close();
    await emulator.close();
  });
  const told: Progress[] = [];
  const withKey = (apiKey: string, keyFingerprint = apiKey): Deps => ({
    store,
    files: openJobFiles(dir),
    clock: systemClock,
    rendering: async (jobFile) => renderDeps(dir, jobFile),
    report: (progress) => told.push(progress),
    polls: new Map(),
    locks: makeLocks({ stateDir: `${dir}/.batchctl`, commandLine: 'test', clock: systemClock }),
    provider: createProvider({
      apiKey,
      baseUrl: emulator.url,
      account: { baseUrl: `emulator:${emulator.accountId}`, keyFingerprint },
      apiVersion: '2026-10-21',
      userAgent: 'batchctl-test',
      times: { ...UPLOAD_TIMES, answerMs: options.answerMs ?? 5_000 },
    }),
  });
  const deps = withKey(CANARY_KEY, 'canary');
  const bench: Workbench = {
    dir,
    emulator,
    deps,
    told,
    withKey,
    async build(records, limits = {}, more = {}) {
      const model = more.model ?? 'claude-haiku-5-5';
      const spec = jobSpec({ model, limits: { ...DEFAULT_SHARD_LIMITS, ...limits }, on: 'emulator' });
      const input = { name: more.name ?? 'words', spec, frozen: null, reuse: true };
      const items = render(records, model);
      const { job, lock } = await buildJob({ ...input, items }, deps, new AbortController().signal);
      lock?.release();
      return job;
    },
    run: (job, more = {}) => runJob(job, { ...FAST, ...more }, deps, new AbortController().signal),
    async retry(job, wishes = {}, more = {}) {
      const { signal } = new AbortController();
      const options = { classes: null, force: false, stage: null, route: null, ...wishes };
      await retryJob(await deps.store.jobById(job.id), options, deps, signal);
      return runJob(await deps.store.jobById(job.id), { ...FAST, ...more }, deps, signal);
    },
    cancel: (job) => cancelJob(job, deps, new AbortController().signal),
    truth: async () => (await (await fetch(`${emulator.url}/_emulator/truth`)).json()) as Truth,
    ownBatches: async () => (await bench.truth()).batches.filter((batch) => !batch.foreign),
    async setFaults(...faults) {
      await fetch(`${emulator.url}/_emulator/faults`, { method: 'POST', body: JSON.stringify({ faults }) });
    },
  };
  return bench;
}

async function* render(records: number, model: string) {
  yield Array.from({ length: records }, (_, index) => {
    const customId = `r${index + 1}`;
    return {
      kind: 'request' as const,
      seq: index + 1,
      customId,
      originalId: null,
      record: { json: '{}' },
      group: null,
      stages: [
        {
          paramsJson: JSON.stringify({
            model,
            max_tokens: 400,
            messages: [{ role: 'user', content: `${marker(customId)}: say it` }],
          }),
          outputPath: null,
        },
      ],
      at: { file: 'words.csv', line: index + 2 },
    };
  });
}
