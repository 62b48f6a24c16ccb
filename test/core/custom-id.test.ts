import { expect, test } from 'vitest';
import { legalCustomId } from '../../src/core/custom-id.ts';

const LEGAL = /^[a-zA-Z0-9_-]{1,64}$/;

test.each(['a', 'teg10-r1', 'A_b-9', 'x'.repeat(64)])('the legal key %s stays as it is', (key) => {
  expect(legalCustomId(key)).toEqual({ customId: key, originalId: null });
});

test.each([
  ['teg 10/r1', 'teg-10-r1-'],
  ['Zürich', 'Zurich-'],
  ['日本', 'id-'],
  ['x'.repeat(65), 'x'.repeat(51)],
  ['../../etc', 'etc-'],
  ['a\u0000b', 'a-b-'],
  ['-- --', 'id-'],
])('the key %j becomes legal and readable', (key, start) => {
  const { customId, originalId } = legalCustomId(key);
  expect(customId).toMatch(LEGAL);
  expect(customId.startsWith(start)).toBe(true);
  expect(originalId).toBe(key);
});

test('the id of a key is the same on every machine and in every version', () => {
  expect(legalCustomId('teg 10').customId).toBe('teg-10-qmgzqnc8tgw0');
});

test('100,000 keys with one slug have 100,000 ids', () => {
  const ids = new Set<string>();
  for (let index = 0; index < 100_000; index += 1) {
    const key = String(index).replace(/\d/g, (digit) => '〇一二三四五六七八九'[Number(digit)] ?? '');
    ids.add(legalCustomId(key).customId);
  }
  expect(ids.size).toBe(100_000);
});
