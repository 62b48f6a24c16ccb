import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { startEmulatorProcess } from '../support/emulator-process.ts';
import { type Finished, runCli, startCli } from '../support/run-cli.ts';
import { writeSampleJob } from '../support/sample-job.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { compileCache, jobIdOf } from '../support/workspace-copy.ts';

const RECORDS = 25;
const COPIES = 8;
const FAST = ['--settle', '2s', '--interval', '100ms'];

/** One file after the other while a program writes to them: the copy may be torn between files, and within one. */
function copyLive(from: string): string {
  const copy = makeTempDir();
  for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name).slice(from.length + 1);
    mkdirSync(join(copy, dirname(path)), { recursive: true });
    try {
      copyFileSync(join(from, path), join(copy, path));
    } catch (error) {
      // A temporary file that has its final name by now.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
  return copy;
}

function expectDocumented(finished: Finished): void {
  const said = `${finished.code}: ${finished.stderr}`;
  expect([0, 6, 7], said).toContain(finished.code);
  expect(finished.stderr, said).not.toMatch(/\n\s+at .*[:(]/);
  if (finished.code !== 0) expect(finished.stderr, said).toContain('next:');
}

it('copies of the files, taken at any moment of a run, open and carry on, and pay for nothing again', async () => {
  const dir = makeTempDir();
  writeSampleJob(dir, RECORDS);
  const emulator = await startEmulatorProcess(makeTempDir(), ['--batch-seconds', '1']);
  onTestFinished(() => emulator.stop());
  const env = { BATCHCTL_EMULATOR_URL: emulator.url, NODE_COMPILE_CACHE: compileCache() };
  const paid = async () => (await emulator.truth()).batches.reduce((sum, batch) => sum + batch.requests, 0);
  const built = await runCli(['build', '--emulator', '--max-shard-requests', '10'], { cwd: dir, env });
  expect(built.code, built.stderr).toBe(0);
  const jobId = jobIdOf(dir);
  const submit = ['submit', jobId, '--use-batch', '--emulator', ...FAST];
  const running = startCli(submit, { cwd: dir, env });
  let ended = false;
  const finished = running.finished.finally(() => {
    ended = true;
  });
  // More than are carried on, and every one of them from another moment.
  const taken: string[] = [copyLive(dir)];
  while (!ended) {
    taken.push(copyLive(dir));
    await delay(20);
  }
  expect((await finished).code, running.soFar.stderr).toBe(0);
  expect(await paid()).toBe(RECORDS);
  const chosen = Array.from(
    { length: COPIES },
    (_, n) => taken[Math.floor((n * taken.length) / COPIES)] ?? dir,
  );
  const endings: (number | null)[] = [];
  for (const copy of new Set(chosen)) {
    const first = await runCli(submit, { cwd: copy, env });
    // Done by the time of the copy: the content of a final job would be a new job, and is asked about.
    expectDocumented(first);
    expect(await paid(), first.stderr).toBe(RECORDS);
    if (first.code === 7) {
      const second = await runCli(['resume', jobId, '--accept-store', '--emulator', ...FAST], {
        cwd: copy,
        env,
      });
      expectDocumented(second);
      endings.push(second.code);
    } else endings.push(first.code);
    expect(await paid()).toBe(RECORDS);
  }
  // Most copies are whole enough to come to the end of the job.
  expect(endings.filter((code) => code === 0).length).toBeGreaterThan(endings.length / 2);
}, 240_000);
