import { expect, test } from 'vitest';
import { makeTempDir } from '../support/temp-dir.ts';
import { readFields, readLinesOf, sourceOf } from './read-source.ts';

const csv = sourceOf({ csv: 'd.csv' });

test.each([
  ['LF', 'a,b\n1,2\n3,4\n'],
  ['CRLF', 'a,b\r\n1,2\r\n3,4\r\n'],
  ['lone CR', 'a,b\r1,2\r3,4\r'],
  ['no final newline', 'a,b\n1,2\n3,4'],
  ['a byte order mark', '\uFEFFa,b\n1,2\n3,4\n'],
  ['blank lines', '\n\na,b\n\n1,2\n\n3,4\n\n'],
  ['blanks around the names of columns', ' a , b\n1,2\n3,4\n'],
  ['quotes around everything', '"a","b"\n"1","2"\n"3","4"\n'],
])('a file with %s is read alike', async (_, content) => {
  const root = makeTempDir({ 'd.csv': content });
  expect(await readFields(root, csv)).toEqual([
    { a: '1', b: '2' },
    { a: '3', b: '4' },
  ]);
});

test('values keep quotes, commas, line breaks, blanks and other alphabets', async () => {
  const root = makeTempDir({ 'd.csv': 'a,b\n"x ""y"", z","l1\nl2\r\nl3"\n ü , 日本 \n,""\n' });
  expect(await readFields(root, csv)).toEqual([
    { a: 'x "y", z', b: 'l1\nl2\r\nl3' },
    { a: ' ü ', b: ' 日本 ' },
    { a: '', b: '' },
  ]);
});

test('lines are those of an editor, through line breaks in quotes and blank lines', async () => {
  const root = makeTempDir({ 'd.csv': 'a,b\r\n"1\r\n2",x\r\n\r\n3,y\r\n"\n\n",z\r\n4,w' });
  expect(await readLinesOf(root, csv)).toEqual([2, 5, 6, 9]);
});

test('columns called __proto__ and constructor are plain data', async () => {
  const root = makeTempDir({ 'd.csv': '__proto__,constructor,toString\n1,2,3\n' });
  const [fields] = await readFields(root, csv);
  expect(Object.entries(fields ?? {})).toEqual([
    ['__proto__', '1'],
    ['constructor', '2'],
    ['toString', '3'],
  ]);
  expect(Object.getPrototypeOf(fields)).toBeNull();
});

test('a character cut by the border of two reads is whole', async () => {
  // 64 KiB is one read: each offset of a four-byte character is tried at its border.
  for (let shift = 0; shift < 4; shift += 1) {
    const value = `${'x'.repeat(65_530 + shift)}😀€é`;
    const root = makeTempDir({ 'd.csv': `a\n${value}\nlast\n` });
    expect(await readFields(root, csv)).toEqual([{ a: value }, { a: 'last' }]);
  }
});

test('50,000 rows come in order and in chunks', async () => {
  const rows = Array.from({ length: 50_000 }, (_, index) => `${index},"text ${index}, quoted"`);
  const root = makeTempDir({ 'd.csv': `id,text\n${rows.join('\n')}\n` });
  const fields = await readFields(root, csv);
  expect(fields).toHaveLength(50_000);
  expect(fields.every((record, index) => record['id'] === String(index))).toBe(true);
  expect(await readLinesOf(root, csv)).toEqual(rows.map((_, index) => index + 2));
});
