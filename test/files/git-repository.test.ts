import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { GitRepository } from '../../src/core/ports/outside.ts';
import { openGitRepository } from '../../src/files/git-repository.ts';
import { makeTempDir, writeFile } from '../support/temp-dir.ts';

const never = new AbortController().signal;

/** Whoever runs the tests has settings of their own, which must not decide them. */
const ENV: NodeJS.ProcessEnv = {
  ...process.env,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'T',
  GIT_AUTHOR_EMAIL: 't@example.com',
  GIT_COMMITTER_NAME: 'T',
  GIT_COMMITTER_EMAIL: 't@example.com',
};

interface Bench {
  readonly dir: string;
  readonly git: GitRepository;
  run(...args: readonly string[]): string;
  /** What the last commit holds, by the letters of git. */
  lastCommit(): string;
  status(): string;
}

/** A repository with one commit, and the adapter on a folder in it. */
function makeBench(workspace = ''): Bench {
  const dir = makeTempDir({ 'kept.txt': 'kept\n', 'old.md': 'old\n' });
  const run = (...args: readonly string[]): string =>
    execFileSync('git', args, { cwd: dir, env: ENV, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  run('init', '-q', '-b', 'main');
  run('add', '.');
  run('commit', '-q', '-m', 'first');
  mkdirSync(join(dir, workspace), { recursive: true });
  return {
    dir,
    run,
    git: openGitRepository(join(dir, workspace), ENV),
    lastCommit: () => run('show', '--format=%s', '--name-status', 'HEAD').replaceAll('\n\n', '\n').trim(),
    status: () => run('status', '--porcelain=v1', '--untracked-files=all').trimEnd(),
  };
}

describe('a commit', () => {
  test('holds exactly the files named; what else is staged, changed or new stays as it was', async () => {
    const { dir, git, run, lastCommit, status } = makeBench();
    writeFile(join(dir, 'staged.txt'), 'staged\n');
    run('add', 'staged.txt');
    writeFile(join(dir, 'kept.txt'), 'staged change\n');
    run('add', 'kept.txt');
    writeFile(join(dir, 'kept.txt'), 'a later change\n');
    writeFile(join(dir, 'untracked.txt'), 'untracked\n');
    writeFile(join(dir, 'old.md'), 'new\n');
    writeFile(join(dir, 'reports/a.md'), 'a\n');
    const before = { staged: run('diff', '--cached', '--', 'kept.txt', 'staged.txt') };

    const look = await git.inspect(['reports/a.md', 'old.md'], never);
    expect(look).toEqual({ kind: 'ready', changed: ['reports/a.md', 'old.md'], ignored: [] });
    expect(await git.commit(['reports/a.md', 'old.md'], 'two files', never)).toMatchObject({
      kind: 'committed',
    });
    expect(lastCommit()).toBe('two files\nM\told.md\nA\treports/a.md');
    expect(status()).toBe('MM kept.txt\nA  staged.txt\n?? untracked.txt');
    expect(run('diff', '--cached', '--', 'kept.txt', 'staged.txt')).toBe(before.staged);
  });

  test('names files as they are, also where a name reads like a pattern', async () => {
    const { dir, git, lastCommit, status } = makeBench();
    for (const name of ['*.md', ':(top)x.md', 'über [1].md', '-n.md', 'x.md'])
      writeFile(join(dir, name), 'x\n');
    const names = ['*.md', ':(top)x.md', 'über [1].md', '-n.md'];
    expect(await git.inspect(names, never)).toMatchObject({ changed: names });
    await git.commit(names, '- a message that begins like a flag', never);
    expect(lastCommit().split('\n')).toHaveLength(5);
    expect(status()).toBe('?? x.md');
  });

  test('is made from a workspace below the top of the repository', async () => {
    const { dir, git, lastCommit } = makeBench('work/space');
    writeFile(join(dir, 'work/space/out/a.md'), 'a\n');
    writeFile(join(dir, 'out/a.md'), 'another\n');
    expect(await git.inspect(['out/a.md'], never)).toMatchObject({ changed: ['out/a.md'] });
    await git.commit(['out/a.md'], 'below', never);
    expect(lastCommit()).toBe('below\nA\twork/space/out/a.md');
  });

  test('is the first one of a repository without any', async () => {
    const dir = makeTempDir({ 'a.md': 'a\n', 'b.md': 'b\n' });
    execFileSync('git', ['init', '-q', dir], { env: ENV });
    execFileSync('git', ['add', 'b.md'], { cwd: dir, env: ENV });
    const git = openGitRepository(dir, ENV);
    expect(await git.commit(['a.md'], 'first', never)).toMatchObject({ kind: 'committed' });
    const listed = execFileSync('git', ['ls-tree', '--name-only', 'HEAD'], { cwd: dir, env: ENV });
    expect(listed.toString()).toBe('a.md\n');
  });

  test('reaches a file through a folder that is a link', async () => {
    const { dir, git, lastCommit } = makeBench();
    mkdirSync(join(dir, 'real'));
    symlinkSync('real', join(dir, 'link'));
    writeFileSync(join(dir, 'link/a.md'), 'a\n');
    expect(await git.inspect(['link/a.md'], never)).toMatchObject({ changed: ['link/a.md'] });
    await git.commit(['link/a.md'], 'through a link', never);
    expect(lastCommit()).toBe('through a link\nA\treal/a.md');
  });

  test('of thousands of files is one commit', async () => {
    const { dir, git, run } = makeBench();
    const paths = Array.from(
      { length: 3_000 },
      (_, index) => `reports/a-rather-long-folder-name/${index}.md`,
    );
    mkdirSync(join(dir, 'reports/a-rather-long-folder-name'), { recursive: true });
    for (const path of paths) writeFileSync(join(dir, path), path);
    const look = await git.inspect(paths, never);
    expect(look.kind === 'ready' && look.changed.length).toBe(3_000);
    expect(await git.commit(paths, 'many', never)).toMatchObject({ kind: 'committed' });
    expect(run('show', '--format=', '--name-only', 'HEAD').trim().split('\n')).toHaveLength(3_000);
  });

  test('that a hook refuses leaves the index as it was, and says what the hook said', async () => {
    const { dir, git, run, status } = makeBench();
    writeFile(join(dir, '.git/hooks/pre-commit'), '#!/bin/sh\necho "no reports on a Friday" >&2\nexit 1\n');
    chmodSync(join(dir, '.git/hooks/pre-commit'), 0o755);
    writeFile(join(dir, 'a.md'), 'a\n');
    writeFile(join(dir, 'old.md'), 'new\n');
    const before = { status: status(), head: run('rev-parse', 'HEAD') };
    const end = await git.commit(['a.md', 'old.md'], 'refused', never);
    expect(end).toEqual({ kind: 'refused', why: 'no reports on a Friday' });
    expect({ status: status(), head: run('rev-parse', 'HEAD') }).toEqual(before);
  });

  test('shows its hooks the environment that any commit shows them', async () => {
    const { dir, git } = makeBench();
    const hook = '#!/bin/sh\nenv | grep -c PATHSPECS && exit 1\nexit 0\n';
    writeFile(join(dir, '.git/hooks/pre-commit'), hook);
    chmodSync(join(dir, '.git/hooks/pre-commit'), 0o755);
    writeFile(join(dir, 'a.md'), 'a\n');
    expect(await git.commit(['a.md'], 'hooked', never)).toMatchObject({ kind: 'committed' });
  });
});

describe('a look', () => {
  test('leaves out what is as it was committed', async () => {
    const { dir, git } = makeBench();
    writeFile(join(dir, 'new.md'), 'x\n');
    expect(await git.inspect(['old.md', 'new.md'], never)).toMatchObject({ changed: ['new.md'] });
  });

  test('names what git ignores, unless it is tracked all the same', async () => {
    const { dir, git, run } = makeBench();
    writeFile(join(dir, '.gitignore'), 'out/\n*.log\n');
    writeFile(join(dir, 'out/a.md'), 'a\n');
    writeFile(join(dir, 'tracked.log'), 'one\n');
    run('add', '-f', 'tracked.log');
    run('commit', '-q', '-m', 'log');
    writeFile(join(dir, 'tracked.log'), 'two\n');
    const look = await git.inspect(['out/a.md', 'tracked.log'], never);
    expect(look).toEqual({ kind: 'ready', changed: ['tracked.log'], ignored: ['out/a.md'] });
  });

  test('outside of a repository says so', async () => {
    const git = openGitRepository(makeTempDir({ 'a.md': 'a\n' }), ENV);
    const look = await git.inspect(['a.md'], never);
    expect(look).toMatchObject({ kind: 'unusable', why: expect.stringContaining('not a git repository') });
  });

  test('without git says that', async () => {
    const git = openGitRepository(makeTempDir(), { PATH: makeTempDir() });
    expect(await git.inspect([], never)).toEqual({ kind: 'unusable', why: 'git is not installed' });
  });
});
