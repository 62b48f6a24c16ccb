import { appendFileSync, renameSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openSource } from '../../src/sources/open-source.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const lines = Array.from({ length: 20_000 }, (_, index) => `{"id":"${index}"}\n`).join('');

test.each([
  ['grows', (path: string) => appendFileSync(path, '{"id":"x"}\n')],
  ['is cut', (path: string) => truncateSync(path, 5_000)],
  [
    'is replaced by one of the same size and time',
    (path: string) => {
      const { atime, mtime } = statSync(path);
      writeFileSync(`${path}.new`, lines);
      utimesSync(`${path}.new`, atime, mtime);
      renameSync(`${path}.new`, path);
    },
  ],
  ['is written over in place', (path: string) => writeFileSync(path, lines)],
])('a file that %s while it is read ends with source_changed', async (_, change) => {
  const root = makeTempDir({ 'd.jsonl': lines });
  // A whole second, so that a copy can have exactly the same time.
  utimesSync(join(root, 'd.jsonl'), 1_000_000, 1_000_000);
  const items = openSource({ kind: 'jsonl', paths: ['d.jsonl'] }, { root, dir: '' }).items(
    new AbortController().signal,
  );
  let changed = false;
  const read = async (): Promise<void> => {
    for await (const chunk of items) {
      expect(chunk.length).toBeGreaterThan(0);
      if (!changed) change(join(root, 'd.jsonl'));
      changed = true;
    }
  };
  await expect(read()).rejects.toMatchObject({ code: 'source_changed' });
});

test('reading stops when it is told to', async () => {
  const root = makeTempDir({ 'd.jsonl': lines });
  const controller = new AbortController();
  const read = async (): Promise<void> => {
    for await (const _ of openSource({ kind: 'jsonl', paths: ['d.jsonl'] }, { root, dir: '' }).items(
      controller.signal,
    )) {
      controller.abort(new Error('stopped'));
    }
  };
  await expect(read()).rejects.toThrow('stopped');
});

test('a JSON file over 256 MB is refused with the way out', async () => {
  const root = makeTempDir({ 'd.json': '[]' });
  truncateSync(join(root, 'd.json'), 256_000_001);
  writeFileSync(join(root, 'd.json'), '[', { flag: 'r+' });
  const read = openSource({ kind: 'json', paths: ['d.json'] }, { root, dir: '' }).items(
    new AbortController().signal,
  );
  await expect(read[Symbol.asyncIterator]().next()).rejects.toMatchObject({
    code: 'source_too_large',
    next: expect.stringContaining('jsonl'),
  });
});
