import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Finished, type RunOptions, runCli } from '../support/run-cli.ts';
import { writeSampleJob } from '../support/sample-job.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { compileCache } from '../support/workspace-copy.ts';

/** Root may read everything: it runs the program without the capabilities that let it. */
const ORDINARY: Pick<RunOptions, 'node' | 'nodeArgs'> =
  process.geteuid?.() === 0
    ? { node: 'setpriv', nodeArgs: ['--bounding-set', '-dac_override,-dac_read_search', process.execPath] }
    : {};

const run = (cwd: string, args: readonly string[]): Promise<Finished> =>
  runCli(args, { cwd, env: { NODE_COMPILE_CACHE: compileCache() }, ...ORDINARY });

async function makeJob(): Promise<string> {
  const dir = makeTempDir();
  writeSampleJob(dir, 2);
  const built = await run(dir, ['build', '--emulator']);
  expect(built.code, built.stderr).toBe(0);
  return dir;
}

/** Until the test is over: what is left of it must be removable. */
function bar(path: string): void {
  chmodSync(path, 0);
  onTestFinished(() => chmodSync(path, 0o700));
}

describe('a workspace whose .batchctl may not be read', () => {
  it('is never taken for one without jobs: every command says so and leaves with 6', async () => {
    const dir = await makeJob();
    bar(join(dir, '.batchctl'));
    for (const args of [
      ['list', '--all'],
      ['show', 'latest'],
      ['submit', '--use-batch', '--emulator'],
      ['doctor', '--emulator'],
    ]) {
      const { code, stdout, stderr } = await run(dir, [...args, '--json']);
      expect([args[0], code], stdout + stderr).toEqual([args[0], 6]);
      expect(stdout + stderr).toContain('"store_denied"');
      expect(stdout + stderr).toContain(`${join(dir, '.batchctl')} may not be read`);
    }
  });

  it('or whose database alone may not, is told the same way', async () => {
    const dir = await makeJob();
    bar(join(dir, '.batchctl/state.db'));
    for (const args of [['list'], ['doctor', '--emulator']]) {
      const { code, stdout, stderr } = await run(dir, [...args, '--json']);
      expect([args[0], code], stdout + stderr).toEqual([args[0], 6]);
      expect(stdout + stderr).toContain('"store_denied"');
    }
  });
});
