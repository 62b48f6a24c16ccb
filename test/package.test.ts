import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { searchAndRemove } from './support/canary.ts';
import { installPackage, runProgram, typeCheck } from './support/installed-package.ts';
import { makeTempDir, writeFile } from './support/temp-dir.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/[/\\]$/, '');

/** As the chunks of the bundle name what is inside. */
const OF_THE_COMMAND_LINE = ['node_modules/commander/', 'node_modules/ora/', 'node_modules/@inquirer/'];

test('the package holds the program, its schema, examples and docs', () => {
  const files = packedFiles(ROOT);
  for (const path of [
    'package.json',
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
    'bin/batchctl.js',
    'dist/cli/main.js',
    'dist/index.js',
    'dist/index.d.ts',
    'dist/THIRD-PARTY-LICENSES.txt',
    'schemas/job.schema.json',
    'docs/cli.md',
    'docs/job-file.md',
    'docs/library.md',
    'examples/round-reports/round-reports.job.yaml',
    'examples/round-reports/data/teg17/round4.csv',
    'examples/product-copy/data/products.csv',
    'examples/interviews/write-interview.mjs',
    'examples/entity-extraction/sections/Lantern Sea - 1 of 2.meta.json',
  ]) {
    expect(files).toContain(path);
  }
});

test('the package holds no tests, no sources and nothing that a run leaves behind', () => {
  const foreign = packedFiles(ROOT).filter(
    (path) =>
      /^(?:test|src|scripts|node_modules|batch_requests|batch_results)\//.test(path) ||
      /(?:^|\/)\.|(?<!\.d)\.ts$|\.(?:map|tgz|db|log)$/.test(path),
  );
  expect(foreign).toEqual([]);
});

test('an example that was run in the checkout is packed without its results', () => {
  const checkout = makeTempDir();
  for (const name of ['package.json', '.gitignore', 'examples']) {
    cpSync(join(ROOT, name), join(checkout, name), { recursive: true });
  }
  for (const path of ['.batchctl/state.db', 'batch_results/x/results.jsonl', 'reports/teg10/round1.md']) {
    writeFile(join(checkout, 'examples/round-reports', path), 'left behind');
  }
  mkdirSync(join(checkout, 'dist'));
  const files = packedFiles(checkout).filter((path) =>
    /reports\/(?:\.batchctl|batch_results|reports)\//.test(path),
  );
  expect(files).toEqual([]);
});

test('the bundle brings every license and notice of what is inside', () => {
  const all = readFileSync(join(ROOT, 'dist/THIRD-PARTY-LICENSES.txt'), 'utf8');
  const names = [...all.matchAll(/^(@?[\w./-]+) \d+\.\d+\.\d+\S* \(/gm)].map(([, name]) => name ?? '');
  expect(names).toContain('@anthropic-ai/sdk');
  const left = names.flatMap((name) => {
    const folder = join(ROOT, 'node_modules', name);
    return readdirSync(folder)
      .filter((file) => /license|licence|notice|copying/i.test(file))
      .filter((file) => !all.includes(readFileSync(join(folder, file), 'utf8').trim()))
      .map((file) => `${name}/${file}`);
  });
  expect(left).toEqual([]);
});

test('no packed file names a folder of the machine that built it', () => {
  const places = [ROOT, homedir()].filter((place) => place.length > 1);
  const telling = packedFiles(ROOT).filter((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8');
    return places.some((place) => text.includes(place)) || text.includes('sourceMappingURL');
  });
  expect(telling).toEqual([]);
});

describe('a program that imports the installed package', () => {
  let project = '';
  beforeAll(() => {
    project = installPackage();
  });
  afterAll(() => searchAndRemove(project));

  test('runs a job without a line printed, a signal caught or a part of the command line loaded', async () => {
    writeFile(
      join(project, 'quiet.mjs'),
      `import { createRequire, registerHooks } from 'node:module';
const loaded = [];
registerHooks({ load(url, context, next) {
  const module = next(url, context);
  loaded.push(...${JSON.stringify(OF_THE_COMMAND_LINE)}.filter((text) => String(module.source ?? '').includes(text)));
  return module;
} });
const { openWorkspace, runBatch } = await import('batchctl');
const before = process.eventNames().map((name) => [name, process.listenerCount(name)]);
const workspace = await openWorkspace({ dir: '.', emulator: true });
const rows = await runBatch(workspace, ['hello'], { model: 'claude-sonnet-5-5', maxTokens: 400 });
await workspace.close();
const after = process.eventNames().map((name) => [name, process.listenerCount(name)]);
const { version } = createRequire(import.meta.url)('batchctl/package.json');
const said = { rows: rows.length, loaded, before, after, exitCode: process.exitCode ?? null, version };
process.stdout.write(JSON.stringify(said));
`,
    );
    const dist = join(project, 'node_modules/batchctl/dist');
    const built = readdirSync(dist, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.js'))
      .map((path) => readFileSync(join(dist, path), 'utf8'));
    expect(OF_THE_COMMAND_LINE.filter((name) => !built.some((text) => text.includes(name)))).toEqual([]);
    const { stdout, stderr, code } = await runProgram('quiet.mjs', project);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    const said = JSON.parse(stdout);
    expect(said).toMatchObject({
      rows: 1,
      loaded: [],
      exitCode: null,
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    });
    expect(said.after).toEqual(said.before);
  });

  test('is told of a wrong use by its compiler', () => {
    writeFile(
      join(project, 'wrong.ts'),
      `import { buildRequests, openWorkspace, submitJob } from 'batchctl';
const workspace = await openWorkspace({ dir: '.' });
const job = await buildRequests(workspace, { name: 'a', model: 'm', max_tokens: 4, prompt: 'Hi', records: [] });
const { state } = await submitJob(job, { mode: 'batch' });
if (state === 'finished') await submitJob(job, { until: 'later' });
await buildRequests(workspace, { name: 'a', maxTokens: 4, records: [] });
`,
    );
    expect(
      typeCheck(project).map((line) => /^wrong\.ts\((\d+)/.exec(line.slice(line.indexOf('wrong.ts')))?.[1]),
    ).toEqual(['5', '5', '6']);
  });

  test('finds the schema of job files, and nothing below dist', async () => {
    writeFile(
      join(project, 'paths.mjs'),
      `import.meta.resolve('batchctl/schemas/job.schema.json');
try { import.meta.resolve('batchctl/dist/cli/main.js'); } catch (error) { process.stdout.write(error.code); }
`,
    );
    expect(await runProgram('paths.mjs', project)).toEqual({
      code: 0,
      stdout: 'ERR_PACKAGE_PATH_NOT_EXPORTED',
      stderr: '',
    });
  });
});

/** What `npm pack` would put into the tarball. Nothing is built or written for it. */
function packedFiles(folder: string): readonly string[] {
  const { status, stdout, stderr } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: folder,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  expect(status, stderr).toBe(0);
  // A list up to npm 11; newer ones may key it by the package's name.
  const [packed] = Object.values<{ files: { path: string }[] }>(JSON.parse(stdout));
  return (packed?.files ?? []).map(({ path }) => path);
}
