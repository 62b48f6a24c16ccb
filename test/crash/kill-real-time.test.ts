import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.ts';
import { runCli, startCli } from '../support/run-cli.ts';
import { marker, writeSampleJob } from '../support/sample-job.ts';
import { seeded } from '../support/seeded.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const RECORDS = 60;
const SEEDS = 6;
const KILLS = 6;
const CONCURRENCY = 4;
const WEATHER = [
  ['message-slow=0.05@500'],
  ['message-slow=0.1@60', 'message-500@4', 'message-429=1@2'],
  ['message-slow=0.05@500', 'message-drop@3'],
];

describe('real-time runs that are killed at random moments', () => {
  it.each(Array.from({ length: SEEDS }, (_, index) => index + 1))(
    'seed %i ask nothing again that has its line, and end with one good row a request',
    async (seed) => {
      const random = seeded(seed);
      const dir = makeTempDir();
      writeSampleJob(dir, RECORDS);
      const emulator = await startEmulatorProcess(makeTempDir());
      onTestFinished(() => emulator.stop());
      await emulator.setFaults(random.pick(WEATHER));
      const options = { cwd: dir, env: { BATCHCTL_EMULATOR_URL: emulator.url } };
      const flags = ['--emulator', '--concurrency', String(CONCURRENCY), '--max-shard-requests', '25'];
      let kills = 0;
      for (let round = 0; round < KILLS && !(await isDone(dir)); round += 1) {
        await expectNotAskedAgain(dir, emulator, async () => {
          // A finished job is not started again: its content would be a new one.
          const args = random.next() < 0.6 || round === 0 ? ['submit', ...flags] : ['resume'];
          const running = startCli(args, options);
          const timer = setTimeout(() => running.child.kill('SIGKILL'), random.between(250, 1_200));
          const { signal } = await running.finished;
          clearTimeout(timer);
          if (signal === 'SIGKILL') kills += 1;
        });
      }
      expect(kills).toBeGreaterThan(0);
      await emulator.setFaults([]);
      await expectNotAskedAgain(dir, emulator, async () => {
        if (!(await isDone(dir))) await runCli(['submit', ...flags], options);
      });
      await expectExactlyOnce(dir);
      // Only what was under way at a kill may have been paid and asked again.
      const paid = (await emulator.truth()).messages.filter((message) => message.answered).length;
      expect(paid).toBeLessThanOrEqual(RECORDS + kills * 8 + 3);
    },
    120_000,
  );
});

async function isDone(dir: string): Promise<boolean> {
  const { stdout } = await runCli(['list', '--all', '--json'], { cwd: dir });
  return JSON.parse(stdout).some((job: { state: string }) => job.state === 'done');
}

/** What has a line when the work begins is not asked by it. */
async function expectNotAskedAgain(
  dir: string,
  emulator: EmulatorProcess,
  work: () => Promise<void>,
): Promise<void> {
  // The calls of the run that was killed are in the truth before they are answered.
  const before = await countByPrompt(emulator);
  const answered = answeredIn(dir);
  await work();
  const after = await countByPrompt(emulator);
  for (const id of answered) expect([id, after.get(id)]).toEqual([id, before.get(id)]);
}

async function countByPrompt(emulator: EmulatorProcess): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const { prompt } of (await emulator.truth()).messages) {
    const id = /marker-(\w+)-end/.exec(prompt)?.[1] ?? prompt;
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

function answeredIn(dir: string): readonly string[] {
  const results = join(dir, 'batch_results');
  if (!existsSync(results)) return [];
  return readdirSync(results, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.raw\.jsonl(?:\.part)?$/.test(path))
    .flatMap((path) => readFileSync(join(results, path), 'utf8').split('\n').slice(0, -1))
    .map((line) => String(JSON.parse(line).custom_id).split('--')[0] ?? '');
}

async function expectExactlyOnce(dir: string): Promise<void> {
  const [job, ...others] = JSON.parse((await runCli(['list', '--all', '--json'], { cwd: dir })).stdout);
  expect(others).toEqual([]);
  expect(job).toMatchObject({ state: 'done', succeeded: RECORDS });
  const rows = readFileSync(join(dir, 'batch_results', job.job_id, 'results.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(rows.map((row) => row.custom_id)).toEqual(
    Array.from({ length: RECORDS }, (_, index) => `r${index + 1}`),
  );
  for (const row of rows) expect(row.text).toContain(marker(row.custom_id));
  const verify = await runCli(['verify', 'latest', '--json'], { cwd: dir });
  expect(JSON.parse(verify.stdout)).toMatchObject({ ok: true, succeeded: RECORDS, unknown: 0, duplicate: 0 });
}
