// Emits src to dist. The new dist is made beside the old one and takes its place by a rename, so that a program which
// is running, or a test that starts one, never meets half a build.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');
const fresh = join(root, 'node_modules', `.dist-${process.pid}-new`);
const old = join(root, 'node_modules', `.dist-${process.pid}-old`);
const compiler = join(
  dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
  'bin',
  'tsc',
);

try {
  process.exitCode = emit();
  if (process.exitCode === 0) replaceDist();
} finally {
  rmSync(fresh, { recursive: true, force: true });
  rmSync(old, { recursive: true, force: true });
}

function emit() {
  const args = [compiler, '-p', join(root, 'tsconfig.build.json'), '--outDir', fresh];
  const { status, error } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (error) throw error;
  return status ?? 1;
}

function replaceDist() {
  // Whatever is not TypeScript goes along as it is (SQL, templates).
  cpSync(join(root, 'src'), fresh, { recursive: true, filter: (path) => !path.endsWith('.ts') });
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(fresh, dist);
  chmodSync(join(root, 'bin', 'batchctl.js'), 0o755);
}
