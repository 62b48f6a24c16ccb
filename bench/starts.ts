import { join } from 'node:path';
import type { BenchData } from './data.ts';
import { measure, type Usage } from './measure.ts';
import { startServer, Workspace } from './place.ts';

/** How long the short commands take to start, in a workspace that has a job, each beside a bare Node. */
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
    // The first of each finds a cold cache.
    for (let round = -1; round < pairs; round += 1) {
      for (const [work, run] of [
        ['node -e 0', () => measure({ args: [process.execPath, '-e', '0'] })],
        ['--version', () => place.run(['--version'])],
        ['list', () => place.run(['list', '--all'])],
        ['status', () => place.run(['status', 'latest'])],
      ] as const) {
        const usage = await run();
        if (round >= 0) note(work, usage);
      }
    }
  } finally {
    await server.stop();
  }
}
