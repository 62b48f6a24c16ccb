import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { BIN } from '../support/run-cli.ts';
import { compileCache } from '../support/workspace-copy.ts';

/** A disk of our own: a tmpfs in a user namespace, which needs no rights where the kernel allows it. */
export const canMount =
  spawnSync('unshare', ['-Urm', 'mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', '/mnt']).status === 0;

/** Records of `bytes` bytes each. */
export function writeJob(dir: string, records: number, bytes: number): void {
  mkdirSync(dir, { recursive: true });
  const rows = Array.from({ length: records }, (_, index) => `r${index + 1},${'word '.repeat(bytes / 5)}`);
  writeFileSync(join(dir, 'words.csv'), `id,word\n${rows.join('\n')}\n`);
  writeFileSync(
    join(dir, 'words.job.yaml'),
    'name: words\nmodel: claude-haiku-5-5\nmax_tokens: 900\nsource: { csv: words.csv }\nprompt: "Explain {{word}}"\n',
  );
}

/** Runs shell lines on a disk of that size, holding a copy of `dir`; `bc` is the program. */
export function onSmallDisk(
  dir: string,
  size: string,
  url: string,
  lines: readonly string[],
): { stdout: string; stderr: string } {
  const disk = join(dir, '..', 'disk');
  mkdirSync(disk, { recursive: true });
  const script = [
    `mount -t tmpfs -o size=${size} tmpfs ${disk} && cp -r ${dir}/. ${disk} && cd ${disk}`,
    `bc() { ${process.execPath} ${BIN} "$@"; }`,
    ...lines,
  ].join('\n');
  const { stdout, stderr } = spawnSync('unshare', ['-Urm', 'sh', '-c', script], {
    encoding: 'utf8',
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      BATCHCTL_EMULATOR_URL: url,
      NODE_COMPILE_CACHE: compileCache(),
    },
  });
  return { stdout, stderr };
}

/** Said aloud, so that nobody takes the silence for a pass. */
export function barred(): void {
  it('cannot be tried here: user namespaces or tmpfs are barred', () => {
    process.stderr.write('LEFT OUT: tests of small and read-only disks need `unshare -Urm` and tmpfs\n');
    expect(canMount).toBe(false);
  });
}
