import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.ts';
import { type Finished, runCli, startCli } from '../support/run-cli.ts';
import { marker, writeSampleJob } from '../support/sample-job.ts';
import { type Seeded, seeded } from '../support/seeded.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const RECORDS = 30;
const SEEDS = 16;
/** In one job, should it last so long; where it ends before, the seed goes on with another one. */
const KILLS_PER_SEED = 7;
/** Chosen by the seed; each is live while the runs are killed. */
const WEATHER = [
  [],
  ['lost-reply@2'],
  ['create-500-created@1', 'lost-reply@1'],
  ['create-500@2'],
  ['cut-upload=0.6@3'],
  ['create-slow=1@2', 'list-lag=1'],
  ['create-html-502-created@1', 'results-cut=0.5@2'],
  ['colleague=1', 'lost-reply@1'],
  ['created-at=first-byte', 'create-hang@1'],
  ['not-found=1', 'results-short=0.4@1'],
  ['create-429=1@2', 'early-answer=529@1'],
];
const FLAGS = ['--settle', '2s', '--interval', '200ms'];

let kills = 0;
let emulators: EmulatorProcess[] = [];

afterAll(async () => {
  for (const emulator of emulators) await emulator.stop();
  emulators = [];
});

describe('runs that are killed at random moments', () => {
  it.each(Array.from({ length: SEEDS }, (_, index) => index + 1))(
    'seed %i ends with one batch a shard and one row a request',
    async (seed) => {
      const random = seeded(seed);
      const enough = kills + KILLS_PER_SEED;
      // On a slow machine a batch ends after fewer runs.
      while (kills < enough) await killAndFinish(random, enough);
    },
    300_000,
  );

  it('were killed at least 100 times in all', () => {
    expect(kills).toBeGreaterThanOrEqual(100);
  });
});

async function killAndFinish(random: Seeded, enough: number): Promise<void> {
  const dir = makeTempDir();
  writeSampleJob(dir, RECORDS);
  const emulator = await startEmulatorProcess(makeTempDir(), ['--batch-seconds', '2']);
  emulators.push(emulator);
  await emulator.setFaults(random.pick(WEATHER));
  const last = await runToTheEnd(dir, emulator.url, random, enough);
  expect(last, last.stderr).toMatchObject({ code: 0 });
  await expectExactlyOnce(dir, emulator);
  await emulator.stop();
}

/** Starts the job, kills it, carries it on, and so on; then leaves it alone. A finished job is not started again. */
async function runToTheEnd(dir: string, url: string, random: Seeded, enough: number): Promise<Finished> {
  const options = { cwd: dir, env: { BATCHCTL_EMULATOR_URL: url } };
  const submit = ['submit', '--use-batch', '--emulator', '--max-shard-requests', '10', ...FLAGS];
  for (let started = 0; kills < enough; started += 1) {
    const running = startCli(random.next() < 0.5 || started === 0 ? submit : ['resume', ...FLAGS], options);
    const timer = setTimeout(() => running.child.kill('SIGKILL'), random.between(100, 1_100));
    const finished = await running.finished;
    clearTimeout(timer);
    if (finished.signal === 'SIGKILL') kills += 1;
    // The content of a finished job would be a new job.
    if (await isDone(dir)) return runCli(['status', 'latest'], options);
  }
  // A create that is never answered is waited for: it too is to be killed, and found again.
  for (;;) {
    const running = startCli(submit, options);
    const timer = setTimeout(() => running.child.kill('SIGKILL'), 40_000);
    const finished = await running.finished;
    clearTimeout(timer);
    if (finished.signal !== 'SIGKILL') return finished;
  }
}

async function isDone(dir: string): Promise<boolean> {
  const { stdout } = await runCli(['list', '--all', '--json'], { cwd: dir });
  return JSON.parse(stdout).some((job: { state: string }) => job.state === 'done');
}

async function expectExactlyOnce(dir: string, emulator: EmulatorProcess): Promise<void> {
  const status = JSON.parse((await runCli(['status', 'latest', '--json'], { cwd: dir })).stdout);
  const truth = await emulator.truth();
  const ours = truth.batches.filter((batch) => !batch.foreign);
  expect(status.state).toBe('done');
  expect(ours.map((batch) => batch.id).sort()).toEqual(
    status.batches.map((batch: { batch_id: string }) => batch.batch_id).sort(),
  );
  expect(ours.reduce((sum, batch) => sum + batch.requests, 0)).toBe(RECORDS);
  const rows = readFileSync(join(dir, status.output_dir, 'results.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(rows.map((row) => row.custom_id)).toEqual(
    Array.from({ length: RECORDS }, (_, index) => `r${index + 1}`),
  );
  for (const row of rows) expect(row.text).toContain(marker(row.custom_id));
  const verify = await runCli(['verify', 'latest', '--json'], { cwd: dir });
  expect(JSON.parse(verify.stdout)).toMatchObject({
    ok: true,
    requests: RECORDS,
    succeeded: RECORDS,
    missing: 0,
    unknown: 0,
    duplicate: 0,
  });
}
