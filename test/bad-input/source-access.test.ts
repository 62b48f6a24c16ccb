import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { makeTempDir } from '../support/temp-dir.ts';
import { prompt } from './bad-data.ts';
import { type Files, type Outcome, runJob, writeFiles } from './run-job.ts';

describe('a file that must not be read', () => {
  let root: string;
  beforeEach(() => {
    root = makeTempDir();
  });

  /** Root may read everything, so it steps down for a moment. */
  const asOrdinaryUser = async <T>(act: () => Promise<T>): Promise<T> => {
    if (process.geteuid?.() !== 0) return act();
    process.seteuid?.(65_534);
    try {
      return await act();
    } finally {
      process.seteuid?.(0);
    }
  };

  const run = (source: string, job: string | null, files: Files): Promise<Outcome> => {
    writeFiles(root, { 'bad.job.yaml': `source: {${source}}\n${job ?? ''}`, ...files });
    return runJob(root, 'bad.job.yaml');
  };

  test('a pipe is refused and does not hang', async () => {
    execFileSync('mkfifo', [join(root, 'pipe.csv')]);
    const outcome = await run('csv: pipe.csv', prompt, {});
    expect(outcome.code).toBe('source_unreadable');
    expect(outcome.said).toContain('not a regular file');
  });

  test('a file that may not be read names its errno', async () => {
    writeFiles(root, { 'd.csv': 'name\nA\n', 'bad.job.yaml': `source: {csv: d.csv}\n${prompt}` });
    chmodSync(root, 0o755);
    chmodSync(join(root, 'd.csv'), 0);
    const outcome = await asOrdinaryUser(() => runJob(root, 'bad.job.yaml'));
    expect(outcome.code).toBe('source_unreadable');
    expect(outcome.said).toContain('d.csv: you may not read it (EACCES)');
  });

  test('a symbolic link out of the workspace is refused', async () => {
    symlinkSync('/etc/hostname', join(root, 'd.csv'));
    expect((await run('csv: d.csv', prompt, {})).code).toBe('source_outside');
  });

  test('a symbolic link out of the workspace is refused for files of records and for folders', async () => {
    mkdirSync(join(root, 's'));
    symlinkSync('/etc/hostname', join(root, 's/a.txt'));
    const folder = await run('dir: "s/*.txt"', 'model: m\nmax_tokens: 5\nprompt: "{{ text }}"\n', {});
    expect(folder.problems).toEqual(['s/a.txt: it is outside the workspace']);
    const files = await run(
      'axes: {n: 1}',
      'model: m\nmax_tokens: 5\nprompt: "{{ t }}"\nfiles: {t: s/a.txt}\n',
      {},
    );
    expect(files.problems[0]).toContain('files.t: s/a.txt: it is outside the workspace');
  });
});
