import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createElsewhere } from '../support/colleague.ts';
import { startEmulatorProcess } from '../support/emulator-process.ts';
import { startCli } from '../support/run-cli.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const ROWS = 100_000;
/**
 * More than the 160 MB of every other command: the ids of such a batch are its own, at most 100,000 of 64 characters, and
 * are held while they are put in order. 171 MB measured (2026-11, Node 24); batches of ours are joined by number and need none.
 */
const MAX_KB = 200 * 1024;

test(`taking in another’s batch of ${ROWS} requests, with ids as long as may be, stays under 200 MB`, async () => {
  const emulator = await startEmulatorProcess(makeTempDir(), ['--batch-seconds', '0.1']);
  // As long as the API lets an id be.
  const ids = Array.from({ length: ROWS }, (_, index) => `d-${index + 1}`.padEnd(64, 'x'));
  const batch = await createElsewhere(emulator.url, ids, { maxTokens: 16 });
  const cwd = makeTempDir();
  const running = startCli(['retrieve', batch, '--emulator', '--wait', '--interval', '500ms', '--json'], {
    cwd,
    env: { BATCHCTL_EMULATOR_URL: emulator.url },
  });
  let peakKb = 0;
  const look = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${running.child.pid}/status`, 'utf8');
      peakKb = Math.max(peakKb, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
    } catch {
      // It has ended between two looks.
    }
  }, 20);
  const { code, stdout, stderr } = await running.finished;
  clearInterval(look);
  await emulator.stop();
  // So few tokens cut every answer: a good 3, and every row is there.
  expect(code, stderr).toBe(3);
  expect(JSON.parse(stdout)).toMatchObject({ requests: ROWS, succeeded: ROWS, missing: 0 });
  expect(peakKb).toBeGreaterThan(20_000);
  expect(peakKb).toBeLessThan(MAX_KB);
}, 600_000);
