import { expect, test } from 'vitest';
import { makeTempDir } from '../support/temp-dir.ts';
import { readFields, readLinesOf, sourceOf } from './read-source.ts';

const json = sourceOf({ json: 'd.json' });

test.each([
  ['a list', '[{"a":1},{"a":2}]'],
  ['{"items": […]}', '{"items": [{"a":1},{"a":2}], "total": 2}'],
  ['items behind other keys', '\uFEFF{"meta":{"items":[]},"x":"[","items":[\r\n{"a":1} ,{"a":2}]}'],
])('%s is a record an item', async (_, content) => {
  const root = makeTempDir({ 'd.json': content });
  expect(await readFields(root, json)).toEqual([{ a: 1 }, { a: 2 }]);
});

test.each([
  ['an object', '{"a":1,"b":[2]}\n', { a: 1, b: [2] }],
  ['an object whose items are no list', '{"items":"none"}', { items: 'none' }],
])('%s is one record', async (_, content, fields) => {
  const root = makeTempDir({ 'd.json': content });
  expect(await readFields(root, json)).toEqual([fields]);
});

test('each item has its line and its integers are exact', async () => {
  const root = makeTempDir({ 'd.json': '[\n  {"a": 12345678901234567890},\n\n  {"a":\n 2}, {"a": 3}\n]\n' });
  expect(await readFields(root, json)).toEqual([{ a: '12345678901234567890' }, { a: 2 }, { a: 3 }]);
  expect(await readLinesOf(root, json)).toEqual([2, 4, 5]);
});

test('2,500 items come in order', async () => {
  const items = Array.from({ length: 2_500 }, (_, index) => ({ index, text: '}],[{"' }));
  const root = makeTempDir({ 'd.json': JSON.stringify(items, null, 1) });
  expect(await readFields(root, json)).toEqual(items);
});
