import { describe, expect, test } from 'vitest';
import { escapeJson, escapeLines, escapeText, hideKeys, maskKey } from '../../src/core/escape.ts';

const ESC = '\u001b';

describe('escapeText', () => {
  test.each([
    ['plain text, ümläute, 漢字, 👩‍👩‍👧', 'plain text, ümläute, 漢字, 👩‍👩‍👧'],
    [`${ESC}[31mred${ESC}[0m`, '\\x1b[31mred\\x1b[0m'],
    [`${ESC}]8;;https://example.com${ESC}\\link`, '\\x1b]8;;https://example.com\\x1b\\link'],
    [`${ESC}]52;c;ZXZpbA==\u0007`, '\\x1b]52;c;ZXZpbA==\\x07'],
    ['\u009b2J', '\\x9b2J'],
    ['\u0090payload\u009c', '\\x90payload\\x9c'],
    ['a\nb\r\nc\td', 'a\\nb\\r\\nc\\td'],
    ['user\u202egpj.exe', 'user\\u{202e}gpj.exe'],
    ['\u2066hidden\u2069', '\\u{2066}hidden\\u{2069}'],
    ['\u2028\u2029', '\\u{2028}\\u{2029}'],
    ['\u{e0041}tag', '\\u{e0041}tag'],
    ['\ud800', '\\u{d800}'],
    ['\u0000\u0008\u007f', '\\x00\\x08\\x7f'],
  ])('%j is shown as %j', (text, shown) => {
    expect(escapeText(text)).toBe(shown);
  });

  test('escaping twice changes nothing more', () => {
    const once = escapeText(`${ESC}[2J\u202e`);
    expect(escapeText(once)).toBe(once);
  });
});

test('escapeLines keeps line ends and tabs and nothing else', () => {
  expect(escapeLines(`a\r\n\tb\rc${ESC}[A`)).toBe('a\n\tb\\rc\\x1b[A');
});

test('escapeJson leaves a document that parses to the same value', () => {
  const value = { text: `\u009b2J\u202e\u007f${ESC}\u{e0041}\u2028 ok` };
  const json = escapeJson(JSON.stringify(value, null, 2));
  expect(JSON.parse(json)).toEqual(value);
  expect(json).toMatch(/^[\x20-\x7e\n]*$/);
});

describe('a key is never shown whole', () => {
  test.each([
    ['sk-ant-api03-abcdefghijklmnop-wxyz', 'sk-ant-…wxyz'],
    ['sk-proj-abcdefghijklmnop', 'sk-…mnop'],
    ['short', '…'],
  ])('%s is masked as %s', (key, masked) => {
    expect(maskKey(key)).toBe(masked);
  });

  test('one inside a message is masked too', () => {
    expect(hideKeys('401 for Bearer sk-ant-api03-abcdefghijklmnop-wxyz!')).toBe(
      '401 for Bearer sk-ant-…wxyz!',
    );
  });
});
