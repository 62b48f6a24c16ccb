import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect } from 'vitest';
import { type Emulator, startEmulator } from '../../src/emulator/server.ts';
import { runHere } from '../support/cli-here.ts';
import type { Truth } from '../support/emulator-process.ts';
import { type Finished, runCli } from '../support/run-cli.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { envOf, jobIdOf } from '../support/workspace-copy.ts';

/** A workspace with one job that is done: six requests in two shards, of which the API refused `r5` of the second. */
export interface PruneBench {
  /** A copy of it with the same account. */
  copy(): Pruned;
  truth(): Promise<Truth>;
}

export interface Pruned {
  readonly dir: string;
  readonly jobId: string;
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Finished>;
  /** The document of a command that leaves with 0. In this process: to start another takes longer than most commands. */
  json(...args: readonly string[]): Promise<Record<string, unknown>>;
  /** Files of the job, relative to the workspace, sorted. */
  files(): readonly string[];
  read(path: string): string;
}

/** To be called where a file of tests begins: the job is made once. */
export function usePruneBench(): PruneBench {
  let template = '';
  let emulator: Emulator | null = null;
  beforeAll(async () => {
    template = join(tmpdir(), `batchctl-prune-${process.pid}`);
    rmSync(template, { recursive: true, force: true });
    writeRequests(template);
    emulator = await startEmulator({ stateDir: `${template}-served`, batchSeconds: 0.1 });
    const done = await runCli([...SUBMIT, '--max-shard-requests', '3'], {
      cwd: template,
      env: envOf(emulator),
    });
    expect(done.code, done.stderr).toBe(3);
  });
  afterAll(async () => {
    await emulator?.close();
    for (const folder of [template, `${template}-served`]) rmSync(folder, { recursive: true, force: true });
  });
  return {
    copy() {
      const dir = makeTempDir();
      cpSync(template, dir, { recursive: true });
      if (emulator === null) throw new Error('the emulator is not there yet');
      return openCopy(dir, emulator);
    },
    truth: async () => (await (await fetch(`${emulator?.url}/_emulator/truth`)).json()) as Truth, // as the emulator answers
  };
}

export const SUBMIT = ['submit', 'words.jsonl', '--use-batch', '--emulator', '--interval', '100ms'];

function writeRequests(dir: string): void {
  const lines = Array.from({ length: 6 }, (_, index) => {
    const id = `r${index + 1}`;
    const odd = id === 'r5' ? { foo: 1 } : {};
    const messages = [{ role: 'user', content: `marker-${id}-end: say it` }];
    const params = { model: 'claude-haiku-5-5', max_tokens: 200, messages, ...odd };
    return JSON.stringify({ custom_id: id, params });
  });
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'words.jsonl'), `${lines.join('\n')}\n`);
}

function openCopy(dir: string, emulator: Emulator): Pruned {
  const jobId = jobIdOf(dir);
  const run: Pruned['run'] = (args, env = {}) =>
    runCli(args, { cwd: dir, env: { ...envOf(emulator), ...env } });
  return {
    dir,
    jobId,
    run,
    json: async (...args) => JSON.parse(await printedHere([...args, '--json'], dir, envOf(emulator))),
    files: () =>
      ['batch_requests', 'batch_results'].flatMap((top) => {
        const folder = join(top, jobId);
        if (!existsSync(join(dir, folder))) return [];
        const names = readdirSync(join(dir, folder), { recursive: true, encoding: 'utf8' }).sort();
        return names.map((name) => join(folder, name)).filter((path) => statSync(join(dir, path)).isFile());
      }),
    read: (path) => readFileSync(join(dir, path), 'utf8'),
  };
}

/** Stdout. @throws what the command threw */
async function printedHere(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  let printed = '';
  stdout.on('data', (chunk) => {
    printed += String(chunk);
  });
  stderr.resume();
  const { signal } = new AbortController();
  const verdict = await runHere(args, { stdin, stdout, stderr, cwd, env, signal });
  expect(verdict, `batchctl ${args.join(' ')}`).toBe('done');
  return printed;
}
