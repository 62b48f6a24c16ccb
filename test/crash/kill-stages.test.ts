import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeFiles } from '../support/build-job.ts';
import { startEmulatorProcess } from '../support/emulator-process.ts';
import { runCli, startCli } from '../support/run-cli.ts';
import { seeded } from '../support/seeded.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const RECORDS = 24;
const STAGES = 3;
const FLAGS = ['--settle', '2s', '--interval', '200ms'];

const JOB = `name: chain
model: claude-haiku-5-5
max_tokens: 300
source: { axes: { n: 1-${RECORDS} } }
id: "r{{n}}"
retry: { attempts: 3, on: [overloaded] }
stages:
  - { name: notes, prompt: "marker-r{{n}}-end: notes" }
  - { name: report, needs: notes, prompt: "report on {{notes.text}}" }
  - { name: brief, needs: report, prompt: "brief on {{report.text}}" }
`;

interface Row {
  readonly custom_id: string;
  readonly stage: string;
  readonly status: string;
  readonly text: string | null;
  readonly attempt: number;
}

it.each([1, 2, 3])(
  'seed %i: a chain of stages with retries, killed at random moments, sends each attempt once',
  async (seed) => {
    const random = seeded(seed);
    const dir = makeTempDir();
    writeFiles(dir, { 'chain.job.yaml': JOB });
    const emulator = await startEmulatorProcess(makeTempDir(), ['--batch-seconds', '1']);
    await emulator.setFaults([
      'rows-overloaded=0.3',
      ...random.pick([[], ['lost-reply@3'], ['lost-reply@1']]),
    ]);
    const options = { cwd: dir, env: { BATCHCTL_EMULATOR_URL: emulator.url } };
    const submit = ['submit', '--use-batch', '--emulator', '--max-shard-requests', '9', ...FLAGS];
    let isFinal = false;
    for (let killed = 0; killed < 14 && !isFinal; killed += 1) {
      const running = startCli(random.next() < 0.5 ? submit : ['resume', ...FLAGS], options);
      const timer = setTimeout(() => running.child.kill('SIGKILL'), random.between(300, 1_300));
      await running.finished;
      clearTimeout(timer);
      const { stdout } = await runCli(['list', '--all', '--json'], options);
      isFinal = JSON.parse(stdout).some((job: { state: string }) => job.state === 'done');
    }
    // The content of a finished job would be a new job.
    const last = await runCli(isFinal ? ['status', 'latest'] : submit, options);
    expect([0, 3], last.stderr).toContain(last.code);
    const status = JSON.parse((await runCli(['status', 'latest', '--json'], options)).stdout);
    expect(status.state).toBe('done');
    const rows: Row[] = readFileSync(join(dir, status.output_dir, 'results.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows).toHaveLength(RECORDS * STAGES);
    const ours = (await emulator.truth()).batches.filter((batch) => !batch.foreign);
    expect(ours.map((batch) => batch.id).sort()).toEqual(
      status.batches.map((batch: { batch_id: string }) => batch.batch_id).sort(),
    );
    const attempts = rows.filter((row) => row.status !== 'held').reduce((sum, row) => sum + row.attempt, 0);
    expect(ours.reduce((sum, batch) => sum + batch.requests, 0)).toBe(attempts);
    for (const row of rows) {
      if (row.status === 'succeeded') expect(row.text).toContain(`marker-${row.custom_id}-end`);
      else expect(row.status === 'held' || row.attempt === 3).toBe(true);
    }
    const verify = JSON.parse((await runCli(['verify', 'latest', '--json'], options)).stdout);
    expect(verify).toMatchObject({ ok: true, requests: RECORDS * STAGES, problems: [] });
    await emulator.stop();
  },
  180_000,
);
