import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createAttachmentReader } from '../../src/files/attachments.ts';
import { GIF, JPEG, makePdf, makePng, WEBP } from '../support/media.ts';
import { makeTempDir } from '../support/temp-dir.ts';

type Kind = 'image' | 'document';

async function read(kind: Kind, bytes: Buffer | string, name = 'file.bin'): Promise<unknown> {
  const root = makeTempDir();
  writeFileSync(join(root, name), bytes);
  const opened = await createAttachmentReader({ root, dir: '' }).open(name, kind);
  return JSON.parse((await opened.read()).json);
}

const base64 = (type: Kind, mediaType: string, bytes: Buffer): object => ({
  type,
  source: { type: 'base64', media_type: mediaType, data: bytes.toString('base64') },
});

test.each<[string, Buffer, string]>([
  ['PNG', makePng(), 'image/png'],
  ['JPEG', JPEG, 'image/jpeg'],
  ['GIF', GIF, 'image/gif'],
  ['WebP', WEBP, 'image/webp'],
])('a %s is an image by its content, whatever its name', async (_name, bytes, mediaType) => {
  expect(await read('image', bytes, 'scan.pdf')).toEqual(base64('image', mediaType, bytes));
});

test('a PDF goes as base64 and a text as text, without its byte order mark', async () => {
  const pdf = makePdf('Hello');
  expect(await read('document', pdf)).toEqual(base64('document', 'application/pdf', pdf));
  expect(await read('document', '\uFEFFGrüße, "du"\n')).toEqual({
    type: 'document',
    source: { type: 'text', media_type: 'text/plain', data: 'Grüße, "du"\n' },
  });
  expect(await read('document', '<?xml version="1.0"?><a/>')).toMatchObject({ source: { type: 'text' } });
});

describe('refused', () => {
  const zip = Buffer.from([0x50, 0x4b, 0x03, 0x04, 0, 0, 0, 0, 0, 0, 0, 0]);
  test.each<[string, Kind, Buffer | string, string, string]>([
    [
      'a PDF as an image',
      'image',
      makePdf('a'),
      'attachment_type',
      'its content is application/pdf; an image is',
    ],
    ['text as an image', 'image', 'hello', 'attachment_type', 'its content is of no known type'],
    [
      'an image as a document',
      'document',
      makePng(),
      'attachment_type',
      'its content is image/png; a document is',
    ],
    ['an archive', 'document', zip, 'attachment_type', 'its content is application/zip; a document is a PDF'],
    ['bytes', 'document', Buffer.from([1, 0, 2, 3, 250]), 'attachment_type', 'its content is binary'],
    [
      'another encoding',
      'document',
      Buffer.from('Gr\xfc\xdfe', 'latin1'),
      'attachment_type',
      'not UTF-8 at byte 2',
    ],
    ['an empty file', 'image', '', 'attachment_empty', 'it is empty'],
    ['blank text', 'document', ' \n', 'attachment_empty', 'there is nothing in it'],
    [
      'an image of more than 10 MB as base64',
      'image',
      makePng(Buffer.alloc(7_864_320)),
      'attachment_too_large',
      'an image may have 7,864,320',
    ],
    [
      'a PDF that fills a request as base64',
      'document',
      Buffer.concat([makePdf('a'), Buffer.alloc(24_000_000)]),
      'attachment_too_large',
      'a document may have 24,000,000',
    ],
  ])('%s', async (_name, kind, bytes, code, problem) => {
    const reading = read(kind, bytes);
    await expect(reading).rejects.toMatchObject({ name: 'InputError', code });
    await expect(reading).rejects.toThrow(problem);
  });

  test('what is missing, a folder, or outside the workspace', async () => {
    const root = makeTempDir({ 'outside.png': 'x', 'ws/a.txt': 'a' });
    const reader = createAttachmentReader({ root: join(root, 'ws'), dir: '' });
    mkdirSync(join(root, 'ws/folder'));
    symlinkSync(join(root, 'outside.png'), join(root, 'ws/link.png'));
    const open = (path: string) => reader.open(path, 'image');
    await expect(open('none.png')).rejects.toMatchObject({ code: 'attachment_unreadable' });
    await expect(open('folder')).rejects.toMatchObject({ code: 'attachment_unreadable' });
    await expect(open('../outside.png')).rejects.toMatchObject({ code: 'attachment_outside' });
    await expect(open('link.png')).rejects.toMatchObject({ code: 'attachment_outside' });
  });
});

test('a file that many records share is read once, as long as it fits', async () => {
  const root = makeTempDir();
  const small = makePng();
  writeFileSync(join(root, 'small.png'), small);
  writeFileSync(join(root, 'large.png'), makePng(Buffer.alloc(3_000)));
  const reader = createAttachmentReader({ root, dir: '', maxCachedBytes: 2_000 });
  const blocks = async (name: string): Promise<readonly object[]> => {
    const opened = await Promise.all([reader.open(name, 'image'), reader.open(name, 'image')]);
    const first = await Promise.all(opened.map((one) => one.read()));
    return [...first, await (await reader.open(name, 'image')).read()];
  };
  const [one, two, later] = await blocks('small.png');
  expect(two).toBe(one);
  expect(later).toBe(one);
  const [large, same, again] = await blocks('large.png');
  expect(same).toBe(large);
  expect(again).not.toBe(large);
  expect(again).toEqual(large);
});

test('a file that one record has does not stay in memory', async () => {
  const root = makeTempDir();
  writeFileSync(join(root, 'a.png'), makePng());
  const opened = await createAttachmentReader({ root, dir: '' }).open('a.png', 'image');
  expect(await opened.read()).not.toBe(await opened.read());
});

describe('a file that is swapped between the look at it and the reading is not read', () => {
  const swaps: readonly [string, (path: string, outside: string) => void][] = [
    ['for a link out of the workspace', (path, outside) => symlinkSync(outside, path)],
    ['for a FIFO without a writer', (path) => execFileSync('mkfifo', [path])],
  ];
  test.each(swaps)('%s', async (_how, swap) => {
    const root = makeTempDir();
    const outside = join(makeTempDir(), 'secret.png');
    writeFileSync(outside, makePng());
    const path = join(root, 'scan.png');
    writeFileSync(path, makePng());
    const opened = await createAttachmentReader({ root, dir: '' }).open('scan.png', 'image');
    // The old one stays, so that its inode is not given to the new one.
    renameSync(path, join(root, 'before.png'));
    swap(path, outside);
    await expect(opened.read()).rejects.toMatchObject({
      code: 'attachment_unreadable',
      message: expect.stringContaining('another file was put in its place'),
    });
  });
});
