import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { StoreError } from '../../src/core/errors.ts';
import type { JobFiles, Line } from '../../src/core/ports/files.ts';
import { bodyBytesOf } from '../../src/core/shard.ts';
import { openJobFiles } from '../../src/files/job-files.ts';
import { searchAndRemove } from '../support/canary.ts';

let root: string;
let files: JobFiles;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'batchctl-files-'));
  files = openJobFiles(root);
});
afterEach(() => searchAndRemove(root));

const open = { private: false } as const;
const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

async function linesOf(path: string): Promise<Line[]> {
  const all: Line[] = [];
  for await (const chunk of files.lines(path)) all.push(...chunk);
  return all;
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof StoreError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}

describe('a new file', () => {
  test('is not there under its name before it is finished', () => {
    const file = files.create('batch_requests/j/main-0001.jsonl', open);
    file.write('one\n');
    expect(readdirSync(join(root, 'batch_requests/j'))).toEqual(['.main-0001.jsonl.partial']);
    file.finish();
    expect(readdirSync(join(root, 'batch_requests/j'))).toEqual(['main-0001.jsonl']);
  });

  test('tells the size and SHA-256 of what was written, in small and large pieces', () => {
    const pieces = ['a\n', 'ü€😀\n', 'x'.repeat(3_000_000), '\n', 'y'.repeat(900_000), 'z'.repeat(900_000)];
    const file = files.createHashed('a', open);
    for (const piece of pieces) file.write(piece);
    file.writeBytes(Buffer.alloc(2_000_000, 1));
    file.writeBytes(Buffer.from('end'));
    const expected = Buffer.concat([
      Buffer.from(pieces.join('')),
      Buffer.alloc(2_000_000, 1),
      Buffer.from('end'),
    ]);
    expect(file.bytes).toBe(expected.length);
    expect(file.finish()).toEqual({ bytes: expected.length, sha256: sha256(expected) });
    expect(readFileSync(join(root, 'a')).equals(expected)).toBe(true);
  });

  test('overwrites what a killed run left under the temporary name', () => {
    files.create('a', open).write('never finished');
    const again = files.create('a', open);
    again.write('whole');
    again.finish();
    expect(read('a')).toBe('whole');
    expect(readdirSync(root)).toEqual(['a']);
  });

  test('does not write through a link planted at its temporary name, nor at its name', () => {
    writeFileSync(join(root, 'victim'), 'untouched');
    symlinkSync(join(root, 'victim'), join(root, '.a.partial'));
    symlinkSync(join(root, 'victim'), join(root, 'a'));
    const file = files.create('a', open);
    file.write('ours');
    file.finish();
    expect(read('victim')).toBe('untouched');
    expect(read('a')).toBe('ours');
  });

  test('leaves nothing when it is discarded', () => {
    const file = files.create('d/a', open);
    file.write('x');
    file.discard();
    file.discard();
    expect(readdirSync(join(root, 'd'))).toEqual([]);
  });

  test('stays when discard comes after finish', () => {
    const file = files.create('a', open);
    file.write('kept');
    file.finish();
    file.discard();
    expect(read('a')).toBe('kept');
  });

  test('keeps others out when private', () => {
    const file = files.create('p/a', { private: true });
    file.finish();
    expect(statSync(join(root, 'p/a')).mode & 0o777).toBe(0o600);
    expect(statSync(join(root, 'p')).mode & 0o777).toBe(0o700);
  });
});

describe('replacing a file', () => {
  test('leaves the old or the new content and no temporary name', () => {
    files.replace('out/a.md', 'old', { ...open, durable: false });
    files.replace('out/a.md', 'new', { ...open, durable: true });
    expect(read('out/a.md')).toBe('new');
    expect(readdirSync(join(root, 'out'))).toEqual(['a.md']);
  });

  test('takes a name of 255 bytes', () => {
    const name = `${'n'.repeat(252)}.md`;
    files.replace(name, 'x', { ...open, durable: false });
    expect(read(name)).toBe('x');
  });

  test('makes a folder again that was removed meanwhile', () => {
    files.replace('out/a', '1', { ...open, durable: false });
    rmSync(join(root, 'out'), { recursive: true });
    files.replace('out/b', '2', { ...open, durable: false });
    expect(readdirSync(join(root, 'out'))).toEqual(['b']);
    rmSync(join(root, 'out'), { recursive: true });
    files.create('out/c', open).finish();
    expect(readdirSync(join(root, 'out'))).toEqual(['c']);
  });

  test('names a folder that stands in the way', () => {
    mkdirSync(join(root, 'out/a'), { recursive: true });
    expect(codeOf(() => files.replace('out/a', 'x', { ...open, durable: false }))).toBe('path_refused');
    expect(readdirSync(join(root, 'out'))).toEqual(['a']);
  });
});

describe('the workspace is not left', () => {
  test.each(['../a', '/etc/a', 'b/../../a', '', 'a\0b', '.'])('by the path %j', (path) => {
    expect(codeOf(() => files.replace(path, 'x', { ...open, durable: false }))).toBe('path_outside');
    expect(codeOf(() => files.create(path, open))).toBe('path_outside');
    expect(files.exists(path)).toBe(false);
  });

  test('through a folder that is a link', () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'batchctl-elsewhere-'));
    symlinkSync(elsewhere, join(root, 'out'));
    writeFileSync(join(elsewhere, 'secret'), 'x');
    expect(codeOf(() => files.replace('out/a', 'x', { ...open, durable: false }))).toBe('path_outside');
    expect(codeOf(() => files.replace('out/b/c/a', 'x', { ...open, durable: false }))).toBe('path_outside');
    expect(codeOf(() => files.create('out/a', open))).toBe('path_outside');
    expect(codeOf(() => files.remove('out/secret'))).toBe('path_outside');
    expect(files.exists('out/secret')).toBe(false);
    expect(readdirSync(elsewhere)).toEqual(['secret']);
    searchAndRemove(elsewhere);
  });

  test('by removing a job of an odd name', () => {
    writeFileSync(join(root, 'kept'), '');
    expect(codeOf(() => files.removeJob('..'))).toBe('path_outside');
    expect(codeOf(() => files.removeJob('a/b'))).toBe('path_outside');
    expect(existsSync(join(root, 'kept'))).toBe(true);
  });

  test('a link to a folder inside is followed', () => {
    mkdirSync(join(root, 'real'));
    symlinkSync(join(root, 'real'), join(root, 'out'));
    files.replace('out/a', 'x', { ...open, durable: false });
    expect(read('real/a')).toBe('x');
  });
});

test('removing a job takes both of its folders and no other', () => {
  for (const path of ['batch_requests/j/a', 'batch_results/j/out/b', 'batch_results/other/c']) {
    files.replace(path, 'x', { ...open, durable: false });
  }
  files.removeJob('j');
  expect(readdirSync(join(root, 'batch_requests'))).toEqual([]);
  expect(readdirSync(join(root, 'batch_results'))).toEqual(['other']);
});

test('appending closes a torn last line first', () => {
  files.append('.batchctl/receipts.jsonl', '{"a":1}');
  writeFileSync(join(root, '.batchctl/receipts.jsonl'), '{"torn', { flag: 'a' });
  files.append('.batchctl/receipts.jsonl', '{"b":2}');
  expect(read('.batchctl/receipts.jsonl')).toBe('{"a":1}\n{"torn\n{"b":2}\n');
});

describe('lines', () => {
  test('are split on LF alone, with exact offsets; blank ones are skipped', async () => {
    const text = 'a\u2028b\r\n\n  \t\r\nü€😀\n\nlast';
    writeFileSync(join(root, 'f'), text);
    const bytes = Buffer.from(text);
    const lines = await linesOf('f');
    expect(lines.map((line) => line.text)).toEqual(['a\u2028b\r', 'ü€😀', 'last']);
    for (const line of lines) {
      expect(bytes.toString('utf8', line.offset, line.offset + line.length)).toBe(line.text);
    }
  });

  test('of bytes that are not UTF-8 come with replacement characters and true lengths', async () => {
    writeFileSync(join(root, 'f'), Buffer.from([0x61, 0xff, 0xfe, 0x0a, 0x62, 0x0a]));
    expect(await linesOf('f')).toEqual([
      { text: 'a\ufffd\ufffd', offset: 0, length: 3 },
      { text: 'b', offset: 4, length: 1 },
    ]);
  });

  test('that cross the chunks of the reader are whole', async () => {
    const texts = Array.from(
      { length: 300 },
      (_, index) => String(index % 10).repeat((index * 7919) % 20_000) + index,
    );
    writeFileSync(join(root, 'f'), texts.join('\n'));
    expect((await linesOf('f')).map((line) => line.text)).toEqual(texts);
  });

  test('of 40 MB come at the speed of the bytes', async () => {
    writeFileSync(join(root, 'f'), `${'x'.repeat(40_000_000)}\n{}\n`);
    const started = performance.now();
    const lines = await linesOf('f');
    expect(performance.now() - started).toBeLessThan(3_000);
    expect(lines.map((line) => line.length)).toEqual([40_000_000, 2]);
  });

  test('beyond the limit of the parser come with their head only', async () => {
    const size = 65 * 1024 * 1024;
    writeFileSync(
      join(root, 'f'),
      Buffer.concat([Buffer.from('{"custom_id":"a"'), Buffer.alloc(size, 'x'), Buffer.from('\nb\n')]),
    );
    const [long, next] = await linesOf('f');
    expect(long?.length).toBe(size + 16);
    expect(long?.text.length).toBe(4096);
    expect(long?.text.startsWith('{"custom_id":"a"')).toBe(true);
    expect(next).toEqual({ text: 'b', offset: size + 17, length: 1 });
  });

  test('of a file that is gone are a StoreError', async () => {
    await expect(linesOf('gone')).rejects.toMatchObject({ code: 'file_missing' });
  });
});

describe('ranges', () => {
  test('are read in any order and any length', () => {
    const text = Array.from({ length: 200_000 }, (_, index) => `${index};`).join('');
    writeFileSync(join(root, 'f'), text);
    const reader = files.open('f');
    for (let at = 0, step = 1; step < 400; at = (at + step * 7919) % (text.length - 5_000), step += 1) {
      const length = (step * 31) % 5_000;
      expect(reader.read(at, length)).toBe(text.slice(at, at + length));
    }
    for (let at = 0; at < 600_000; at += 1_000)
      expect(reader.read(at, 1_000)).toBe(text.slice(at, at + 1_000));
    expect(reader.read(text.length - 10, 10)).toBe(text.slice(-10));
    reader.close();
  });

  test('beyond the end are a StoreError', () => {
    writeFileSync(join(root, 'f'), 'abc');
    const reader = files.open('f');
    expect(codeOf(() => reader.read(1, 10))).toBe('file_short');
    reader.close();
  });
});

describe('the body of a shard', () => {
  function build(lines: readonly string[]) {
    const text = lines.map((line) => `${line}\n`).join('');
    writeFileSync(join(root, 's'), text);
    return { bodyBytes: bodyBytesOf(Buffer.byteLength(text)), fileSha256: sha256(text) };
  }

  async function bodyOf(shard: { bodyBytes: number; fileSha256: string }): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of files.body('s', shard)) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString();
  }

  test.each([1, 2, 1_000, 6_000])(
    'of %i lines is the create call without its last two bytes',
    async (count) => {
      const lines = Array.from({ length: count }, (_, index) =>
        JSON.stringify({ custom_id: `r${index}`, params: { a: 'é'.repeat(index % 300) } }),
      );
      const shard = build(lines);
      const body = await bodyOf(shard);
      expect(Buffer.byteLength(body) + 2).toBe(shard.bodyBytes);
      expect(JSON.parse(`${body}]}`)).toEqual({ requests: lines.map((line) => JSON.parse(line)) });
    },
  );

  test.each([1, 5, 300_000, 524_288, 1_048_576])(
    'is never whole when byte %i of the file was changed',
    async (at) => {
      const shard = build([`"${'x'.repeat(1_200_000)}"`]);
      const bytes = readFileSync(join(root, 's'));
      bytes[at] = 0x79;
      writeFileSync(join(root, 's'), bytes);
      let seen = 0;
      const reading = (async () => {
        for await (const chunk of files.body('s', shard)) seen += chunk.length;
      })();
      await expect(reading).rejects.toMatchObject({ code: 'shard_changed' });
      expect(seen).toBeLessThan(shard.bodyBytes - 2);
    },
  );

  test('is refused before the first byte when the size differs', async () => {
    const shard = build(['{}', '{}']);
    writeFileSync(join(root, 's'), '{}\n{}\n\n');
    await expect(bodyOf(shard)).rejects.toMatchObject({ code: 'shard_changed' });
  });

  test('may be left in the middle', async () => {
    const shard = build([`"${'x'.repeat(3_000_000)}"`]);
    for await (const chunk of files.body('s', shard)) if (chunk.length > 100) break;
    expect(await bodyOf(shard)).toHaveLength(shard.bodyBytes - 2);
  });
});
