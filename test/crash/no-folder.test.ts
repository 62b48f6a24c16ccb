import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeSampleJob } from '../support/sample-job.ts';
import { runUnderStrace, sayLeftOut, straceProblem } from '../support/strace.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const problem = straceProblem();
if (problem !== null) sayLeftOut('no folder is refused', problem);

describe.skipIf(problem !== null)('a folder that cannot be made', () => {
  it.each([
    ['ENOSPC', 'disk_full'],
    ['EROFS', 'disk_denied'],
    ['EIO', 'disk_io'],
  ])('for %s is told as %s, not as a file that is missing', async (errno, code) => {
    const dir = makeTempDir();
    writeSampleJob(dir, 3);
    const finished = await runUnderStrace(['build', '--emulator', '--json'], {
      cwd: dir,
      env: {},
      calls: ['mkdir'],
      paths: [join(dir, 'batch_requests')],
      inject: `mkdir:error=${errno}`,
      log: join(makeTempDir(), 'log'),
    });
    expect(finished.code, finished.stderr).toBe(6);
    expect(JSON.parse(finished.stderr).error.code).toBe(code);
  });
});
