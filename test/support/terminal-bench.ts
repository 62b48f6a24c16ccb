import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { JobStore } from '../../src/core/ports/store.ts';
import { startEmulator } from '../../src/emulator/server.ts';
import { openStore } from '../../src/store/open.ts';
import { type CliAtTerminal, startAtTerminal } from './cli-at-terminal.ts';
import type { Truth } from './emulator-process.ts';
import { writeSampleJob } from './sample-job.ts';
import { makeTempDir } from './temp-dir.ts';

/** A workspace with a job of so many records, its emulator, and the command line at a terminal. */
export async function openTerminalBench(records: number, more = '', batchSeconds = 0.1) {
  const dir = makeTempDir();
  writeSampleJob(dir, records, more);
  const emulator = await startEmulator({ stateDir: join(makeTempDir(), '.batchctl'), batchSeconds });
  onTestFinished(() => emulator.close());
  const cli = (...args: string[]): CliAtTerminal => {
    const pace = args.includes('build') ? [] : ['--interval', '100ms'];
    const env = { BATCHCTL_EMULATOR_URL: emulator.url };
    const started = startAtTerminal(['--emulator', ...args, ...pace], { cwd: dir, env });
    started.finished.catch(() => undefined);
    return started;
  };
  const truth = async (): Promise<Truth> =>
    (await (await fetch(`${emulator.url}/_emulator/truth`)).json()) as Truth;
  /** How many batches and messages were sent. */
  const sent = async (): Promise<readonly [number, number]> => {
    const { posts, messages } = await truth();
    return [posts.length, messages.length];
  };
  const look = async <T>(work: (store: JobStore) => Promise<T>): Promise<T> => {
    const store = await openStore(join(dir, '.batchctl/state.db'), {
      programVersion: 'test',
      now: () => new Date(),
    });
    try {
      return await work(store);
    } finally {
      store.close();
    }
  };
  return { dir, emulator, cli, truth, sent, look };
}
