import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { checkFileSystem } from '../../src/cli/examine-machine.ts';
import { type Emulator, startEmulator } from '../../src/emulator/server.ts';
import { runCli, startCli } from '../support/run-cli.ts';
import { writeSampleJob } from '../support/sample-job.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const PATIENCE_MS = 60_000;
const FLAGS = ['--use-batch', '--emulator', '--max-shard-requests', '3', '--interval', '100ms'];

interface Check {
  readonly check: string;
  readonly level: 'ok' | 'note' | 'bad';
  readonly detail: string;
  readonly next: string | null;
  readonly code: string | null;
}

/** A workspace with a job that is done and one that was only built; each test gets a copy of it. */
let template = '';
let emulator: Emulator | null = null;

beforeAll(async () => {
  template = join(tmpdir(), `batchctl-doctor-${process.pid}`);
  writeSampleJob(template, 4);
  emulator = await startEmulator({ stateDir: join(template, 'served'), batchSeconds: 0.2 });
  const done = await cli(template, 'submit', ...FLAGS);
  expect(done.code, done.stderr).toBe(0);
  writeSampleJob(template, 5);
  expect((await cli(template, 'build', '--emulator')).code).toBe(0);
}, PATIENCE_MS);

afterAll(async () => {
  await emulator?.close();
  rmSync(template, { recursive: true, force: true });
});

function envOf(url = emulator?.url ?? '') {
  return { BATCHCTL_EMULATOR_URL: url, NODE_COMPILE_CACHE: join(tmpdir(), 'batchctl-compile-cache') };
}

const cli = (cwd: string, ...args: readonly string[]) => runCli(args, { cwd, env: envOf() });

function copyOfTemplate(): string {
  const dir = makeTempDir();
  cpSync(template, dir, { recursive: true, filter: (path) => !path.endsWith('/served') });
  return dir;
}

async function doctor(
  dir: string,
): Promise<{ code: number | null; checks: readonly Check[]; error: string | null }> {
  const { code, stdout, stderr } = await cli(dir, 'doctor', '--emulator', '--json');
  const last = stderr.trimEnd().split('\n').at(-1) ?? '';
  const error = last === '' ? null : (JSON.parse(last) as { error: { code: string } }).error.code;
  return { code, checks: (JSON.parse(stdout) as { checks: readonly Check[] }).checks, error };
}

/** Every file with its bytes and mode; the side files of SQLite come and go with whoever looks. */
function fingerprint(dir: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(dir, name);
    const stat = statSync(path);
    if (/-(?:wal|shm)$|locks/.test(name)) continue;
    hash.update(`${name} ${stat.mode} `);
    if (stat.isFile()) hash.update(readFileSync(path));
  }
  return hash.digest('hex');
}

const stateOf = (dir: string): string => join(dir, '.batchctl/state.db');

function jobFolder(dir: string, kind: 'batch_requests' | 'batch_results', index: number): string {
  const folders = readdirSync(join(dir, kind)).filter((name) => name !== 'sent.jsonl');
  return join(dir, kind, folders.sort()[index] ?? '');
}

test(
  'of a workspace in order everything is ok, and nothing is changed',
  async () => {
    const dir = copyOfTemplate();
    const before = fingerprint(dir);
    const { code, checks, error } = await doctor(dir);
    expect({ code, error, notOk: checks.filter(({ level }) => level !== 'ok') }).toEqual({
      code: 0,
      error: null,
      notOk: [],
    });
    expect(checks.map(({ check }) => check)).toEqual(
      expect.arrayContaining([
        'store',
        'SQLite',
        'journals',
        'receipts',
        'request files',
        'raw results',
        'modes',
        'jobs',
        'locks',
        'disk',
      ]),
    );
    expect(fingerprint(dir)).toBe(before);
  },
  PATIENCE_MS,
);

describe('what is wrong is a finding with a next step, the exit code is that of the worst, and nothing is changed', () => {
  const cases: readonly (readonly [string, (dir: string) => void, Partial<Check>, number, RegExp])[] = [
    [
      'a database that is gone',
      (dir) => rmSync(stateOf(dir)),
      { check: 'store', code: 'store_gone' },
      6,
      /--rebuild/,
    ],
    [
      'a database of noise',
      (dir) => writeFileSync(stateOf(dir), Buffer.alloc(9_000, 'noise')),
      { check: 'store', code: 'store_damaged' },
      6,
      /--rebuild/,
    ],
    [
      'a database with a destroyed page',
      (dir) => destroyPage(stateOf(dir)),
      { check: 'store', code: 'store_damaged' },
      6,
      /--rebuild/,
    ],
    [
      'a reference to a row that is gone',
      (dir) => change(stateOf(dir), 'PRAGMA foreign_keys = OFF; DELETE FROM shards'),
      { check: 'store', code: 'store_damaged' },
      6,
      /--rebuild/,
    ],
    [
      'a database of another program',
      (dir) => foreign(stateOf(dir)),
      { check: 'store', code: 'store_foreign' },
      6,
      /move the file away/,
    ],
    [
      'a newer database',
      (dir) => change(stateOf(dir), 'PRAGMA user_version = 999'),
      { check: 'store', code: 'store_newer' },
      6,
      /newer/,
    ],
    [
      'a database without a job that was built here',
      (dir) => change(stateOf(dir), FORGET_LAST),
      { check: 'store', code: 'store_behind' },
      6,
      /--rebuild/,
    ],
    [
      'a receipt that the database does not know',
      (dir) => addReceipt(dir),
      { check: 'receipts', code: 'store_older_than_receipts' },
      7,
      /--rebuild/,
    ],
    [
      'raw results that were changed',
      (dir) => appendFileSync(join(jobFolder(dir, 'batch_results', 0), 'main-0001.raw.jsonl'), ' '),
      { check: 'raw results', code: 'raw_damaged' },
      6,
      /retrieve/,
    ],
    [
      'a shard that is still to be sent and was changed',
      (dir) => appendFileSync(join(jobFolder(dir, 'batch_requests', 1), 'main-0001.jsonl'), ' '),
      { check: 'request files', code: 'shard_file_damaged' },
      6,
      /put it back/,
    ],
    [
      'more under way than the disk has room for',
      (dir) => change(stateOf(dir), 'UPDATE shards SET body_bytes = 4000000000000000'),
      { check: 'disk', code: 'disk_too_small' },
      6,
      /free some space/,
    ],
    [
      'a rebuild that was cut off',
      (dir) => writeFileSync(join(dir, '.batchctl/rebuild-under-way'), ''),
      { check: 'store', code: 'rebuild_cut_off' },
      6,
      /--rebuild/,
    ],
    [
      'a shard that was sent and is gone',
      (dir) => rmSync(join(jobFolder(dir, 'batch_requests', 0), 'main-0001.jsonl')),
      { check: 'request files', level: 'note' },
      0,
      /^/,
    ],
    [
      'what a killed run has left',
      (dir) => writeFileSync(join(jobFolder(dir, 'batch_results', 0), '.main-0009.raw.jsonl.partial'), ''),
      { check: 'leftovers', level: 'note' },
      0,
      /next run/,
    ],
    [
      'a database that others may read',
      (dir) => chmodSync(stateOf(dir), 0o644),
      { check: 'modes', level: 'note' },
      0,
      /rights/,
    ],
    [
      'a job without a journal',
      (dir) => rmSync(join(jobFolder(dir, 'batch_requests', 0), 'journal.jsonl')),
      { check: 'journals', level: 'note' },
      0,
      /resume/,
    ],
  ];
  test.each(cases)(
    '%s',
    async (_name, damage, expected, expectedCode, next) => {
      const dir = copyOfTemplate();
      damage(dir);
      const before = fingerprint(dir);
      const { code, checks, error } = await doctor(dir);
      const found = checks.find((one) => one.check === expected.check && one.level !== 'ok');
      expect(found, JSON.stringify(checks)).toMatchObject(expected);
      expect(found?.next ?? '').toMatch(next);
      expect({ code, error }).toEqual({ code: expectedCode, error: expected.code ?? null });
      expect(fingerprint(dir)).toBe(before);
    },
    PATIENCE_MS,
  );
});

test(
  'who is at work, and what is in doubt, is said while it is so',
  async () => {
    const dir = makeTempDir();
    writeSampleJob(dir, 4);
    const own = await startEmulator({ stateDir: makeTempDir(), batchSeconds: 5, faults: ['lost-reply@1'] });
    onTestFinished(() => own.close());
    const running = startCli(['submit', ...FLAGS, '--settle', '30s'], { cwd: dir, env: envOf(own.url) });
    await running.waitFor('in doubt');
    const { code, checks } = await doctor(dir);
    expect(code).toBe(0);
    expect(checks).toContainEqual(
      expect.objectContaining({
        check: 'locks',
        level: 'note',
        detail: expect.stringContaining(`process ${running.child.pid}`),
      }),
    );
    expect(checks).toContainEqual(
      expect.objectContaining({
        check: 'jobs',
        level: 'note',
        detail: expect.stringContaining('1 shard in doubt'),
        next: expect.stringContaining('resume'),
      }),
    );
    running.child.kill('SIGKILL');
    await running.finished;
    expect((await doctor(dir)).checks).toContainEqual(
      expect.objectContaining({ check: 'locks', level: 'ok' }),
    );
  },
  PATIENCE_MS,
);

test(
  'a submission whose doubt nothing can settle is named, with how to decide',
  async () => {
    const dir = makeTempDir();
    writeSampleJob(dir, 3);
    // Its only candidate has no result, so nothing bears the nonce that would prove it.
    const faults = ['lost-reply@1', 'results-missing=3'];
    const own = await startEmulator({ stateDir: makeTempDir(), batchSeconds: 0.2, faults });
    onTestFinished(() => own.close());
    const env = envOf(own.url);
    const sent = await runCli(['submit', ...FLAGS, '--settle', '1s', '--json'], { cwd: dir, env });
    expect(sent.code, sent.stderr).toBe(7);
    expect(sent.stderr).toContain('"code":"submission_in_doubt"');
    const { code, checks, error } = await doctor(dir);
    expect({ code, error }).toEqual({ code: 7, error: 'doubt_stuck' });
    const stuck = checks.find((one) => one.code === 'doubt_stuck');
    expect(stuck).toMatchObject({ check: 'jobs', next: expect.stringMatching(/--adopt or --resubmit/) });
    expect(stuck?.detail).toMatch(/^job words-\S+ waits for your decision on shard 1: \S/);
  },
  PATIENCE_MS,
);

test.runIf(process.platform === 'linux')(
  'a network file system is named, with what it does to the store',
  () => {
    expect(checkFileSystem(0x6969)).toMatchObject({ level: 'note', detail: expect.stringContaining('NFS') });
    expect(checkFileSystem(0xef53)).toMatchObject({ level: 'ok' });
  },
);

/** All that belongs to the newest job. */
const FORGET_LAST = `
PRAGMA foreign_keys = ON;
DELETE FROM events WHERE job_id = 2;
DELETE FROM requests WHERE stage_id IN (SELECT id FROM stages WHERE job_id = 2);
DELETE FROM records WHERE job_id = 2;
DELETE FROM shards WHERE stage_id IN (SELECT id FROM stages WHERE job_id = 2);
DELETE FROM stages WHERE job_id = 2;
DELETE FROM jobs WHERE id = 2;
`;

function change(path: string, sql: string): void {
  const db = new Database(path);
  db.exec(sql);
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
}

function destroyPage(path: string): void {
  const bytes = readFileSync(path);
  bytes.fill(0x5a, 3 * 4096, 4 * 4096);
  writeFileSync(path, bytes);
}

function foreign(path: string): void {
  rmSync(path);
  change(path, 'CREATE TABLE theirs (id INTEGER); PRAGMA application_id = 12');
}

function addReceipt(dir: string): void {
  const path = join(dir, '.batchctl/receipts.jsonl');
  const [line = '{}'] = readFileSync(path, 'utf8').split('\n');
  appendFileSync(path, `${JSON.stringify({ ...JSON.parse(line), batch_id: 'msgbatch_unknown' })}\n`);
}
