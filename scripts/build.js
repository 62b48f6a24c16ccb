// Emits src to dist. The new dist is made beside the old one and takes its place by a rename, so that a program which
// is running, or a test that starts one, never meets half a build.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');
const fresh = join(root, 'node_modules', `.dist-${process.pid}-new`);
const types = join(root, 'node_modules', `.dist-${process.pid}-types`);
const old = join(root, 'node_modules', `.dist-${process.pid}-old`);
const compiler = join(
  dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
  'bin',
  'tsc',
);

try {
  await bundle(root, fresh);
  process.exitCode = emitTypes() ? 0 : 1;
  if (process.exitCode === 0) replaceDist();
} finally {
  rmSync(fresh, { recursive: true, force: true });
  rmSync(types, { recursive: true, force: true });
  rmSync(old, { recursive: true, force: true });
}

/**
 * The declarations that a user of the library needs: those of index.ts and of what they name, of some hundred that the
 * compiler writes. What it says of the others, whose types need no names outside, is nobody's business.
 */
function emitTypes() {
  const args = [compiler, '-p', join(root, 'tsconfig.types.json'), '--outDir', types, '--pretty', 'false'];
  const { stdout, error } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  if (error) throw error;
  const files = new Set();
  copyTypes('index.d.ts', files);
  const wrong = stdout.split('\n').filter((line) => {
    const [, path] = /^src\/(.*?)\.ts\(/.exec(line) ?? [];
    return path !== undefined && files.has(`${path}.d.ts`);
  });
  if (wrong.length > 0) process.stderr.write(`${wrong.join('\n')}\n`);
  return wrong.length === 0;
}

/** The compiler keeps imports as .ts, which other compilers do not have to understand. */
function copyTypes(path, done) {
  if (done.has(path)) return;
  done.add(path);
  const text = readFileSync(join(types, path), 'utf8').replaceAll(
    /(['"])(\.\.?\/[^'"]+)\.ts\1/g,
    '$1$2.js$1',
  );
  mkdirSync(dirname(join(fresh, path)), { recursive: true });
  writeFileSync(join(fresh, path), text);
  for (const [, target] of text.matchAll(/['"](\.\.?\/[^'"]+)\.js['"]/g)) {
    copyTypes(posix.join(posix.dirname(path), `${target}.d.ts`), done);
  }
}

function replaceDist() {
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(fresh, dist);
  chmodSync(join(root, 'bin', 'batchctl.js'), 0o755);
}
