import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { CANARY_KEY, searchOutput } from './canary.ts';
import { writeFile } from './temp-dir.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * A fresh project whose node_modules hold batchctl as it would be published: packed and unpacked. What it depends on, and
 * nothing else, is linked from the checkout, so that no registry is asked. The caller removes the folder.
 */
export function installPackage(): string {
  const project = realpathSync(mkdtempSync(join(tmpdir(), 'batchctl-consumer-')));
  const modules = join(project, 'node_modules');
  mkdirSync(join(modules, 'batchctl'), { recursive: true });
  run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', project], ROOT);
  const tarball = readdirSync(project).find((name) => name.endsWith('.tgz')) ?? '';
  run('tar', ['-xzf', tarball, '--strip-components=1', '-C', join('node_modules', 'batchctl')], project);
  const manifest: unknown = JSON.parse(readFileSync(join(modules, 'batchctl/package.json'), 'utf8'));
  const { dependencies } = manifest as { readonly dependencies: object }; // our own package.json
  for (const name of [...Object.keys(dependencies), '@types/node', 'undici-types']) {
    mkdirSync(join(modules, name, '..'), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name), 'junction');
  }
  writeFile(join(project, 'package.json'), '{ "private": true, "type": "module" }\n');
  return project;
}

/** What a strict user's compiler says of the .ts files of the project and of the package's declarations. */
export function typeCheck(project: string): readonly string[] {
  const options = {
    target: 'es2024',
    module: 'nodenext',
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
  };
  writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['*.ts'] }));
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', project], { encoding: 'utf8' });
  const errors = stdout.split('\n').filter((line) => line.includes('error TS'));
  expect(status === 0, stdout).toBe(errors.length === 0);
  return errors;
}

/** Runs a file of the project to its end, with an emulator that is quick. */
export async function runProgram(
  name: string,
  project: string,
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const foreign = /^(?:ANTHROPIC_|BATCHCTL_|NODE_OPTIONS$|VITEST)/;
  const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !foreign.test(key)));
  const child = spawn(process.execPath, [name], {
    cwd: project,
    env: { ...env, ANTHROPIC_API_KEY: CANARY_KEY, BATCHCTL_EMULATOR_BATCH_SECONDS: '0.1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const got = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      got[stream] += text;
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  searchOutput(got.stdout + got.stderr, name);
  return { code, ...got };
}

function run(program: string, args: readonly string[], cwd: string): void {
  const { status, stderr, error } = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  expect(status, error?.message ?? stderr).toBe(0);
}
