import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openSource } from '../../src/sources/open-source.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { readFields, readLinesOf, readSource, sourceOf } from './read-source.ts';

const expected = [
  { a: '1', b: 'x,y;z' },
  { a: '3', b: '' },
];

describe('delimiters', () => {
  test.each([
    [';', 'a;b\n1;"x,y;z"\n3;\n'],
    ['\t', 'a\tb\n1\tx,y;z\n3\t\n'],
    ['|', 'a|b\n1|x,y;z\n3|\n'],
    ['::', 'a::b\n1::x,y;z\n3::\n'],
  ])('%j is taken when it is said', async (delimiter, content) => {
    const root = makeTempDir({ 'd.csv': content });
    expect(await readFields(root, sourceOf({ csv: { file: 'd.csv', delimiter } }))).toEqual(expected);
  });

  test.each([
    ['a,b\n1,"x,y;z"\n3,\n'],
    ['a;b\n1;"x,y;z"\n3;\n'],
    ['\uFEFF\n\na\tb\n1\tx,y;z\n3\t\n'],
    ['"a"|b\n1|x,y;z\n3|\n'],
  ])('auto finds the one of %j', async (content) => {
    const root = makeTempDir({ 'd.csv': content });
    expect(await readFields(root, sourceOf({ csv: { file: 'd.csv', delimiter: 'auto' } }))).toEqual(expected);
  });

  test('auto does not count what stands in quotes', async () => {
    const root = makeTempDir({ 'd.csv': '"a;;;;b",c\n1,2\n' });
    const source = sourceOf({ csv: { file: 'd.csv', delimiter: 'auto' } });
    expect(await readFields(root, source)).toEqual([{ 'a;;;;b': '1', c: '2' }]);
  });
});

describe('quotes', () => {
  test('another character may quote', async () => {
    const root = makeTempDir({ 'd.csv': "a,b\n'1,''2',\"\n" });
    expect(await readFields(root, sourceOf({ csv: { file: 'd.csv', quote: "'" } }))).toEqual([
      { a: "1,'2", b: '"' },
    ]);
  });

  test('none may', async () => {
    const root = makeTempDir({ 'd.csv': 'a\tb\n"1\tx"y\n' });
    const source = sourceOf({ csv: { file: 'd.csv', delimiter: '\t', quote: false } });
    expect(await readFields(root, source)).toEqual([{ a: '"1', b: 'x"y' }]);
  });
});

describe('encodings', () => {
  const read = (
    bytes: Uint8Array,
    encoding?: 'utf16le' | 'latin1' | 'windows-1252',
  ): ReturnType<typeof readFields> => {
    const root = makeTempDir();
    writeFileSync(join(root, 'd.csv'), bytes);
    const source = sourceOf({ csv: encoding === undefined ? 'd.csv' : { file: 'd.csv', encoding } });
    return readFields(root, source);
  };

  test('Windows-1252 has its own signs where Latin-1 has control characters', async () => {
    const bytes = Buffer.from('a,b\n\x80\x93x\x94,Zo\xeb \xff\x81\n', 'latin1');
    const fields = [{ a: '€“x”', b: 'Zoë ÿ\x81' }];
    expect(await read(bytes, 'windows-1252')).toEqual(fields);
    expect(await read(bytes, 'latin1')).toEqual(fields);
  });

  test('every byte of Windows-1252 is what the Encoding Standard says', async () => {
    const bytes = Buffer.from(Array.from({ length: 128 }, (_, index) => index + 128));
    const [fields] = await read(Buffer.concat([Buffer.from('a\n'), bytes]), 'windows-1252');
    const signs = `€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ${bytes.subarray(32).toString('latin1')}`;
    expect(fields?.['a']).toBe(signs);
  });

  test('UTF-16LE is known by its mark, through the borders of reads', async () => {
    const value = `${'x'.repeat(32_764)}😀€é`;
    for (let shift = 0; shift < 4; shift += 1) {
      const text = `\uFEFFa,b\r\n1,${'y'.repeat(shift)}${value}\r\n`;
      expect(await read(Buffer.from(text, 'utf16le'))).toEqual([
        { a: '1', b: `${'y'.repeat(shift)}${value}` },
      ]);
    }
  });

  test('UTF-16LE without a mark is taken when it is said', async () => {
    expect(await read(Buffer.from('a\nü\n', 'utf16le'), 'utf16le')).toEqual([{ a: 'ü' }]);
  });

  test.each([
    ['half a character', Buffer.from('\uFEFFa\nx\n\uD83D!\n', 'utf16le')],
    ['an odd number of bytes', Buffer.concat([Buffer.from('\uFEFFa\nx\n', 'utf16le'), Buffer.from('y')])],
  ])('UTF-16LE with %s is a problem', async (_, bytes) => {
    const root = makeTempDir();
    writeFileSync(join(root, 'd.csv'), bytes);
    const items = await readSource(root, sourceOf({ csv: 'd.csv' }));
    expect(items.at(-1)).toMatchObject({ kind: 'problem', problem: expect.stringContaining('not UTF-16LE') });
  });
});

test('lines are right through blank lines, whatever the delimiter', async () => {
  const root = makeTempDir({ 'd.csv': 'a;b\n\n"1\n2";x\n\n3;y\n\n' });
  expect(await readLinesOf(root, sourceOf({ csv: { file: 'd.csv', delimiter: ';' } }))).toEqual([3, 6]);
});

test.each([
  ['a\n1\n2\n', 0],
  ['\na\n\n1\n\n\n2\n', 4],
])('the blank lines of %j are counted', async (content, blank) => {
  const source = openSource(sourceOf({ csv: 'd.csv' }), { root: makeTempDir({ 'd.csv': content }), dir: '' });
  let rows = 0;
  for await (const chunk of source.items(new AbortController().signal)) rows += chunk.length;
  expect(rows).toBe(2);
  expect(source.skipped?.()).toBe(blank);
});
