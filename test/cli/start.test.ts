import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { APPLIED_EVENT } from '../../src/core/applied-event.ts';
import { openStore } from '../../src/store/open.ts';
import { fillStore } from '../support/many-jobs.ts';
import { runCli } from '../support/run-cli.ts';
import { makeTempDir } from '../support/temp-dir.ts';

/** Node's own hooks: loading a module in which one of the texts stands ends the program with 99. */
function forbid(...texts: readonly string[]): readonly string[] {
  const code = `import { registerHooks } from 'node:module';
    const texts = ${JSON.stringify(texts)};
    registerHooks({ load(url, context, next) {
      const loaded = next(url, context);
      const source = String(loaded.source ?? '');
      if (!texts.some((text) => source.includes(text))) return loaded;
      process.removeAllListeners('exit'); // the program's own makes an early end a mistake, with 2
      process.exit(99);
    } });`;
  return ['--import', `data:text/javascript,${encodeURIComponent(code)}`];
}

/** What stands in a bundled package and nowhere else. */
const COMMANDER = 'commander.unknownOption';
const SDK = 'X-Stainless-Retry-Count';
const ZOD = 'ZodError';

/** Stands in for an old Node where none is installed. */
const FAKE_OLD_NODE = [
  '--import',
  `data:text/javascript,${encodeURIComponent(
    "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '22.17.9' } });",
  )}`,
];

describe('--version', () => {
  test.each(['--version', '-V'])('%s is the version of the package', async (flag) => {
    const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
    const { code, stdout, stderr } = await runCli([flag], { cwd: makeTempDir() });
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('is answered without the command line being loaded', async () => {
    const nodeArgs = forbid(COMMANDER, 'SqliteError');
    expect(await runCli(['--version'], { cwd: makeTempDir(), nodeArgs })).toMatchObject({ code: 0 });
  });

  test('the hook of these tests does stop what it forbids', async () => {
    expect(await runCli(['list'], { cwd: makeTempDir(), nodeArgs: forbid(COMMANDER) })).toMatchObject({
      code: 99,
    });
  });
});

describe('on a Node that is too old', () => {
  test('the program says so in one sentence and leaves with 2, before anything else is loaded', async () => {
    const nodeArgs = [...FAKE_OLD_NODE, ...forbid(COMMANDER, 'SqliteError')];
    const { code, stdout, stderr } = await runCli(['list'], { cwd: makeTempDir(), nodeArgs });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe('error: batchctl needs Node.js 22.18 or newer; this is 22.17.9\n');
  });

  const oldNode = '/usr/bin/node';
  test.runIf(existsSync(oldNode))('the same from the system’s own Node, if that is old', async () => {
    const { code, stderr } = await runCli(['list'], { cwd: makeTempDir(), node: oldNode });
    expect(code === 0 || stderr.startsWith('error: batchctl needs Node.js 22.18 or newer')).toBe(true);
  });
});

test.each([[['list', '--all']], [['status', 'latest']], [['plan']]])(
  'the SDK is not loaded for %j',
  async (args) => {
    const { code } = await runCli(args, { cwd: makeTempDir(), nodeArgs: forbid(SDK) });
    expect(code).not.toBe(99);
  },
);

test('neither zod nor the SDK is loaded for a list or a status of jobs that have results', async () => {
  const root = makeTempDir({ 'some.job.yaml': 'model: some\n' });
  await fillStore(root, { jobs: 2, requestsPerJob: 2, pendingEvery: null });
  await addAppliedReport(root);
  const nodeArgs = forbid(SDK, ZOD);
  for (const [args, says] of [
    [['list', '--all'], 'filler-2'],
    [['status', 'latest'], 'strange'],
  ] as const) {
    const { code, stdout } = await runCli(args, { cwd: root, nodeArgs });
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining(says) });
  }
  // That reads a job file: what the hook looks for is in the bundle.
  expect(await runCli(['plan'], { cwd: root, nodeArgs })).toMatchObject({ code: 99 });
});

describe('in a workspace with a job', () => {
  test.each([['list'], ['status']])('%s loads five files of the program at most', async (command) => {
    const cwd = makeTempDir();
    await fillStore(cwd, { jobs: 1, requestsPerJob: 2, pendingEvery: null });
    const { code, urls } = await runListening([command], cwd);
    expect(code).toBe(0);
    expect(urls.filter((url) => url.includes('better-sqlite3'))).not.toEqual([]);
    const ours = urls.filter((url) => url.includes('/dist/'));
    expect(ours.length, ours.join(' ')).toBeLessThanOrEqual(5);
  });

  test('help loads no SQLite, which may be missing or broken', async () => {
    const { code, urls } = await runListening(['--help'], makeTempDir());
    expect(code).toBe(0);
    expect(urls.filter((url) => url.includes('better-sqlite3'))).toEqual([]);
  });
});

/** What Node was asked to load, by `import` and by `require`. */
async function runListening(args: readonly string[], cwd: string) {
  const list = join(makeTempDir(), 'urls');
  const code = `import { appendFileSync } from 'node:fs';
    import { registerHooks } from 'node:module';
    registerHooks({ load(url, context, next) {
      appendFileSync(${JSON.stringify(list)}, url + '\\n');
      return next(url, context);
    } });`;
  const nodeArgs = ['--import', `data:text/javascript,${encodeURIComponent(code)}`];
  const { code: exitCode } = await runCli(args, { cwd, nodeArgs });
  return { code: exitCode, urls: (await readFile(list, 'utf8')).trim().split('\n') };
}

/** As the results of a shard leave one, here with a line that is nobody's. */
async function addAppliedReport(root: string): Promise<void> {
  const store = await openStore(join(root, '.batchctl/state.db'), { programVersion: 'test' });
  try {
    const { id } = await store.findJob('latest');
    const counts = { distinct: 2, duplicate: 0, unknown: 1, malformed: 0, conflicting: 0, problemCount: 0 };
    const lists = { problems: [], refusedOutputs: [], withoutOutput: [] };
    const detail = { shardId: 2, stage: 'main', shard: 1, batchId: 'msgbatch_1', ...counts, ...lists };
    await store.recordEvent({ jobId: id, kind: APPLIED_EVENT, detail });
  } finally {
    store.close();
  }
}
