import { cpSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { startEmulator } from '../../src/emulator/server.ts';
import type { Truth } from '../support/emulator-process.ts';
import { type RunOptions, runCli } from '../support/run-cli.ts';
import { writeSampleJob } from '../support/sample-job.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { compileCache } from '../support/workspace-copy.ts';

interface Mistake {
  readonly claim: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeArgs?: readonly string[];
  readonly exit: number;
  readonly code: string;
  /** A part of the message that says what the code cannot. */
  readonly says?: string;
}

const SUBMIT = ['submit', 'bad.job.yaml', '--use-batch', '--yes'];
const EMULATED = [...SUBMIT, '--emulator'];

/** One character more, and no file system of ours takes it; beside it not even a temporary name. */
const LONG = 'x'.repeat(252);

const MISTAKES: readonly Mistake[] = [
  {
    claim: 'an example that there is not',
    args: ['init', '--example', 'nope'],
    exit: 2,
    code: 'example_not_found',
  },
  {
    claim: 'data of a kind that init does not know',
    args: ['init', 'x', '--from', 'notes.odt'],
    exit: 2,
    code: 'unknown_kind',
  },
  {
    claim: 'a request that the job does not have',
    args: ['show', 'latest', 'nope'],
    exit: 2,
    code: 'request_not_found',
  },
  {
    claim: 'a retry of a job that was not submitted',
    args: ['retry', 'latest'],
    exit: 2,
    code: 'job_not_submitted',
  },
  {
    claim: 'a folder as the file of an export',
    args: ['export', 'latest', '--format', 'csv', '-o', 'sub'],
    exit: 2,
    code: 'not_a_file',
  },
  {
    claim: 'an export over the data of the job',
    args: ['export', 'latest', '--format', 'csv', '-o', 'data.csv'],
    exit: 2,
    code: 'target_in_use',
  },
  {
    claim: 'an export into a folder that there is not',
    args: ['export', 'latest', '--format', 'csv', '-o', 'none/x.csv'],
    exit: 2,
    code: 'not_a_folder',
  },
  {
    claim: 'a key with a line break',
    args: SUBMIT,
    env: { ANTHROPIC_API_KEY: 'sk\nx' },
    exit: 4,
    code: 'key_malformed',
  },
  {
    claim: 'a base URL that is no safe address of the web',
    args: SUBMIT,
    env: { ANTHROPIC_API_KEY: 'sk-x', ANTHROPIC_BASE_URL: 'ftp://example.com' },
    exit: 2,
    code: 'base_url_refused',
  },
  {
    claim: 'a stage that the job does not have',
    args: ['export', 'latest', '--format', 'csv', '-o', 'x.csv', '--stage', 'nope'],
    exit: 2,
    code: 'stage_not_found',
  },
  {
    claim: 'a template that is not there',
    args: ['export', 'latest', '--template', 'none.liquid', '-o', 'x.txt'],
    exit: 2,
    code: 'template_unreadable',
  },
  {
    claim: 'a template that names a column which no row has',
    args: ['export', 'latest', '--template', 'nope.liquid', '-o', 'x.txt'],
    exit: 2,
    code: 'template_row',
    says: 'no column \\"nope\\"',
  },
  {
    claim: 'a table in the place of something else',
    args: ['export', 'latest', '--format', 'sqlite', '-o', 'notes.odt'],
    exit: 2,
    code: 'not_an_export',
  },
  {
    claim: 'a table under a name that the disk does not take',
    args: ['export', 'latest', '--format', 'sqlite', '-o', `${LONG}.db`],
    exit: 6,
    code: 'disk_failed',
    says: 'ENAMETOOLONG',
  },
  {
    claim: 'an export under a name that the disk does not take',
    args: ['export', 'latest', '--format', 'csv', '-o', `${LONG}.csv`],
    exit: 6,
    code: 'disk_refused',
    says: 'the name is too long (ENAMETOOLONG',
  },
  { claim: 'a plan of a folder', args: ['plan', 'sub'], exit: 2, code: 'not_a_job' },
  {
    claim: 'a job that is to go on by itself without batches',
    args: ['submit', 'bad.job.yaml', '--submit-only'],
    exit: 2,
    code: 'use_batch_missing',
  },
  {
    claim: 'a length of batches that is no number',
    args: EMULATED,
    env: { BATCHCTL_EMULATOR_BATCH_SECONDS: 'soon' },
    exit: 2,
    code: 'wrong_environment',
  },
  {
    claim: 'an emulator on another machine',
    args: EMULATED,
    env: { BATCHCTL_EMULATOR_URL: 'https://example.com' },
    exit: 2,
    code: 'wrong_environment',
  },
  {
    claim: 'a fault that the emulator does not know',
    args: EMULATED,
    env: { BATCHCTL_EMULATOR_FAULTS: 'lost-repli' },
    exit: 2,
    code: 'wrong_fault',
  },
  {
    claim: 'a key file that is a folder',
    args: ['-C', 'sub', ...SUBMIT],
    env: { ANTHROPIC_API_KEY: '' },
    exit: 4,
    code: 'key_unreadable',
    says: '.env',
  },
  {
    claim: 'a rebuild where nothing was built',
    args: ['-C', 'sub/deep', 'doctor', '--rebuild'],
    exit: 2,
    code: 'nothing_to_rebuild',
  },
  { claim: 'a folder in the place of the store', args: ['-C', 'blocked', 'list'], exit: 6, code: 'store_io' },
  {
    claim: 'a store that cannot be read, at doctor',
    args: ['-C', 'blocked', 'doctor'],
    exit: 6,
    code: 'store_unreadable',
  },
  {
    claim: 'a store without one of its tables',
    args: ['-C', 'torn', 'list'],
    exit: 6,
    code: 'database_failed',
    says: 'batchctl doctor',
  },
  {
    claim: 'the same at doctor, which knows what helps',
    args: ['-C', 'torn', 'doctor'],
    exit: 6,
    code: 'store_damaged',
    says: '--rebuild',
  },
  {
    claim: 'a fault of the program itself',
    args: ['build', 'bad.job.yaml', '--new'],
    nodeArgs: [
      '--import',
      'data:text/javascript,Date.prototype.toISOString = () => { throw new TypeError("broken") }',
    ],
    exit: 1,
    code: 'bug',
    says: 'TypeError: broken',
  },
  { claim: 'a plan of one of several jobs', args: ['plan'], exit: 2, code: 'several_job_files' },
  {
    claim: 'a plan where there is no job',
    args: ['-C', 'sub/deep', 'plan'],
    exit: 2,
    code: 'job_file_not_found',
  },
];

test('what a user mistypes has a code of its own, and sends nothing', { timeout: 120_000 }, async () => {
  const job =
    'source: {csv: data.csv}\nmodel: claude-sonnet-5-5\nmax_tokens: 500\nprompt: "Write about {{ name }}."\n';
  const cwd = makeTempDir({
    'data.csv': 'name\nAda\n',
    'notes.odt': 'x',
    'nope.liquid': '{{ nope }}',
    'sub/bad.job.yaml': job,
    'sub/data.csv': 'name\nAda\n',
    'bad.job.yaml': job,
    'other.job.yaml': job,
  });
  for (const folder of ['sub/deep/.batchctl', 'sub/.env', 'blocked/.batchctl/state.db'])
    mkdirSync(join(cwd, folder), { recursive: true });
  expect((await runCli(['build', 'bad.job.yaml'], { cwd })).code).toBe(0);
  cpSync(join(cwd, '.batchctl'), join(cwd, 'torn/.batchctl'), { recursive: true });
  tearTableOut(join(cwd, 'torn/.batchctl/state.db'));
  for (const { claim, args, env = {}, nodeArgs = [], ...said } of MISTAKES)
    await expectError(claim, args, { cwd, env, nodeArgs }, said);
});

test('the emulator refuses a port that is taken, and another server is not taken for it', async () => {
  const cwd = makeTempDir();
  writeSampleJob(cwd, 1);
  const server = createServer((_request, response) => response.writeHead(404).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // The address of a server that listens on a port.
  const { port } = server.address() as AddressInfo;
  const submit = ['submit', '--use-batch', '--emulator', '--yes'];
  const env = { BATCHCTL_EMULATOR_URL: `http://127.0.0.1:${port}` };
  try {
    await expectError('a port that is taken', ['emulator', '--port', String(port)], { cwd }, TAKEN);
    await expectError('another server', submit, { cwd, env }, { ...UNREACHABLE, says: 'HTTP 404' });
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
  await expectError('no server', submit, { cwd, env }, { ...UNREACHABLE, says: 'ECONNREFUSED' });
});

test('what cannot be asked of a job under way has a code of its own, and sends nothing', async () => {
  const cwd = makeTempDir();
  writeSampleJob(cwd, 2);
  const emulator = await startEmulator({ stateDir: makeTempDir(), batchSeconds: 600 });
  onTestFinished(() => emulator.close());
  const env = { BATCHCTL_EMULATOR_URL: emulator.url };
  // What the emulator answers of itself.
  const truth = async () => (await (await fetch(`${emulator.url}/_emulator/truth`)).json()) as Truth;
  const submit = ['submit', '--use-batch', '--emulator', '--submit-only'];
  const sent = await runCli(submit, { cwd, env });
  expect(sent.code, sent.stderr).toBe(0);
  const [batch] = (await truth()).batches;
  const usage = { exit: 2 } as const;
  await expectError(
    'a batch for a shard that has one',
    ['resume', 'latest', '--adopt', batch?.id ?? ''],
    { cwd, env },
    { ...usage, code: 'nothing_in_doubt', says: 'no submission of job' },
  );
  await expectError(
    'a retry of a stage that there is not',
    ['retry', 'latest', '--stage', 'nope'],
    { cwd, env },
    { ...usage, code: 'stage_not_found', says: 'main' },
  );
  expect((await runCli(['cancel', 'latest'], { cwd, env })).code).toBe(0);
  await expectError(
    'a retry before it is known what a cancel has left',
    ['retry', 'latest'],
    { cwd, env },
    { ...usage, code: 'job_canceling', says: 'retrieve' },
  );
  expect((await truth()).posts).toHaveLength(1);
});

const TAKEN = { exit: 2, code: 'port_taken', says: 'EADDRINUSE' } as const;
const UNREACHABLE = { exit: 5, code: 'emulator_unreachable' } as const;

async function expectError(
  claim: string,
  args: readonly string[],
  { env, ...options }: RunOptions,
  { exit, code, says = '' }: Pick<Mistake, 'exit' | 'code' | 'says'>,
): Promise<void> {
  const finished = await runCli([...args, '--json'], {
    ...options,
    env: { NODE_COMPILE_CACHE: compileCache(), ...env },
  });
  const error = finished.stderr.split('\n').find((line) => line.startsWith('{"error"')) ?? finished.stderr;
  expect([claim, finished.code, error]).toEqual([
    claim,
    exit,
    expect.stringContaining(`{"error":{"code":"${code}"`),
  ]);
  expect(error, claim).toContain(says);
}

function tearTableOut(path: string): void {
  const db = new Database(path);
  db.pragma('foreign_keys = OFF');
  db.exec('DROP TABLE submissions');
  db.close();
}
