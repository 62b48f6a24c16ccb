import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, vi } from 'vitest';
import { type Emulator, startEmulator } from '../../src/emulator/server.ts';
import { CANARY_KEY } from '../support/canary.ts';
import type { Truth } from '../support/emulator-process.ts';
import { type Finished, startCli } from '../support/run-cli.ts';
import { marker, writeSampleJob } from '../support/sample-job.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { FAILPOINTS } from './failpoint.ts';
import type { Ending, FaultCase, Step } from './row.ts';

export type { Finished };

const PACE = ['--settle', '2s', '--interval', '100ms'];
export const SUBMIT = ['submit', '--use-batch', '--emulator', ...PACE];
export const RESUME = ['resume', 'latest', ...PACE];
export const RETRIEVE = ['retrieve', 'latest', '--wait', '--interval', '100ms'];

/** A workspace with one job file, an emulator that outlives every command, and the program as a child process. */
export interface FaultBench {
  readonly dir: string;
  readonly emulator: Emulator;
  readonly records: number;
  run(args: readonly string[], more?: Pick<Step, 'env' | 'failpoint'>): Promise<Finished>;
  truth(): Promise<Truth>;
  setFaults(faults: readonly string[]): Promise<void>;
  /** `status latest --json`. */
  status(): Promise<Status>;
  /** Lines of results.jsonl of the newest job. */
  results(): Promise<readonly ResultLine[]>;
  /** Rows of the store, read beside whatever runs. */
  select(sql: string): readonly Record<string, unknown>[];
}

export interface Status {
  readonly job_id: string;
  readonly state: string;
  readonly output_dir: string;
  readonly batches: readonly { readonly batch_id: string; readonly requests: number }[];
}

export interface ResultLine {
  readonly custom_id: string;
  readonly status: string;
  readonly failure: string | null;
  readonly text: string | null;
}

/** Waits until the account has no batch that goes on. */
export async function allEnded({ emulator }: FaultBench): Promise<void> {
  const headers = { 'x-api-key': CANARY_KEY, 'anthropic-version': '2026-10-21' };
  const url = `${emulator.url}/v1/messages/batches?limit=100`;
  await vi.waitUntil(
    async () => {
      const { data } = (await (await fetch(url, { headers })).json()) as {
        readonly data: readonly { readonly processing_status: string }[]; // the emulator's own form
      };
      return data.length > 0 && data.every((batch) => batch.processing_status === 'ended');
    },
    { timeout: 30_000 },
  );
}

/** Runs a case, and holds it to what it says and to what must always hold. */
export async function runCase(one: FaultCase): Promise<void> {
  const bench = await makeBench(one);
  for (const step of one.steps) await runStep(bench, step, one);
  if (one.ends !== null) await expectEnding(bench, one.ends ?? {}, one);
}

export async function makeBench(
  one: Pick<FaultCase, 'records' | 'shard' | 'jobFile' | 'batchSeconds'> = {},
): Promise<FaultBench> {
  const dir = makeTempDir();
  const records = one.records ?? 15;
  writeSampleJob(dir, records, one.jobFile);
  const emulator = await startEmulator({ stateDir: makeTempDir(), batchSeconds: one.batchSeconds ?? 0.3 });
  onTestFinished(() => emulator.close());
  const bench: FaultBench = {
    dir,
    emulator,
    records,
    run: (args, { env, failpoint } = {}) => {
      const nodeArgs = failpoint === undefined ? [] : ['--import', FAILPOINTS];
      const point: Record<string, string> = failpoint === undefined ? {} : { FAILPOINT: failpoint };
      const url = { BATCHCTL_EMULATOR_URL: emulator.url };
      return startCli(args, { cwd: dir, nodeArgs, env: { ...url, ...point, ...env } }).finished;
    },
    truth: async () => (await (await fetch(`${emulator.url}/_emulator/truth`)).json()) as Truth,
    async setFaults(faults) {
      const body = JSON.stringify({ faults });
      const response = await fetch(`${emulator.url}/_emulator/faults`, { method: 'POST', body });
      if (!response.ok) throw new Error(await response.text());
    },
    status: async () => JSON.parse((await bench.run(['status', 'latest', '--json'])).stdout),
    async results() {
      const { output_dir } = await bench.status();
      return readFileSync(join(dir, output_dir, 'results.jsonl'), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
    },
    select(sql) {
      const db = new Database(join(dir, '.batchctl/state.db'), { readonly: true });
      try {
        return db.prepare<[], Record<string, unknown>>(sql).all();
      } finally {
        db.close();
      }
    },
  };
  return bench;
}

async function runStep(bench: FaultBench, step: Step, one: FaultCase): Promise<void> {
  await step.before?.(bench);
  if (step.faults !== undefined) await bench.setFaults(step.faults);
  const isSubmit = step.args[0] === 'submit' && !step.args.includes('--max-shard-requests');
  const limit = isSubmit ? ['--max-shard-requests', String(one.shard ?? 10)] : [];
  const finished = await bench.run([...step.args, ...limit, '--json'], step);
  const { stderr } = finished;
  expect(finished.signal ?? finished.code, `${step.args.join(' ')}\n${stderr}`).toBe(step.exit);
  // A stack is for bugs alone, and none of these faults is one.
  expect(stderr).not.toMatch(/^\s+at .+:\d+:\d+/m);
  if (step.error !== undefined) expect(errorCode(stderr), stderr).toBe(step.error);
  if (step.posts !== undefined || step.batches !== undefined) {
    const truth = await bench.truth();
    if (step.posts !== undefined) expect(truth.posts.length, stderr).toBe(step.posts);
    if (step.batches !== undefined) expect(ownBatches(truth).length, stderr).toBe(step.batches);
  }
  await step.after?.(bench, finished);
}

export function ownBatches(truth: Truth): Truth['batches'] {
  return truth.batches.filter((batch) => !batch.foreign);
}

/** The code of the one JSON line that an error is with `--json`. */
export function errorCode(stderr: string): string | null {
  const line = stderr.split('\n').find((text) => text.startsWith('{"error":'));
  return line === undefined ? null : JSON.parse(line).error.code;
}

/** Nothing paid that nobody adopted, nothing paid twice, each answer on its own row, each POST known to the store. */
async function expectEnding(bench: FaultBench, ends: Ending, one: FaultCase): Promise<void> {
  const status = await bench.status();
  expect(status.state).toBe(ends.state ?? 'done');
  const truth = await bench.truth();
  const ours = ownBatches(truth);
  expect(ours.map(({ id }) => id).sort()).toEqual(status.batches.map((batch) => batch.batch_id).sort());
  expect(ours.length).toBe(ends.batches ?? Math.ceil(bench.records / (one.shard ?? 10)));
  expect(ours.reduce((sum, batch) => sum + batch.requests, 0)).toBe(ends.sent ?? bench.records);
  const [logged] = bench.select('SELECT COUNT(*) AS submissions FROM submissions');
  expect(truth.posts.length).toBeLessThanOrEqual(Number(logged?.['submissions']));
  await expectRows(bench, ends);
}

async function expectRows(bench: FaultBench, ends: Ending): Promise<void> {
  const rows = await bench.results();
  const ids = Array.from({ length: bench.records }, (_, index) => `r${index + 1}`);
  expect(rows.map((row) => row.custom_id)).toEqual(ids);
  for (const row of rows) {
    if (row.status === 'succeeded' && row.failure === null) expect(row.text).toContain(marker(row.custom_id));
  }
  const failures: Record<string, number> = {};
  for (const { failure } of rows) if (failure !== null) failures[failure] = (failures[failure] ?? 0) + 1;
  expect(failures).toEqual(ends.failures ?? {});
  const failed = Object.values(failures).reduce((sum, count) => sum + count, 0);
  expect(rows.length - failed).toBe(ends.succeeded ?? bench.records - failed);
  const verify = await bench.run(['verify', 'latest', '--json']);
  const gaps = ends.failures?.['missing'] ?? 0;
  expect(verify.code, verify.stdout + verify.stderr).toBe(gaps > 0 ? 3 : 0);
  if (gaps === 0) expect(JSON.parse(verify.stdout)).toMatchObject({ ok: true, requests: bench.records });
}

export function exists(bench: FaultBench, path: string): boolean {
  return existsSync(join(bench.dir, path));
}
