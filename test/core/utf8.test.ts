import { expect, test } from 'vitest';
import { findInvalidUtf8, foreignContent, incompleteTail } from '../../src/core/utf8.ts';

const bytes = (...values: readonly number[]): Buffer => Buffer.from(values);

test.each([
  ['ASCII', Buffer.from('abc'), -1],
  ['all lengths', Buffer.from('aé€😀'), -1],
  ['a lone continuation', bytes(0x61, 0x80), 1],
  ['an overlong slash', bytes(0x61, 0xc0, 0xaf), 1],
  ['an overlong of three', bytes(0xe0, 0x80, 0xaf), 0],
  ['a surrogate', bytes(0x61, 0xed, 0xa0, 0x80), 1],
  ['beyond U+10FFFF', bytes(0xf4, 0x90, 0x80, 0x80), 0],
  ['a cut character', bytes(0x61, 0x62, 0xe2, 0x82), 2],
  ['a cut character before ASCII', bytes(0xe2, 0x82, 0x61), 0],
  ['Latin-1', Buffer.from('caf\xe9 noir', 'latin1'), 3],
])('%s: the first invalid byte is found', (_, input, offset) => {
  expect(findInvalidUtf8(input)).toBe(offset);
});

test('the bytes of a character that is cut anywhere are its incomplete tail', () => {
  for (const character of ['a', 'é', '€', '😀']) {
    const whole = Buffer.from(`x${character}`);
    expect(incompleteTail(whole)).toBe(0);
    for (let cut = 2; cut < whole.length; cut += 1)
      expect(incompleteTail(whole.subarray(0, cut))).toBe(cut - 1);
  }
});

test.each([
  ['gzip', bytes(0x1f, 0x8b, 8, 0), 'gzip'],
  ['UTF-16 with a mark', bytes(0xff, 0xfe, 0x61, 0), 'UTF-16LE'],
  ['UTF-16BE without a mark', bytes(0, 0x61, 0, 0x62), 'UTF-16BE'],
  ['an Excel workbook', bytes(0x50, 0x4b, 3, 4), 'a zip archive or an Excel workbook'],
  ['a UTF-8 mark', bytes(0xef, 0xbb, 0xbf, 0x61), undefined],
  ['text', Buffer.from('name'), undefined],
  ['a short text', Buffer.from('a'), undefined],
  ['nothing', bytes(), undefined],
])('%s is recognised by its first bytes', (_, head, what) => {
  expect(foreignContent(head)?.what).toBe(what);
});
