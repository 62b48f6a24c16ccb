import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startEmulator } from '../../src/emulator/server.ts';
import type { Truth } from '../support/emulator-process.ts';
import { runCli, startCli } from '../support/run-cli.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const PATIENCE_MS = 60_000;

async function makeLiveBench(...faults: readonly string[]) {
  const dir = makeTempDir();
  const emulator = await startEmulator({ stateDir: makeTempDir(), batchSeconds: 1.5, faults });
  onTestFinished(() => emulator.close());
  const env = {
    BATCHCTL_EMULATOR_URL: emulator.url,
    NODE_COMPILE_CACHE: join(tmpdir(), 'batchctl-compile-cache'),
  };
  return {
    dir,
    cli: (...args: readonly string[]) => runCli([...args, '--emulator'], { cwd: dir, env }),
    start: (...args: readonly string[]) => startCli([...args, '--emulator'], { cwd: dir, env }),
    truth: async () => (await (await fetch(`${emulator.url}/_emulator/truth`)).json()) as Truth,
    state: async (id: string) => {
      const headers = { 'x-api-key': 'sk-emu-emulator', 'anthropic-version': '2026-10-21' };
      const answer = await fetch(`${emulator.url}/v1/messages/batches/${id}`, { headers });
      return (await answer.json()) as { processing_status: string; cancel_initiated_at: string | null };
    },
  };
}

interface Answer {
  readonly probe: string;
  readonly question: string;
  readonly answer: string | null;
  readonly as_assumed: boolean | null;
}

/** By the first words of the question. */
function find(answers: readonly Answer[], words: string): Answer | undefined {
  return answers.find(({ question }) => question.includes(words));
}

test(
  'asks what recovery assumes, leaves nothing running, and writes the answers down',
  async () => {
    const { dir, cli, truth, state } = await makeLiveBench();
    const { code, stdout, stderr } = await cli('doctor', '--live', '--json');
    expect(code, stderr).toBe(0);
    const document = JSON.parse(stdout);
    const answers: readonly Answer[] = document.answers;
    expect(answers.filter(({ as_assumed }) => as_assumed === false)).toEqual([]);
    expect(find(answers, 'make a batch')?.answer).toBe('no');
    expect(find(answers, 'created_at')?.answer).toBe('of the last byte');
    expect(find(answers, 'counts move')?.answer).toBe('no');
    expect(find(answers, 'Date')?.answer).toBe('yes');
    expect(answers.filter(({ answer }) => answer === null).map(({ probe }) => probe)).toEqual([
      'V2',
      'V6',
      'V7',
      'V8',
      'V10',
    ]);
    const { path, earlier, ...record } = document;
    expect(JSON.parse(readFileSync(join(dir, path), 'utf8'))).toEqual(record);
    expect(earlier).toEqual([]);
    // Every batch that exists is in the record, and has ended.
    const { batches, posts } = await truth();
    const made = record.batches.filter((one: { batch_id: string | null }) => one.batch_id !== null);
    expect(made.map((one: { batch_id: string }) => one.batch_id).sort()).toEqual(
      batches.map(({ id }) => id).sort(),
    );
    for (const { id } of batches) expect((await state(id)).processing_status).toBe('ended');
    expect(posts).toHaveLength(record.batches.length);
  },
  PATIENCE_MS,
);

test(
  'its answers follow the server: first byte, moving counts, a late list',
  async () => {
    const { cli } = await makeLiveBench('created-at=first-byte', 'live-counts', 'list-lag=2');
    const { code, stdout, stderr } = await cli('doctor', '--live', '--json');
    expect(code, stderr).toBe(0);
    const { answers } = JSON.parse(stdout);
    expect(find(answers, 'created_at')?.answer).toBe('of the first byte');
    const listed = /listed after ([\d.]+) s/.exec(find(answers, 'listed')?.answer ?? '')?.[1];
    expect(Number(listed)).toBeGreaterThanOrEqual(1);
  },
  PATIENCE_MS,
);

test(
  'without a Date it says so, and concludes nothing from clocks',
  async () => {
    const { cli } = await makeLiveBench('no-date');
    const { stdout } = await cli('doctor', '--live');
    expect(stdout).toMatch(/Is there a Date on answers\?\s+no\s+NOT AS ASSUMED/);
    expect(stdout).toMatch(/created_at the time .*\?\s+cannot be told/);
  },
  PATIENCE_MS,
);

test(
  'killed in the middle it has written down what may be left, and the next one cancels that',
  async () => {
    const { dir, cli, start, truth, state } = await makeLiveBench();
    const running = start('doctor', '--live');
    await running.waitFor('V5:');
    running.child.kill('SIGKILL');
    await running.finished;
    const [left] = (await truth()).batches;
    const name = readdirSync(join(dir, '.batchctl')).find((one) => one.startsWith('live-')) ?? '';
    const record = JSON.parse(readFileSync(join(dir, '.batchctl', name), 'utf8'));
    expect(record).toMatchObject({ finished_at: null });
    expect(record.batches.map((one: { batch_id: string | null }) => one.batch_id)).toContain(left?.id);
    const looked = await cli('doctor');
    expect(looked.stdout).toContain(left?.id);
    const { stdout } = await cli('doctor', '--live', '--json');
    expect(JSON.parse(stdout).earlier).toMatchObject([{ path: `.batchctl/${name}` }]);
    expect((await state(left?.id ?? '')).processing_status).toBe('ended');
    expect(JSON.parse(readFileSync(join(dir, '.batchctl', name), 'utf8')).finished_at).not.toBeNull();
    expect((await cli('doctor')).stdout).not.toContain(left?.id);
  },
  PATIENCE_MS,
);

test('the real API is not asked before somebody says yes', async () => {
  const dir = makeTempDir();
  writeFileSync(join(dir, '.env'), 'ANTHROPIC_API_KEY=sk-ant-not-a-key\n');
  const { code, stderr } = await runCli(['doctor', '--live', '--json'], { cwd: dir });
  expect(code).toBe(2);
  expect(stderr).toContain('"code":"not_confirmed"');
  expect(stderr).toMatch(/less than \$0\.0001/);
  expect(stderr).toContain('--yes doctor --live');
});
