import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type * as Library from '../../src/index.ts';
import { countHandles, rssMb, type Sample, sizeMb, trends } from './sample.ts';

/**
 * `npm run soak -- --jobs 200`: so many jobs, one after another, in one process that stays and through one emulator that
 * stays. What leaks shows as a figure that grows. Run with --expose-gc, so that memory is what is held, not what is
 * waiting to be collected, and with --optimize-for-size, as the program runs: the young generation that V8 makes on a large
 * machine grows for hundreds of jobs. Prints JSON with `--json`, else a table.
 */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ROWS = 20;

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '200' },
    every: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const jobs = Number(values.jobs);
// At least ten samples, so that the first third of them and the last are apart.
const every = Number(values.every ?? Math.max(1, Math.floor(jobs / 20)));

const folder = mkdtempSync(join(tmpdir(), 'batchctl-soak-'));
const emulator = await startEmulator(join(folder, 'emulator'));
try {
  process.env['BATCHCTL_EMULATOR_URL'] = emulator.url;
  const samples = await soak(join(folder, 'workspace'), emulator.pid);
  const report = { jobs, rows: ROWS, samples, trends: trends(samples) };
  if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else printTable(report.trends);
} finally {
  emulator.child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}

async function soak(dir: string, emulatorPid: number): Promise<readonly Sample[]> {
  // What was built, as a program would import it: the sources would be stripped of their types at run time.
  const library: typeof Library = await import(join(ROOT, 'dist/index.js'));
  mkdirSync(dir, { recursive: true });
  const workspace = await library.openWorkspace({ dir, emulator: true });
  const samples: Sample[] = [];
  for (let done = 0; done < jobs; ) {
    const startedMs = performance.now();
    const before = process.cpuUsage();
    for (let round = 0; round < every && done < jobs; round += 1, done += 1)
      await runOne(library, workspace, done);
    const cpu = process.cpuUsage(before);
    globalThis.gc?.();
    samples.push({
      jobs: done,
      msPerJob: (performance.now() - startedMs) / every,
      cpuMsPerJob: (cpu.user + cpu.system) / 1000 / every,
      heapMb: process.memoryUsage().heapUsed / 1024 / 1024,
      rssMb: rssMb(process.pid),
      handles: countHandles(process.pid),
      emulatorRssMb: rssMb(emulatorPid),
      emulatorHandles: countHandles(emulatorPid),
      walMb: sizeMb(join(dir, '.batchctl/state.db-wal')),
      emulatorWalMb: sizeMb(join(folder, 'emulator/.batchctl/emulator.db-wal')),
      storeKb: sizeMb(join(dir, '.batchctl/state.db')) * 1024,
    });
  }
  await workspace.close();
  return samples;
}

async function runOne(library: typeof Library, workspace: Library.Workspace, number: number): Promise<void> {
  const prompts = Array.from({ length: ROWS }, (_, row) => `Job ${number}, row ${row}: say so.`);
  const options = { model: 'claude-haiku-5-5', maxTokens: 300, intervalMs: 100 };
  const rows = await library.runBatch(workspace, prompts, options);
  const wrong = rows.filter(
    (row, index) => row.failure !== null || !row.text?.includes(prompts[index] ?? ''),
  );
  if (rows.length !== ROWS || wrong.length > 0)
    throw new Error(`job ${number}: ${rows.length} rows, ${wrong.length} wrong`);
}

async function startEmulator(
  dir: string,
): Promise<{ readonly url: string; readonly pid: number; readonly child: ChildProcess }> {
  mkdirSync(dir, { recursive: true });
  const args = [join(ROOT, 'bin/batchctl.js'), 'emulator', '--batch-seconds', '0.05'];
  const child = spawn(process.execPath, args, { cwd: dir, stdio: ['ignore', 'pipe', 'ignore'] });
  const url = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0];
      if (found !== undefined) resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`the emulator ended with ${code}`)));
  });
  return { url, pid: child.pid ?? 0, child };
}

function printTable(rows: ReturnType<typeof trends>): void {
  const line = (cells: readonly string[]): string => cells.map((cell) => cell.padStart(16)).join('');
  process.stdout.write(`${line(['figure', 'first third', 'last third', 'most'])}\n`);
  for (const { figure, first, last, most } of rows)
    process.stdout.write(`${line([figure, first.toFixed(1), last.toFixed(1), most.toFixed(1)])}\n`);
}
