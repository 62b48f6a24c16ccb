import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Emulator, startEmulator } from '../../src/emulator/server.ts';
import type { Truth } from '../support/emulator-process.ts';
import { type Finished, type RunningCli, startCli } from '../support/run-cli.ts';
import { makeTempDir } from '../support/temp-dir.ts';

/** A workspace, and an emulator in which others make batches too. */
export interface AdoptBench {
  readonly dir: string;
  readonly url: string;
  run(...args: readonly string[]): Promise<Finished>;
  start(args: readonly string[], nodeArgs?: readonly string[]): RunningCli;
  json(...args: readonly string[]): Promise<Record<string, unknown>>;
  /** Lines of a file in the results folder of the newest job. */
  lines(name: string): Promise<readonly Record<string, unknown>[]>;
  setFaults(faults: readonly string[]): Promise<void>;
  truth(): Promise<Truth>;
}

export async function makeAdoptBench(batchSeconds = 0.1): Promise<AdoptBench> {
  const emulator: Emulator = await startEmulator({ stateDir: makeTempDir(), batchSeconds });
  onTestFinished(() => emulator.close());
  return benchOn(emulator.url, makeTempDir());
}

export function benchOn(url: string, dir: string): AdoptBench {
  const env = { BATCHCTL_EMULATOR_URL: url };
  const bench: AdoptBench = {
    dir,
    url,
    start: (args, nodeArgs = []) => startCli(args, { cwd: dir, env, nodeArgs }),
    run: (...args) => bench.start(args).finished,
    json: async (...args) => JSON.parse((await bench.run(...args, '--json')).stdout),
    async lines(name) {
      const { output_dir: folder } = await bench.json('status', 'latest');
      return readFileSync(join(dir, String(folder), name), 'utf8')
        .trimEnd()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line));
    },
    async setFaults(faults) {
      const body = JSON.stringify({ faults });
      const response = await fetch(`${url}/_emulator/faults`, { method: 'POST', body });
      if (!response.ok) throw new Error(await response.text());
    },
    truth: async () => (await (await fetch(`${url}/_emulator/truth`)).json()) as Truth, // as the emulator answers
  };
  return bench;
}

/** The code of the error that `--json` gives on stderr. */
export function errorOf({ stderr }: Finished): Record<string, string> {
  const line = stderr.split('\n').find((text) => text.startsWith('{"error":'));
  return line === undefined ? {} : JSON.parse(line).error;
}

export const numbered = (count: number, prefix = 'doc'): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`);
