import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { startEmulatorProcess } from '../support/emulator-process.ts';
import { type RunningCli, startCli } from '../support/run-cli.ts';
import { makeTempDir, writeFile } from '../support/temp-dir.ts';

const RECORDS = 20_000;
/** The bound of every command, at any size. */
const MAX_KB = 160 * 1024;

/** The highest resident size that the kernel has seen of the process; it is asked while the process lives. */
async function peakKb(running: RunningCli): Promise<number> {
  let peak = 0;
  const look = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${running.child.pid}/status`, 'utf8');
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
    } catch {
      // It has ended between two looks.
    }
  }, 20);
  const { code, stderr } = await running.finished;
  clearInterval(look);
  expect(code, stderr).toBe(0);
  return peak;
}

it(`build, submit, retrieve and verify of ${RECORDS} records of 2 KB stay under 160 MB each`, async () => {
  const rows = Array.from({ length: RECORDS }, (_, index) => `r${index + 1},${'prose '.repeat(330)}`);
  const dir = makeTempDir();
  writeFile(`${dir}/words.csv`, `id,word\n${rows.join('\n')}\n`);
  writeFile(
    `${dir}/words.job.yaml`,
    'name: words\nmodel: claude-haiku-5-5\nmax_tokens: 400\nsource: { csv: words.csv }\nprompt: "Explain {{word}}"\n',
  );
  const emulator = await startEmulatorProcess(makeTempDir(), ['--batch-seconds', '1']);
  const options = { cwd: dir, env: { BATCHCTL_EMULATOR_URL: emulator.url } };
  const peaks: Record<string, number> = {};
  for (const args of [
    ['build', '--emulator'],
    ['submit', 'latest', '--use-batch', '--submit-only'],
    ['retrieve', 'latest', '--wait', '--interval', '300ms'],
    ['verify', 'latest'],
  ]) {
    peaks[args[0] ?? ''] = await peakKb(startCli(args, options));
  }
  await emulator.stop();
  for (const [command, peak] of Object.entries(peaks)) {
    expect(peak, command).toBeGreaterThan(20_000);
    expect(peak, command).toBeLessThan(MAX_KB);
  }
}, 180_000);
