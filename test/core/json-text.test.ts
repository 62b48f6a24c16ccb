import { describe, expect, test } from 'vitest';
import { prettyJson } from '../../src/core/json-text.ts';

describe('pretty JSON', () => {
  test.each([
    '{"a":1,"b":[true,false,null,"x"],"c":{"d":{}},"e":[],"f":[[],[{}]]}',
    '[]',
    '{}',
    '"a, b: [c] {d}"',
    '-1.5',
    '{"a \\" b":"\\\\"}',
    '[{"a":[1,[2,[3]]]},"\\u2028"]',
  ])('of %s is what JSON.stringify writes', (json) => {
    const spaced = JSON.stringify(JSON.parse(json), null, 2);
    expect(prettyJson(json)).toBe(spaced);
    expect(prettyJson(`\n ${spaced}\n`)).toBe(spaced);
  });

  test('keeps the digits of numbers and the order of keys', () => {
    expect(prettyJson('{"10":12345678901234567890,"2":1.0}')).toBe(
      '{\n  "10": 12345678901234567890,\n  "2": 1.0\n}',
    );
  });

  test('reads escapes that need not be', () => {
    expect(prettyJson('"\\u00e9\\/\\n"')).toBe('"é/\\n"');
  });
});
