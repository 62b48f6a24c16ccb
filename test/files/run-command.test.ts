import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Command } from '../../src/core/ports/outside.ts';
import { createCommandRunner } from '../../src/files/run-command.ts';
import { makeTempDir, writeFile } from '../support/temp-dir.ts';

const never = new AbortController().signal;

/** Writes what it was given to said.json in its folder, and leaves with the code in its first argument. */
const TELL = `
const { readFileSync, writeFileSync } = require('node:fs');
const [code, ...args] = process.argv.slice(2);
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => /^(?:BATCHCTL_|OWN$)/.test(name)));
writeFileSync('said.json', JSON.stringify({ args, env, stdin: readFileSync(0, 'utf8') }));
process.exitCode = Number(code);
`;

function makeRunner(root: string, env: NodeJS.ProcessEnv = process.env) {
  const run = createCommandRunner(root, env);
  return (argv: readonly string[], more: Partial<Command> = {}, signal = never) =>
    run({ argv, dir: '', facts: {}, paths: {}, stdin: '', ...more }, signal);
}

describe('a command', () => {
  test('gets its arguments as they are, without a shell, the facts, and the document on stdin', async () => {
    const root = makeTempDir({ 'tell.cjs': TELL });
    mkdirSync(join(root, 'jobs'));
    const run = makeRunner(root, { ...process.env, OWN: 'kept' });
    const args = ['$HOME', 'two words', '* ; echo no', ''];
    const end = await run([process.execPath, join(root, 'tell.cjs'), '0', ...args], {
      dir: 'jobs',
      facts: { BATCHCTL_FAILED: '2' },
      paths: { BATCHCTL_WORKSPACE: '', BATCHCTL_RESULTS_DIR: 'batch_results/a' },
      stdin: '{"job":1}\n',
    });
    expect(end).toEqual({ kind: 'exited', exitCode: 0 });
    const said = JSON.parse(readFileSync(join(root, 'jobs/said.json'), 'utf8'));
    expect(said).toMatchObject({
      args,
      stdin: '{"job":1}\n',
      env: {
        OWN: 'kept',
        BATCHCTL_FAILED: '2',
        BATCHCTL_WORKSPACE: root,
        BATCHCTL_RESULTS_DIR: join(root, 'batch_results/a'),
      },
    });
  });

  test('is found in its folder when its name has a slash', async () => {
    const root = makeTempDir();
    writeFile(join(root, 'jobs/end.sh'), '#!/bin/sh\nexit 7\n');
    chmodSync(join(root, 'jobs/end.sh'), 0o755);
    expect(await makeRunner(root)(['./end.sh'], { dir: 'jobs' })).toEqual({ kind: 'exited', exitCode: 7 });
  });

  test('may leave what is on stdin unread', async () => {
    const run = makeRunner(makeTempDir());
    const end = await run([process.execPath, '-e', ''], { stdin: 'x'.repeat(5_000_000) });
    expect(end).toEqual({ kind: 'exited', exitCode: 0 });
  });

  test.each([
    ['there is no such program', ['no-such-program-here'], ''],
    ['it may not be run', ['./plain.txt'], ''],
    ['its folder', ['true'], 'gone'],
    ['null bytes', [process.execPath, 'a\0b'], ''],
  ])('that cannot be started says why: %s', async (why, argv, dir) => {
    const root = makeTempDir({ 'plain.txt': 'x' });
    const end = await makeRunner(root)(argv, { dir });
    expect(end).toMatchObject({ kind: 'not_started', why: expect.stringContaining(why) });
  });

  test('that was killed is named by its signal', async () => {
    const end = await makeRunner(makeTempDir())([
      process.execPath,
      '-e',
      'process.kill(process.pid, "SIGKILL")',
    ]);
    expect(end).toEqual({ kind: 'killed', signal: 'SIGKILL' });
  });

  test('ends when the run is interrupted, with the reason of that', async () => {
    const root = makeTempDir();
    const controller = new AbortController();
    const reason = new Error('stopped');
    const script = 'process.stdin.on("data", () => {}); setInterval(() => {}, 1000)';
    const ending = makeRunner(root)([process.execPath, '-e', script], {}, controller.signal);
    controller.abort(reason);
    await expect(ending).rejects.toBe(reason);
  });
});
