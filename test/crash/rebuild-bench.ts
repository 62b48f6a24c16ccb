import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { type Emulator, startEmulator } from '../../src/emulator/server.ts';
import type { Truth } from '../support/emulator-process.ts';
import { type Finished, type RunningCli, runCli, startCli } from '../support/run-cli.ts';
import { makeTempDir } from '../support/temp-dir.ts';

export const RECORDS = 12;

/** Of one record each prompt and its answer can be told apart. */
export const SAMPLE_JOB = `name: words
model: claude-haiku-5-5
max_tokens: 400
source: { csv: words.csv }
output: "texts/{{word}}.md"
prompt: "marker-{{id}}-end: explain {{word}}"
`;

export const TWO_STAGES = `name: words
model: claude-haiku-5-5
max_tokens: 400
source: { csv: words.csv }
stages:
  - { name: notes, prompt: "marker-{{id}}-end: note {{word}}", output: "notes/{{word}}.md" }
  - { name: report, needs: notes, prompt: "marker-{{id}}-end: report {{notes.text}}" }
`;

/** A workspace whose database is lost and made again, and the emulator that tells what was really paid. */
export interface RebuildBench {
  readonly dir: string;
  readonly emulator: Emulator;
  cli(...args: readonly string[]): Promise<Finished>;
  start(...args: readonly string[]): RunningCli;
  submit(...more: readonly string[]): readonly string[];
  truth(): Promise<Truth>;
  setFaults(...faults: readonly string[]): Promise<void>;
  /** The state of the newest job. */
  status(): Promise<Status>;
  /** The folder with its results, absolute. */
  results(): Promise<string>;
}

export interface Status {
  readonly job_id: string;
  readonly state: string;
  readonly requests: number;
  readonly batches: readonly { readonly batch_id: string; readonly requests: number }[];
  readonly output_dir: string;
}

export async function makeRebuildBench(
  options: { job?: string; batchSeconds?: number } = {},
): Promise<RebuildBench> {
  const dir = makeTempDir();
  const rows = Array.from({ length: RECORDS }, (_, index) => `r${index + 1},word${index + 1}`);
  writeFileSync(join(dir, 'words.csv'), `id,word\n${rows.join('\n')}\n`);
  writeFileSync(join(dir, 'words.job.yaml'), options.job ?? SAMPLE_JOB);
  const emulator = await startEmulator({
    stateDir: makeTempDir(),
    batchSeconds: options.batchSeconds ?? 0.2,
  });
  onTestFinished(() => emulator.close());
  const env = {
    BATCHCTL_EMULATOR_URL: emulator.url,
    NODE_COMPILE_CACHE: join(tmpdir(), 'batchctl-compile-cache'),
  };
  const run = { cwd: dir, env };
  const bench: RebuildBench = {
    dir,
    emulator,
    cli: (...args) => runCli(args, run),
    start: (...args) => startCli(args, run),
    submit: (...more) => [
      ...['submit', '--use-batch', '--emulator', '--max-shard-requests', '5'],
      ...['--interval', '100ms', '--settle', '1s', ...more],
    ],
    truth: async () => (await (await fetch(`${emulator.url}/_emulator/truth`)).json()) as Truth,
    async setFaults(...faults) {
      await fetch(`${emulator.url}/_emulator/faults`, { method: 'POST', body: JSON.stringify({ faults }) });
    },
    async status() {
      const { stdout, stderr } = await bench.cli('status', 'latest', '--json');
      expect(stdout, stderr).not.toBe('');
      return JSON.parse(stdout) as Status;
    },
    results: async () => join(dir, (await bench.status()).output_dir),
  };
  return bench;
}

/** The body of a test with a bench of its own. */
export function onBench<A extends readonly unknown[]>(
  options: Parameters<typeof makeRebuildBench>[0],
  body: (bench: RebuildBench, ...args: A) => Promise<void>,
): (...args: A) => Promise<void> {
  return async (...args) => body(await makeRebuildBench(options), ...args);
}

/** Ways in which a database is gone. */
export const LOSSES: Readonly<Record<string, (dir: string) => void>> = {
  removed: (dir) => {
    for (const side of ['', '-wal', '-shm']) rmSync(join(dir, `.batchctl/state.db${side}`), { force: true });
  },
  'overwritten with noise': (dir) => {
    LOSSES['removed']?.(dir);
    writeFileSync(join(dir, '.batchctl/state.db'), Buffer.alloc(20_000, 'noise'));
  },
  'cut in the middle': (dir) => {
    const path = join(dir, '.batchctl/state.db');
    const bytes = readFileSync(path);
    LOSSES['removed']?.(dir);
    writeFileSync(path, bytes.subarray(0, Math.max(3_000, Math.floor(bytes.length / 2) - 100)));
  },
};

/** What a user does then. */
export async function loseAndRebuild(
  bench: RebuildBench,
  loss = 'removed',
  ...flags: readonly string[]
): Promise<RebuildDocument> {
  LOSSES[loss]?.(bench.dir);
  const rebuilt = await bench.cli('doctor', '--rebuild', '--json', ...flags);
  expect(rebuilt.code, rebuilt.stderr).toBe(0);
  expect(existsSync(join(bench.dir, '.batchctl/state.db'))).toBe(true);
  return JSON.parse(rebuilt.stdout) as RebuildDocument;
}

export interface RebuildDocument {
  readonly jobs: readonly {
    readonly job_id: string;
    readonly state: string;
    readonly batches: readonly string[];
    readonly in_doubt: readonly { readonly shard: number; readonly candidates: readonly string[] }[];
    readonly reopened: boolean;
    readonly remarks: readonly string[];
  }[];
  readonly cut_off: readonly string[];
  readonly moved_to: readonly string[];
  readonly copies: readonly string[];
}

/** Every batch that was paid is the job's, every request was in one of them, and every row has its own answer. */
export async function expectPaidOnce(bench: RebuildBench, requests = RECORDS): Promise<void> {
  const status = await bench.status();
  expect(status.state).toBe('done');
  const ours = (await bench.truth()).batches.filter((batch) => !batch.foreign);
  expect(ours.map(({ id }) => id).sort()).toEqual(status.batches.map((batch) => batch.batch_id).sort());
  expect(ours.reduce((sum, batch) => sum + batch.requests, 0)).toBe(requests);
  await expectRows(join(bench.dir, status.output_dir));
  const verify = await bench.cli('verify', 'latest', '--json');
  expect(JSON.parse(verify.stdout)).toMatchObject({ ok: true, missing: 0, unknown: 0, duplicate: 0 });
}

export async function expectRows(dir: string): Promise<void> {
  const rows = readFileSync(join(dir, 'results.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(new Set(rows.map((row) => row.custom_id)).size).toBe(RECORDS);
  for (const row of rows) expect(row.text).toContain(`marker-${row.custom_id}-end`);
}

/** Kills the run once it has said this. */
export async function killAt(running: RunningCli, text: string): Promise<void> {
  await running.waitFor(text);
  running.child.kill('SIGKILL');
  await running.finished;
}

/** Until the first create has come whole, whatever is answered. */
export async function untilPosted(bench: RebuildBench): Promise<void> {
  for (let tries = 0; tries < 1_000; tries += 1) {
    if ((await bench.truth()).batches.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('no create has come');
}

export function copyResults(from: string): string {
  const to = makeTempDir();
  cpSync(from, to, { recursive: true });
  return to;
}
