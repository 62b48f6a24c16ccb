import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { makeTempDir, writeFile } from './support/temp-dir.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/[/\\]$/, '');

test('the package holds the program, its schema, examples and docs', () => {
  const files = packedFiles(ROOT);
  for (const path of [
    'package.json',
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
    'bin/batchctl.js',
    'dist/cli/main.js',
    'dist/store/migrations/0001-initial.js',
    'schemas/job.schema.json',
    'docs/cli.md',
    'docs/job-file.md',
    'examples/round-reports/round-reports.job.yaml',
    'examples/round-reports/data/teg17/round4.csv',
    'examples/product-copy/data/products.csv',
  ]) {
    expect(files).toContain(path);
  }
});

test('the package holds no tests, no sources and nothing that a run leaves behind', () => {
  const foreign = packedFiles(ROOT).filter(
    (path) =>
      /^(?:test|src|scripts|node_modules|batch_requests|batch_results)\//.test(path) ||
      /(?:^|\/)\.|\.(?:ts|map|tgz|db|log)$/.test(path),
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

test('no packed file names a folder of the machine that built it', () => {
  const places = [ROOT, homedir()].filter((place) => place.length > 1);
  const telling = packedFiles(ROOT).filter((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8');
    return places.some((place) => text.includes(place)) || text.includes('sourceMappingURL');
  });
  expect(telling).toEqual([]);
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
