import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fillStore } from '../test/support/many-jobs.ts';
import type { BenchData } from './data.ts';
import { measure, type Usage } from './measure.ts';
import { startServer, Workspace } from './place.ts';

/** What a program that reads the store cannot do without: SQLite, the file, and one statement that finds what is pending. */
const FLOOR = `const db = new (require('better-sqlite3'))(process.argv[1]);
  db.prepare("SELECT * FROM jobs WHERE state <> 'building' AND final_at IS NULL ORDER BY id DESC").all();
  db.close();`;
const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * How long the short commands take to start, each beside a bare Node: among 1,000 other jobs and 1,000,000 requests where the
 * data have 100,000, and among as many fewer where they have fewer.
 */
export async function runStarts(
  data: BenchData,
  dir: string,
  pairs: number,
  note: (work: string, usage: Usage) => void,
): Promise<void> {
  const server = await startServer(join(dir, 'server'));
  try {
    const place = new Workspace(join(dir, 'workspace'), server.url);
    place.addJob('start', data);
    await place.run(['submit', '--limit', '20', '--use-batch', '--emulator', '--yes']);
    const others = Math.min(1_000, Math.ceil(data.size / 100));
    const requestsPerJob = Math.ceil(data.size / 100);
    await fillStore(place.dir, { jobs: others, requestsPerJob, pendingEvery: Math.ceil(others / 2) });
    const floor = [process.execPath, '-e', FLOOR, join(place.dir, '.batchctl', 'state.db')] as const;
    // The first of each finds a cold cache.
    for (let round = -1; round < pairs; round += 1) {
      for (const [work, run] of [
        ['node -e 0', () => measure({ args: [process.execPath, '-e', '0'] })],
        ['--version', () => place.run(['--version'])],
        ['node and one select', () => measure({ args: floor, cwd: ROOT })],
        ['list', () => place.run(['list'])],
        ['status', () => place.run(['status', 'start'])],
      ] as const) {
        const usage = await run();
        if (round >= 0) note(work, usage);
      }
    }
  } finally {
    await server.stop();
  }
}
