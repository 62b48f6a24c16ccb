import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Emulator, startEmulator } from '../../src/emulator/server.ts';
import type { Truth } from './emulator-process.ts';
import { type Finished, runCli } from './run-cli.ts';
import { writeSampleJob } from './sample-job.ts';
import { makeTempDir } from './temp-dir.ts';

/** A workspace whose account lives outside of it, so that putting the workspace back leaves the account as it is. */
export interface World {
  readonly dir: string;
  readonly emulator: Emulator;
  /** The built program in this workspace, or in a copy of it. */
  run(args: readonly string[], dir?: string): Promise<Finished>;
  truth(): Promise<Truth>;
  /** Requests of batches that are not a colleague's. */
  paid(): Promise<number>;
  setFaults(...faults: string[]): Promise<void>;
}

export async function makeWorld(records: number, options: { batchSeconds?: number } = {}): Promise<World> {
  const dir = makeTempDir();
  writeSampleJob(dir, records);
  const emulator = await startEmulator({
    stateDir: makeTempDir(),
    batchSeconds: options.batchSeconds ?? 0.5,
  });
  onTestFinished(() => emulator.close());
  const truth = async () => (await (await fetch(`${emulator.url}/_emulator/truth`)).json()) as Truth;
  return {
    dir,
    emulator,
    run: (args, at = dir) => runCli(args, { cwd: at, env: envOf(emulator) }),
    truth,
    async paid() {
      const ours = (await truth()).batches.filter((batch) => !batch.foreign);
      return ours.reduce((sum, batch) => sum + batch.requests, 0);
    },
    async setFaults(...faults) {
      await fetch(`${emulator.url}/_emulator/faults`, { method: 'POST', body: JSON.stringify({ faults }) });
    },
  };
}

/** What a child of the test needs to find the account. */
export function envOf(emulator: Emulator): Record<string, string> {
  return { BATCHCTL_EMULATOR_URL: emulator.url, NODE_COMPILE_CACHE: compileCache() };
}

/** Shared by all children, so that their start is compiled once. */
export function compileCache(): string {
  const folder = join(process.env['TMPDIR'] ?? '/tmp', `batchctl-compile-cache-${process.version}`);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** All of the workspace, or the named parts of it, file by file. */
export function copyWorkspace(from: string, parts: readonly string[] = ['.']): string {
  const copy = makeTempDir();
  for (const part of parts) cpSync(join(from, part), join(copy, part), { recursive: true });
  return copy;
}

/** Puts parts of a copy back where they were taken from; what is there of them goes. */
export function putBack(copy: string, dir: string, parts: readonly string[]): void {
  for (const part of parts) {
    rmSync(join(dir, part), { recursive: true, force: true });
    if (existsSync(join(copy, part))) cpSync(join(copy, part), join(dir, part), { recursive: true });
  }
}

export const DATABASE = ['.batchctl/state.db', '.batchctl/state.db-wal', '.batchctl/state.db-shm'];

/** The newest job of the workspace, by the folder of its requests. */
export function jobIdOf(dir: string): string {
  const found = readdirSync(join(dir, 'batch_requests'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
    .at(-1);
  if (found === undefined) throw new Error(`no job in ${dir}`);
  return found;
}
