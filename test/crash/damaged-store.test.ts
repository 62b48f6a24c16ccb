import { cpSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEmulator } from '../../src/emulator/server.ts';
import { placeOf } from '../../src/store/identity.ts';
import type { Truth } from '../support/emulator-process.ts';
import { type Finished, runCli } from '../support/run-cli.ts';
import { writeSampleJob } from '../support/sample-job.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { compileCache } from '../support/workspace-copy.ts';
import { DAMAGES, inflict } from './damage.ts';

const RECORDS = 25;
const SUBMIT = [
  ...['submit', '--use-batch', '--emulator', '--submit-only', '--max-shard-requests', '10'],
  ...['--settle', '2s', '--interval', '100ms'],
];
/** Each may change nothing that is paid for, and in this order each meets what the ones before have left. */
const LOOKS = [
  ['list', '--all'],
  ['status', 'latest'],
  ['verify', 'latest'],
  ['doctor', '--emulator'],
];
const WORK = [SUBMIT, ['resume', '--once', '--settle', '2s'], ['retrieve', 'latest', '--settle', '2s']];

/** Starting a program is what this test spends its time with: two of the looks at each damage, all over them. */
const looksAt = (index: number) => LOOKS.filter((_, n) => n % 2 === index % 2);

/** A workspace in the middle of a job: one shard sealed without an answer, two with their batches, all in a hot log. */
interface Base {
  readonly dir: string;
  readonly account: string;
}

let base: Base;
const lasting: string[] = [];

/** Gone when all tests have finished. */
function lastingDir(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'batchctl-test-')));
  lasting.push(folder);
  return folder;
}

afterAll(() => {
  for (const folder of lasting) rmSync(folder, { recursive: true, force: true });
});

beforeAll(async () => {
  const dir = lastingDir();
  const account = lastingDir();
  writeSampleJob(dir, RECORDS);
  const emulator = await startEmulator({ stateDir: account, batchSeconds: 1, faults: ['lost-reply@1'] });
  const env = envAt(emulator.url);
  await runCli(['build', '--emulator', '--max-shard-requests', '10'], { cwd: dir, env });
  // As long as it is open, the last connection of a program is not the last one: the log stays.
  const holder = new Database(join(dir, '.batchctl/state.db'));
  holder.prepare('SELECT count(*) FROM jobs').get();
  await runCli(SUBMIT, { cwd: dir, env });
  const copy = { dir: lastingDir(), account: lastingDir() };
  cpSync(dir, copy.dir, { recursive: true });
  holder.close();
  await emulator.close();
  cpSync(account, copy.account, { recursive: true });
  base = copy;
}, 60_000);

const envAt = (url: string) => ({ BATCHCTL_EMULATOR_URL: url, NODE_COMPILE_CACHE: compileCache() });

/** The whole of it once more, account and all; its database is not a copy as far as it can tell. */
async function another(index: number): Promise<{ dir: string; url: string; close: () => Promise<void> }> {
  const dir = makeTempDir();
  const account = makeTempDir();
  cpSync(base.dir, dir, { recursive: true });
  cpSync(base.account, account, { recursive: true });
  const path = join(dir, '.batchctl/state.db');
  const holder = new Database(path);
  holder.prepare('UPDATE identity SET place = ?').run(placeOf(path));
  const hot = makeTempDir();
  cpSync(join(dir, '.batchctl'), hot, { recursive: true });
  holder.close();
  for (const suffix of ['-wal', '-shm']) cpSync(join(hot, `state.db${suffix}`), `${path}${suffix}`);
  inflict(index, path);
  const emulator = await startEmulator({ stateDir: account, batchSeconds: 1 });
  return { dir, url: emulator.url, close: () => emulator.close() };
}

function expectDocumented(finished: Finished, command: readonly string[]): void {
  const said = `${command.join(' ')}: ${finished.signal ?? finished.code}\n${finished.stdout}\n${finished.stderr}`;
  expect(finished.signal, said).toBeNull();
  expect([0, 2, 3, 6, 7, 8], said).toContain(finished.code);
  expect(finished.stderr, said).not.toMatch(/\n\s+at .*[:(]/);
  if (finished.code === 6 || finished.code === 7) expect(finished.stderr, said).toContain('next:');
}

describe('a damaged store', () => {
  it('is tried in at least thirty ways', () => {
    expect(DAMAGES.length).toBeGreaterThanOrEqual(30);
  });

  it.each(DAMAGES.map(({ what }, index) => ({ what, index })))(
    'ends no command without a word, and nothing is paid twice: $what',
    async ({ index }) => {
      const { dir, url, close } = await another(index);
      const run = async (command: readonly string[]) =>
        expectDocumented(await runCli(command, { cwd: dir, env: envAt(url) }), command);
      try {
        await Promise.all(looksAt(index).map(run));
        for (const command of WORK) await run(command);
        const truth = (await (await fetch(`${url}/_emulator/truth`)).json()) as Truth;
        expect(truth.batches.reduce((sum, batch) => sum + batch.requests, 0)).toBe(RECORDS);
      } finally {
        await close();
      }
    },
    60_000,
  );
});
