import { rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { cp, rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createTextReader } from '../../src/files/text-files.ts';
import { makeTempDir } from '../support/temp-dir.ts';

test('text is read relative to the folder of the job file, without its byte order mark', async () => {
  const root = makeTempDir({ 'jobs/p.md': '\uFEFFhi\r\n', 'shared/q.md': 'é' });
  const texts = createTextReader({ root, dir: 'jobs' });
  expect(await texts.read('p.md')).toBe('hi\r\n');
  expect(await texts.read('../shared/q.md')).toBe('é');
});

test('a text that was just read is not read again', async () => {
  const root = makeTempDir({ 'p.md': 'one' });
  const texts = createTextReader({ root, dir: '' });
  await texts.read('p.md');
  writeFileSync(join(root, 'p.md'), 'two');
  expect(await texts.read('p.md')).toBe('one');
});

test('what was asked for longest ago is forgotten first, and no more is held than allowed', async () => {
  const content = 'x'.repeat(1_000);
  const root = makeTempDir({ 'a.md': content, 'b.md': content, 'c.md': content });
  // Room for two texts of 1,000 characters at two bytes each.
  const texts = createTextReader({ root, dir: '', maxCachedBytes: 5_000 });
  for (const path of ['a.md', 'b.md', 'a.md', 'c.md']) await texts.read(path);
  for (const path of ['a.md', 'b.md', 'c.md']) rmSync(join(root, path));
  await expect(texts.read('b.md')).rejects.toMatchObject({ code: 'text_unreadable' });
  expect(await texts.read('a.md')).toBe(content);
  expect(await texts.read('c.md')).toBe(content);
});

test('a text larger than the cache is read each time', async () => {
  const root = makeTempDir({ 'a.md': 'x'.repeat(1_000) });
  const texts = createTextReader({ root, dir: '', maxCachedBytes: 500 });
  await texts.read('a.md');
  writeFileSync(join(root, 'a.md'), 'new');
  expect(await texts.read('a.md')).toBe('new');
});

describe('refused is', () => {
  test.each([
    ['what is not there', 'none.md', 'text_unreadable', 'ENOENT'],
    ['a folder', 'sub', 'text_unreadable', 'EISDIR'],
    ['a path through a file', 'bad.md/x', 'text_unreadable', 'ENOTDIR'],
    ['a path out of the workspace', '../../etc/hostname', 'text_outside', 'outside the workspace'],
    ['an absolute path', '/etc/hostname', 'text_outside', 'outside the workspace'],
    ['a link out of the workspace', 'link.md', 'text_outside', 'outside the workspace'],
    ['a NUL', 'a\0b', 'text_unreadable', 'NUL'],
    ['a text longer than any request', 'long.md', 'text_too_large', '32000001 bytes'],
    ['a text that is not UTF-8', 'bad.md', 'text_encoding', 'bad.md:2: not UTF-8 at byte 2'],
  ])('%s', async (_, path, code, says) => {
    const root = makeTempDir({ 'sub/x.md': '' });
    writeFileSync(join(root, 'long.md'), '');
    truncateSync(join(root, 'long.md'), 32_000_001);
    writeFileSync(join(root, 'bad.md'), Buffer.from([0x61, 0x0a, 0xe9]));
    symlinkSync('/etc/hostname', join(root, 'link.md'));
    const reading = createTextReader({ root, dir: '' }).read(path);
    await expect(reading).rejects.toMatchObject({ code, message: expect.stringContaining(says) });
  });
});

test.each([
  ['name', 'prompt.txt', 'prompt.txt'],
  ['folder', 'd', 'd/prompt.txt'],
])(
  'a text never brings what stands outside of the workspace, while a link leads there now and then: its %s',
  async (_what, swapped, file) => {
    const root = makeTempDir();
    const elsewhere = makeTempDir({ 'secret/prompt.txt': 'SECRET', 'good/prompt.txt': 'good' });
    const isFolder = swapped !== file;
    const path = join(root, swapped);
    const stop = new AbortController();
    const swapping = (async () => {
      for (let round = 0; !stop.signal.aborted; round += 1) {
        const next = join(root, `next-${round}`);
        if (round % 2 === 1) await symlink(join(elsewhere, 'secret', isFolder ? '' : file), next);
        else await cp(join(elsewhere, 'good', isFolder ? '' : file), next, { recursive: true });
        // A folder is not replaced by a rename.
        if (isFolder) await rename(path, `${next}-before`).catch(() => undefined);
        await rename(next, path);
      }
    })();
    const reader = createTextReader({ root, dir: '', maxCachedBytes: 0 });
    const seen = new Map<string, number>();
    for (let read = 0; read < 2_000; read += 1) {
      const what = await reader.read(file).catch((error) => error.code);
      seen.set(what, (seen.get(what) ?? 0) + 1);
    }
    stop.abort();
    await swapping;
    expect([...seen.keys()].sort()).toEqual(expect.arrayContaining(['good', 'text_outside']));
    expect(seen.has('SECRET')).toBe(false);
  },
);
