import { expect, test } from 'vitest';
import { makeTempDir } from '../support/temp-dir.ts';
import { readFields, readLinesOf, readSource, sourceOf } from './read-source.ts';

const jsonl = sourceOf({ jsonl: 'd.jsonl' });

test('a byte order mark, CRLF and blank lines are no part of the records', async () => {
  const root = makeTempDir({ 'd.jsonl': '\uFEFF{"a":1}\r\n\r\n  \n{"a":2}\r\n{"a":3}' });
  expect(await readFields(root, jsonl)).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }]);
  expect(await readLinesOf(root, jsonl)).toEqual([1, 4, 5]);
});

test('U+2028 and other separators do not split a line', async () => {
  const root = makeTempDir({ 'd.jsonl': '{"a":"x\u2028y\u2029z\u0085"}\n' });
  expect(await readFields(root, jsonl)).toEqual([{ a: 'x\u2028y\u2029z\u0085' }]);
});

test('integers that a double cannot hold are kept as text', async () => {
  const root = makeTempDir({ 'd.jsonl': '{"a":12345678901234567890,"b":[9007199254740993],"c":1.5}\n' });
  expect(await readFields(root, jsonl)).toEqual([
    { a: '12345678901234567890', b: ['9007199254740993'], c: 1.5 },
  ]);
});

test('__proto__ is a column and pollutes nothing', async () => {
  const root = makeTempDir({ 'd.jsonl': '{"__proto__":{"x":1},"constructor":2}\n' });
  const [fields] = await readFields(root, jsonl);
  expect(Object.keys(fields ?? {})).toEqual(['__proto__', 'constructor']);
  expect(Object.getPrototypeOf(fields)).toBeNull();
  expect(({} as { x?: number }).x).toBeUndefined();
});

test('a source may be read twice', async () => {
  const root = makeTempDir({ 'd.jsonl': '{"a":1}\n{"a":}\n' });
  expect(await readSource(root, jsonl)).toEqual(await readSource(root, jsonl));
});
