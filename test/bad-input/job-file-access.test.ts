import { beforeEach, describe, expect, test } from 'vitest';
import { makeTempDir } from '../support/temp-dir.ts';
import { runJob } from './run-job.ts';

describe('a job file', () => {
  let root: string;
  beforeEach(() => {
    root = makeTempDir();
  });

  test('that is not there names its errno', async () => {
    const outcome = await runJob(root, 'none.job.yaml');
    expect(outcome.code).toBe('job_file_unreadable');
    expect(outcome.said).toContain('ENOENT');
  });

  test('that is outside the workspace is refused', async () => {
    const outcome = await runJob(root, '../other.job.yaml');
    expect(outcome.code).toBe('outside_workspace');
  });
});
