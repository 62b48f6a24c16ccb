import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readLines } from '../../src/files/read-lines.ts';
import { makeTempDir } from '../support/temp-dir.ts';

async function linesOf(
  content: string,
  options: { start?: number; maxLineBytes?: number } = {},
): Promise<readonly unknown[]> {
  const path = join(makeTempDir({ 'x.jsonl': content }), 'x.jsonl');
  const lines = [];
  for await (const chunk of readLines(path, {
    maxLineBytes: 1_000_000,
    signal: new AbortController().signal,
    ...options,
  })) {
    for (const line of chunk) lines.push([line.number, line.offset, line.bytes?.toString() ?? null]);
  }
  return lines;
}

test('lines have their number, offset and bytes', async () => {
  expect(await linesOf('a\n\nbé\r\nc')).toEqual([
    [1, 0, 'a'],
    [2, 2, ''],
    [3, 3, 'bé\r'],
    [4, 8, 'c'],
  ]);
});

test('offsets count from the beginning of the file wherever reading starts', async () => {
  expect(await linesOf('aa\nbb\ncc\n', { start: 3 })).toEqual([
    [1, 3, 'bb'],
    [2, 6, 'cc'],
  ]);
});

test('lines longer than one read are whole, and those over the limit are not held', async () => {
  const long = 'x'.repeat(700_000);
  const longer = 'y'.repeat(1_000_001);
  expect(await linesOf(`${long}\n${longer}\nz\n`)).toEqual([
    [1, 0, long],
    [2, 700_001, null],
    [3, 1_700_003, 'z'],
  ]);
});
