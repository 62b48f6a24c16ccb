import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { searchAndRemove } from './canary.ts';

/** A fresh folder, its real path, gone when the test has finished. `files` are written into it. */
export function makeTempDir(files: Readonly<Record<string, string>> = {}): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'batchctl-test-')));
  onTestFinished(() => searchAndRemove(folder));
  for (const [path, content] of Object.entries(files)) writeFile(join(folder, path), content);
  return folder;
}

export function writeFile(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
