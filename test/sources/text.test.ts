import { expect, test } from 'vitest';
import { openSource } from '../../src/sources/open-source.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { readFields, readLinesOf, sourceOf } from './read-source.ts';

const byLine = sourceOf({ text: 'd.txt' });
const byParagraph = sourceOf({ text: { file: 'd.txt', split: 'paragraph' } });

test.each([
  ['LF', 'one\ntwo\n'],
  ['CRLF', 'one\r\ntwo\r\n'],
  ['no final newline', 'one\ntwo'],
  ['a byte order mark', '\uFEFFone\ntwo\n'],
])('a text with %s is a record a line', async (_, content) => {
  const root = makeTempDir({ 'd.txt': content });
  expect(await readFields(root, byLine)).toEqual([
    { text: 'one', line: 1, file: 'd.txt' },
    { text: 'two', line: 2, file: 'd.txt' },
  ]);
});

test('blank lines are no records, keep the lines of the others right, and are counted', async () => {
  const root = makeTempDir({ 'd.txt': '\none\n \t \n\n  two  \n\n' });
  expect(await readLinesOf(root, byLine)).toEqual([2, 5]);
  const source = openSource(byLine, { root, dir: '' });
  const texts: unknown[] = [];
  for (const _ of [1, 2])
    for await (const chunk of source.items(new AbortController().signal))
      texts.push(...chunk.map((item) => (item.kind === 'record' ? item.fields['text'] : item)));
  expect(texts).toEqual(['one', '  two  ', 'one', '  two  ']);
  expect(source.skipped?.()).toBe(4);
});

test('a paragraph is the lines between blank ones, at the line of its first', async () => {
  const root = makeTempDir({ 'd.txt': '\r\n\r\nA\r\n b\r\n\r\n \t\r\n\r\nC' });
  expect(await readFields(root, byParagraph)).toEqual([
    { text: 'A\n b', line: 3, file: 'd.txt' },
    { text: 'C', line: 8, file: 'd.txt' },
  ]);
});

test('a paragraph ends with its file', async () => {
  const root = makeTempDir({ 'a.txt': 'one\n', 'b.txt': 'two\n\nthree' });
  const source = sourceOf({ text: { file: '*.txt', split: 'paragraph' } });
  expect(await readFields(root, source)).toEqual([
    { text: 'one', line: 1, file: 'a.txt' },
    { text: 'two', line: 1, file: 'b.txt' },
    { text: 'three', line: 3, file: 'b.txt' },
  ]);
});

test('a line cut by the border of two reads is whole', async () => {
  const lines = Array.from({ length: 3000 }, (_, index) => `${index} ${'é'.repeat(50)}`);
  const root = makeTempDir({ 'd.txt': lines.join('\n') });
  expect((await readFields(root, byLine)).map((fields) => fields['text'])).toEqual(lines);
});
