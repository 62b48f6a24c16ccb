import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startEmulator } from '../../src/emulator/server.ts';
import { errorCode, ownBatches } from '../faults/bench.ts';
import { FAILPOINTS } from '../faults/failpoint.ts';
import type { Truth } from '../support/emulator-process.ts';
import { type RunningCli, runCli, startCli } from '../support/run-cli.ts';
import { writeSampleJob } from '../support/sample-job.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const PACE = ['--settle', '1s', '--interval', '100ms'];
const SUBMIT = ['submit', '--use-batch', '--emulator', ...PACE];

/** One workspace, one emulator, and several processes on them. */
async function makeBench(batchSeconds: number) {
  const dir = makeTempDir();
  writeSampleJob(dir, 8);
  const emulator = await startEmulator({ stateDir: makeTempDir(), batchSeconds });
  onTestFinished(() => emulator.close());
  const base = { BATCHCTL_EMULATOR_URL: emulator.url };
  const start = (args: readonly string[], failpoint?: string): RunningCli => {
    const nodeArgs = failpoint === undefined ? [] : ['--import', FAILPOINTS];
    const point: Record<string, string> = failpoint === undefined ? {} : { FAILPOINT: failpoint };
    const running = startCli(args, { cwd: dir, env: { ...base, ...point }, nodeArgs });
    onTestFinished(() => void running.child.kill('SIGKILL'));
    return running;
  };
  const truth = async (): Promise<Truth> =>
    (await (await fetch(`${emulator.url}/_emulator/truth`)).json()) as Truth; // the emulator's own form
  return {
    dir,
    start,
    run: (args: readonly string[]) => runCli(args, { cwd: dir, env: base }),
    truth,
    async setFaults(...faults: string[]) {
      await fetch(`${emulator.url}/_emulator/faults`, { method: 'POST', body: JSON.stringify({ faults }) });
    },
    /** States of all submissions, read beside whatever runs. */
    submissions(): readonly string[] {
      const path = join(dir, '.batchctl/state.db');
      if (!existsSync(path)) return [];
      const db = new Database(path, { readonly: true });
      try {
        return db.prepare('SELECT state FROM submissions ORDER BY id').pluck().all().map(String);
      } finally {
        db.close();
      }
    },
  };
}

/** Resolves once the kernel says that the process is stopped. */
async function waitUntilStopped({ child, soFar }: RunningCli): Promise<void> {
  const isStopped = (): boolean => {
    if (child.exitCode !== null) throw new Error(`it has ended:\n${soFar.stderr}`);
    return /\) T /.test(readFileSync(`/proc/${child.pid}/stat`, 'utf8'));
  };
  await vi.waitUntil(isStopped, { timeout: 30_000 });
}

describe('a job that one process works on', () => {
  it('is nobody else’s: every command that would work on it names the holder and leaves with 6', async () => {
    const bench = await makeBench(600);
    const first = bench.start(SUBMIT);
    await first.waitFor('in progress');
    for (const args of [
      SUBMIT,
      ['resume', 'latest', ...PACE],
      ['retrieve', 'latest'],
      ['retrieve', 'latest', '--wait', ...PACE],
      ['retry', 'latest', ...PACE],
    ]) {
      const { code, stderr } = await bench.run([...args, '--json']);
      expect([args, code, errorCode(stderr)]).toEqual([args, 6, 'job_locked']);
      const { error } = JSON.parse(stderr.split('\n').find((line) => line.startsWith('{"error"')) ?? '');
      expect(error.why).toMatch(
        new RegExp(`^process ${first.child.pid}: batchctl submit --use-batch .*, since 20\\d\\d-`),
      );
      expect(error.next).toMatch(/batchctl status /);
    }
    // All jobs: it is pending, and at work elsewhere.
    expect((await bench.run(['resume', '--once'])).code).toBe(8);
    // Looking is free.
    for (const args of [['status', 'latest'], ['list'], ['show', 'latest']])
      expect([args, (await bench.run(args)).code]).toEqual([args, 0]);
    const watching = bench.start(['watch', '--json', '--interval', '100ms']);
    await watching.waitFor('"processing_status":"in_progress"');

    // A cancel needs no lock: the one that works takes in what ends, and so does the one that watches.
    const canceled = await bench.run(['cancel', 'latest']);
    expect([canceled.code, canceled.stderr]).toEqual([
      0,
      expect.stringContaining(`process ${first.child.pid}: batchctl submit`),
    ]);
    expect((await first.finished).code).toBe(3);
    expect((await watching.finished).code).toBe(0);
    const { posts, batches } = await bench.truth();
    expect([posts.length, batches.length]).toEqual([1, 1]);
  }, 120_000);

  it('is canceled while its shard goes out: nothing more is sent, whoever comes first', async () => {
    const bench = await makeBench(0.2);
    const first = bench.start(SUBMIT, 'fence.answer=stop');
    await waitUntilStopped(first);
    expect(bench.submissions()).toEqual(['uploading']);
    expect((await bench.run(['cancel', 'latest'])).code).toBe(0);
    first.child.kill('SIGCONT');
    expect((await first.finished).code).toBe(3);
    expect(ownBatches(await bench.truth())).toEqual([]);
  }, 60_000);

  it('goes to one of eight processes that submit the same content at once', async () => {
    const bench = await makeBench(1);
    const all = await Promise.all(Array.from({ length: 8 }, () => bench.run(SUBMIT)));
    // One that came when the job was done already carries nothing on: it has the results, or makes a job of its own.
    expect(all.map(({ code }) => code).filter((code) => code !== 6)).toEqual([0]);
    const { posts, batches } = await bench.truth();
    expect([posts.length, batches.length]).toEqual([1, 1]);
  }, 120_000);
});

describe('a process that is stopped between the seal and the tail', () => {
  it('holds its locks, and does not send the tail of a seal that is older than five seconds', async () => {
    const bench = await makeBench(0.2);
    const first = bench.start(SUBMIT, 'tail.check=stop');
    await waitUntilStopped(first);
    const stoppedAtMs = performance.now();
    expect(bench.submissions()).toEqual(['sealed']);

    // On the same job: who has it, and that waiting alone does not help.
    const second = await bench.run(['resume', 'latest', '--json']);
    expect([second.code, errorCode(second.stderr)]).toEqual([6, 'job_locked']);
    expect(second.stderr).toContain(`process ${first.child.pid}: batchctl submit`);
    expect(second.stderr).toContain(`kill -CONT ${first.child.pid} wakes it`);

    // On another job, of another size: waits for the phase in which only one may be, and says for whom.
    const other = bench.start([...SUBMIT, '--set', 'name=other', '--limit', '5']);
    await other.waitFor(`another submission of this workspace is under way (process ${first.child.pid}: `);
    expect(other.soFar.stderr).toContain('it is stopped, and kill -CONT wakes it');
    expect((await bench.truth()).batches).toEqual([]);

    // The one wait that cannot be had from a clock of ours: the kernel's own goes on while a process is stopped.
    await vi.waitUntil(() => performance.now() - stoppedAtMs > 5_200, { timeout: 10_000 });
    first.child.kill('SIGCONT');
    expect((await first.finished).code).toBe(0);
    expect((await other.finished).code).toBe(0);
    expect(first.soFar.stderr).toMatch(/too long since the seal.*provably no batch/);
    const { posts, batches } = await bench.truth();
    expect([posts.length, posts.filter(({ complete }) => complete).length]).toEqual([3, 2]);
    expect(batches).toHaveLength(2);
  }, 60_000);

  it('and killed leaves its locks free at once, and its shard to be proven absent', async () => {
    const bench = await makeBench(0.2);
    const first = bench.start(SUBMIT, 'tail.check=stop');
    await waitUntilStopped(first);
    first.child.kill('SIGKILL');
    await first.finished;
    expect((await bench.run(['resume', 'latest', ...PACE])).code).toBe(0);
    expect(bench.submissions()).toEqual(['absent', 'created']);
    expect((await bench.truth()).batches).toHaveLength(1);
  }, 60_000);
});

describe('a machine that sleeps', () => {
  it('while the body goes out has made no batch when the connection is gone, and sends the shard again', async () => {
    const bench = await makeBench(0.2);
    await bench.setFaults('cut-upload=0.1');
    const first = bench.start(SUBMIT, 'upload.first=stop');
    await waitUntilStopped(first);
    first.child.kill('SIGCONT');
    expect((await first.finished).code).toBe(0);
    expect(bench.submissions()).toEqual(['aborted', 'created']);
    expect((await bench.truth()).batches).toHaveLength(1);
  }, 60_000);

  it('after the tail finds its answer when it wakes', async () => {
    const bench = await makeBench(0.2);
    const first = bench.start(SUBMIT, 'tail.after=stop');
    await waitUntilStopped(first);
    await vi.waitUntil(async () => (await bench.truth()).batches.length === 1, { timeout: 20_000 });
    first.child.kill('SIGCONT');
    expect((await first.finished).code).toBe(0);
    expect(bench.submissions()).toEqual(['created']);
    expect((await bench.truth()).posts).toHaveLength(1);
  }, 60_000);

  it('after the tail, and has lost its answer, finds the batch in the list', async () => {
    const bench = await makeBench(0.2);
    await bench.setFaults('lost-reply');
    const first = bench.start(SUBMIT, 'tail.after=stop');
    await waitUntilStopped(first);
    await vi.waitUntil(async () => (await bench.truth()).batches.length === 1, { timeout: 20_000 });
    first.child.kill('SIGCONT');
    expect((await first.finished).code).toBe(0);
    expect(first.soFar.stderr).toMatch(/It may or may not have been created/);
    expect((await bench.truth()).posts).toHaveLength(1);
  }, 60_000);
});

describe('Ctrl-C', () => {
  it('before the seal sends nothing, and says so', async () => {
    const bench = await makeBench(0.2);
    const first = bench.start(SUBMIT, 'upload.first=stop');
    await waitUntilStopped(first);
    first.child.kill('SIGINT');
    first.child.kill('SIGCONT');
    const { code, stderr } = await first.finished;
    expect([code, stderr]).toEqual([130, expect.stringMatching(/none of its batches is in progress/)]);
    expect(ownBatches(await bench.truth())).toEqual([]);
    expect((await bench.run(['resume', 'latest', ...PACE])).code).toBe(0);
    expect((await bench.truth()).batches).toHaveLength(1);
  }, 60_000);

  it('after the tail still waits for the answer, and keeps the batch', async () => {
    const bench = await makeBench(600);
    await bench.setFaults('create-slow=1.5');
    const first = bench.start(SUBMIT, 'tail.after=stop');
    await waitUntilStopped(first);
    first.child.kill('SIGINT');
    first.child.kill('SIGCONT');
    const { code, stderr } = await first.finished;
    expect([code, stderr]).toEqual([
      130,
      expect.stringMatching(/1 batch \(8 requests\) already sent go(?:es)? on/),
    ]);
    expect(bench.submissions()).toEqual(['created']);
  }, 60_000);
});
