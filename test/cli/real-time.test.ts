import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { askMode } from '../../src/cli/choose-mode.ts';
import { InterruptedError } from '../../src/core/errors.ts';
import { startEmulatorProcess } from '../support/emulator-process.ts';
import { runCli, startCli } from '../support/run-cli.ts';
import { writeSampleJob } from '../support/sample-job.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const STRUCTURED = `output: answers/{{ id }}.md
`;

async function start(records: number, more = '') {
  const dir = makeTempDir();
  writeSampleJob(dir, records, more);
  const emulator = await startEmulatorProcess(makeTempDir(), ['--batch-seconds', '0.2']);
  onTestFinished(() => emulator.stop());
  const cli = (...args: string[]) => runCli(args, { cwd: dir, env: { BATCHCTL_EMULATOR_URL: emulator.url } });
  return { dir, emulator, cli };
}

function filesIn(folder: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path.slice(folder.length), readFileSync(path, 'utf8')]),
  );
}

describe('the same job', () => {
  test.each([
    ['with outputs in their default place', '', 'batch_results/JOB/out'],
    ['with outputs where the job file says', STRUCTURED, 'answers'],
  ])('gives the same files in real time and as a batch, byte for byte: %s', async (_what, more, place) => {
    const results: Record<string, unknown>[] = [];
    const costs: number[] = [];
    for (const flags of [
      ['--use-batch', '--interval', '200ms'],
      ['--concurrency', '3'],
    ]) {
      const { dir, emulator, cli } = await start(25, more);
      const { code, stdout, stderr } = await cli('submit', '--emulator', '--json', ...flags);
      expect({ code, stderr }).toMatchObject({ code: 0 });
      const document = JSON.parse(stdout);
      const rows = readFileSync(join(dir, document.output_dir, 'results.jsonl'), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
        .map(({ batch_id: _batchId, cost_microusd: cost, output, ...row }) => {
          costs.push(cost);
          return { ...row, output: output.replace(document.job_id, 'JOB') };
        });
      results.push({ rows, files: filesIn(join(dir, place.replace('JOB', document.job_id))) });
      const { posts, messages } = await emulator.truth();
      expect([posts.length, messages.length]).toEqual(flags[0] === '--use-batch' ? [1, 0] : [0, 25]);
      expect((await cli('verify', 'latest')).code).toBe(0);
      await emulator.stop();
    }
    expect(Object.keys(results[0]?.['files'] ?? {})).toHaveLength(25);
    expect(results[1]).toEqual(results[0]);
    // The same answers at twice the price; each is rounded by itself.
    for (const [index, cost] of costs.slice(0, 25).entries())
      expect(Math.abs((costs[index + 25] ?? 0) - 2 * cost)).toBeLessThanOrEqual(1);
    expect(costs[0]).toBeGreaterThan(10);
  });
});

test('a job goes on in the way in which it was first sent, and says so', async () => {
  const { emulator, cli } = await start(12);
  await emulator.setFaults(['message-401']);
  expect((await cli('submit', '--emulator', '--concurrency', '1')).code).toBe(4);
  const again = await cli('submit', '--emulator', '--use-batch');
  expect(again.stderr).toMatch(/was submitted in real time and stays so/);
  expect(again.code).toBe(0);
  expect(await emulator.truth()).toMatchObject({ posts: [] });

  const { stderr } = await cli('submit', '--emulator', '--use-batch', '--submit-only');
  expect(stderr).not.toContain('stays so');
  expect((await cli('submit', '--emulator')).stderr).toMatch(/was submitted as batches and stays so/);
});

test('resume carries a real-time job on, with a pace of its own', async () => {
  const { emulator, cli } = await start(12);
  await emulator.setFaults(['message-slow=0.01@3', 'message-403']);
  const stopped = await cli('submit', '--emulator', '--concurrency', '1');
  expect(stopped.code).toBe(4);
  expect(stopped.stderr).toContain('batchctl resume');
  expect((await cli('list')).stdout).toContain('submitting');
  const { code, stdout } = await cli('resume', 'latest', '--concurrency', '2', '--rpm', '6000', '--json');
  expect({ code, state: JSON.parse(stdout).state }).toEqual({ code: 0, state: 'done' });
  expect((await emulator.truth()).messages.filter((message) => message.answered)).toHaveLength(12);
});

describe('cancel', () => {
  test('of a job that nobody works on keeps what was paid and needs neither key nor API', async () => {
    const { dir, emulator, cli } = await start(12);
    await emulator.setFaults(['message-slow=0.01@3', 'message-401']);
    await cli('submit', '--emulator', '--concurrency', '1');
    await emulator.stop();
    const { code, stdout } = await runCli(['cancel', 'latest', '--json'], { cwd: dir });
    const document = JSON.parse(stdout);
    expect({ code, state: document.state }).toEqual({ code: 0, state: 'canceled' });
    expect(document.succeeded).toBeGreaterThan(0);
    expect(document.succeeded + document.canceled).toBe(12);
    expect(existsSync(join(dir, document.output_dir, 'results.jsonl'))).toBe(true);
  });

  test('of a job that is at work lets the run end it', async () => {
    const { dir, emulator, cli } = await start(30);
    await emulator.setFaults(['message-slow=0.4@1000']);
    const running = startCli(['submit', '--emulator', '--concurrency', '2'], {
      cwd: dir,
      env: { BATCHCTL_EMULATOR_URL: emulator.url },
    });
    await vi.waitUntil(async () => (await emulator.truth()).messages.length >= 3, { timeout: 20_000 });
    expect((await cli('cancel', 'latest')).stderr).toContain('is at work on it');
    expect((await running.finished).code).toBe(3);
    const document = JSON.parse((await cli('status', 'latest', '--json')).stdout);
    expect(document).toMatchObject({
      state: 'canceled',
      succeeded: (await emulator.truth()).messages.length,
    });
  });
});

test('Ctrl-C leaves with 130 and says what is kept', async () => {
  const { dir, emulator } = await start(30);
  await emulator.setFaults(['message-slow=5@1000']);
  const running = startCli(['submit', '--emulator'], {
    cwd: dir,
    env: { BATCHCTL_EMULATOR_URL: emulator.url },
  });
  await vi.waitUntil(async () => (await emulator.truth()).messages.length >= 3, { timeout: 20_000 });
  running.child.kill('SIGINT');
  const { code, stderr } = await running.finished;
  expect(code).toBe(130);
  expect(stderr).toContain('what was answered is kept');
});

test.each([
  [['submit', '--submit-only'], '--submit-only needs --use-batch'],
  [['submit', '--use-batch', '--rpm', '5'], '--rpm cannot be used with --use-batch'],
  [['submit', '--concurrency', '0'], 'whole number from 1 to 64'],
  [['submit', '--concurrency', '65'], 'whole number from 1 to 64'],
  [['submit', '--tpm', 'many'], 'whole number'],
])('%j is wrong usage, and nothing is built', async (args, message) => {
  const cwd = makeTempDir();
  writeSampleJob(cwd, 3);
  const { code, stderr } = await runCli([...args, '--emulator'], { cwd });
  expect(stderr).toContain(message);
  expect({ code, built: existsSync(join(cwd, '.batchctl')) }).toEqual({ code: 2, built: false });
});

describe('the question which way', () => {
  function ask(signal = new AbortController().signal) {
    const input = new PassThrough();
    const output = new PassThrough();
    let shown = '';
    output.on('data', (chunk) => {
      shown += String(chunk);
    });
    const prices = { batch: 'about $1', real_time: 'about $2' };
    const facts = { jobId: 'words-1', requests: 1234, prices };
    const answer = askMode(facts, { input, output }, signal);
    answer.catch(() => undefined);
    const type = async (keys: string): Promise<void> => {
      await vi.waitUntil(() => shown.includes('in real time'));
      input.write(keys);
    };
    return { answer, type, shown: () => shown };
  }

  test('says what each costs and means, and Enter takes the cheaper one', async () => {
    const { answer, type, shown } = ask();
    await type('\r');
    expect(await answer).toBe('batch');
    expect(shown()).toContain('1,234 requests');
    expect(shown()).toMatch(/as a batch: about \$1/);
    expect(shown()).toMatch(/in real time: about \$2/);
    expect(shown()).toContain('24 hours');
  });

  test('takes real time one line below', async () => {
    const { answer, type } = ask();
    await type('\u001b[B\r');
    expect(await answer).toBe('real_time');
  });

  test('is an interruption on Ctrl-C', async () => {
    const { answer, type } = ask();
    await type('\u0003');
    await expect(answer).rejects.toMatchObject({ name: 'InterruptedError', signal: 'SIGINT' });
  });

  test('ends with a signal from elsewhere', async () => {
    const stop = new AbortController();
    const { answer, shown } = ask(stop.signal);
    await vi.waitUntil(() => shown().includes('in real time'));
    stop.abort(
      new InterruptedError('interrupted', { code: 'interrupted', next: 'again', signal: 'SIGTERM' }),
    );
    await expect(answer).rejects.toMatchObject({ name: 'InterruptedError', signal: 'SIGTERM' });
  });
});
