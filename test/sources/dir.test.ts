import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeTempDir } from '../support/temp-dir.ts';
import { readFields } from './read-source.ts';

test('files come sorted, with stem, name, path and text', async () => {
  const root = makeTempDir({
    's/b.txt': '\uFEFFBeta',
    's/a.part.txt': 'Alpha\r\n',
    's/c.md': 'no',
    's/d.txt/e.txt': 'no',
  });
  expect(await readFields(root, { kind: 'dir', glob: 's/*.txt', meta: null })).toEqual([
    { stem: 'a.part', name: 'a.part.txt', path: 's/a.part.txt', text: 'Alpha\r\n' },
    { stem: 'b', name: 'b.txt', path: 's/b.txt', text: 'Beta' },
  ]);
});

test('a sidecar beside each file adds its keys', async () => {
  const root = makeTempDir({
    'job/s/a.txt': 'A',
    'job/s/a.meta.json': '\uFEFF{"title":"T","big":12345678901234567890,"__proto__":1}',
  });
  const [fields] = await readFields(
    root,
    { kind: 'dir', glob: 's/**/*.txt', meta: '{{stem}}.meta.json' },
    'job',
  );
  expect(Object.entries(fields ?? {})).toEqual([
    ['stem', 'a'],
    ['name', 'a.txt'],
    ['path', 's/a.txt'],
    ['text', 'A'],
    ['title', 'T'],
    ['big', '12345678901234567890'],
    ['__proto__', 1],
  ]);
});

test('a sidecar may stand in another folder', async () => {
  const root = makeTempDir({ 's/a.txt': 'A', 'meta/a.json': '{"n":1}' });
  expect(await readFields(root, { kind: 'dir', glob: 's/*.txt', meta: '../meta/{{ stem }}.json' })).toEqual([
    { stem: 'a', name: 'a.txt', path: 's/a.txt', text: 'A', n: 1 },
  ]);
});

test("batchctl's own folders, .git and node_modules are passed over", async () => {
  const root = makeTempDir({
    'a.txt': 'A',
    'batch_results/j/out/b.txt': '',
    'batch_requests/c.txt': '',
    '.git/d.txt': '',
    'node_modules/e.txt': '',
    'sub/f.txt': 'F',
  });
  const fields = await readFields(root, { kind: 'dir', glob: '**/*.txt', meta: null });
  expect(fields.map((record) => record['path'])).toEqual(['a.txt', 'sub/f.txt']);
});

test('a link inside the workspace is followed', async () => {
  const root = makeTempDir({ 'data/a.txt': 'A', 's/x.md': '' });
  symlinkSync('../data/a.txt', join(root, 's/a.txt'));
  expect(await readFields(root, { kind: 'dir', glob: 's/*.txt', meta: null })).toEqual([
    { stem: 'a', name: 'a.txt', path: 's/a.txt', text: 'A' },
  ]);
});
