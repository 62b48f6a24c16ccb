import { existsSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openJobFiles } from '../../src/files/job-files.ts';
import { errorCode } from '../faults/bench.ts';
import { runCli, startCli } from '../support/run-cli.ts';
import { writeSampleJob } from '../support/sample-job.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { envOf, jobIdOf, makeWorld } from '../support/workspace-copy.ts';

const RECORDS = 12;
const SUBMIT = ['submit', '--use-batch', '--emulator', '--settle', '2s', '--interval', '100ms'];

/** Something of the file is on the disk. */
async function isWritten(path: string): Promise<void> {
  for (let n = 0; n < 1_500; n += 1) {
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0) return;
    await delay(20);
  }
  throw new Error(`nothing was written to ${path}`);
}

describe('a workspace that is moved while a run works in it', () => {
  it.each([
    {
      when: 'between the seal and the answer',
      faults: ['create-slow=1@1'],
      sign: 'batch_requests/sent.jsonl',
    },
    { when: 'while its batch is in progress', faults: [], sign: '.batchctl/receipts.jsonl' },
  ])(
    '$when is left with a clear word, and the same job goes on in the new place',
    async ({ faults, sign }) => {
      const world = await makeWorld(RECORDS, { batchSeconds: 2 });
      await world.setFaults(...faults);
      const old = join(makeTempDir(), 'workspace');
      const moved = join(makeTempDir(), 'elsewhere');
      mkdirSync(old);
      writeSampleJob(old, RECORDS);
      const env = envOf(world.emulator);
      const running = startCli([...SUBMIT, '--json'], { cwd: old, env });
      await isWritten(join(old, sign));
      const jobId = jobIdOf(old);
      renameSync(old, moved);
      const { code, stderr } = await running.finished;
      expect([code, errorCode(stderr)], stderr).toEqual([6, 'workspace_moved']);
      const { message, next } = JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '').error;
      expect(message).toContain(old);
      expect(next).toContain(`batchctl -C ${moved} resume ${jobId}`);
      // No folder grew where it was.
      expect(existsSync(old)).toBe(false);
      const resumed = await runCli(['-C', moved, 'resume', jobId, '--interval', '100ms'], {
        cwd: moved,
        env,
      });
      expect(resumed.code, resumed.stderr).toBe(0);
      const verified = await runCli(['-C', moved, 'verify', jobId], { cwd: moved, env });
      expect(verified.code, verified.stdout).toBe(0);
      expect(await world.paid()).toBe(RECORDS);
    },
  );

  it('leaves alone what has taken its place, whatever is done to its files', async () => {
    const root = join(makeTempDir(), 'workspace');
    mkdirSync(root);
    const files = openJobFiles(root);
    const options = { private: false, durable: true };
    files.replace('batch_results/job/a.txt', 'a', options);
    const growing = files.create('batch_results/job/raw.jsonl', options);
    growing.write('a line\n');
    renameSync(root, `${root}-moved`);
    mkdirSync(root);
    const rows = { private: false, durable: false };
    const moved = expect.objectContaining({ code: 'workspace_moved' });
    const attempts: readonly (() => unknown)[] = [
      () => files.replace('batch_results/job/b.txt', 'b', options),
      () => files.replace('batch_results/job/out/r1.md', 'b', rows),
      () => files.append('.batchctl/receipts.jsonl', '{}'),
      () => files.create('batch_results/job/c.jsonl', options),
      () => files.grow('batch_results/job/d.jsonl', options),
      () => growing.finish(),
      () => files.remove('batch_results/job/a.txt'),
      () => files.removeJob('job'),
      // What is missed there is not missing.
      () => files.exists('batch_results/job/a.txt'),
      () => files.size('batch_results/job/a.txt'),
      () => files.open('batch_results/job/a.txt'),
    ];
    for (const attempt of attempts) expect(attempt).toThrow(moved);
    expect(readdirSync(root)).toEqual([]);
    // Back where it was, all is well.
    renameSync(root, `${root}-other`);
    renameSync(`${root}-moved`, root);
    expect(growing.finish().bytes).toBe(7);
    expect(files.exists('batch_results/job/a.txt')).toBe(true);
  });
});
