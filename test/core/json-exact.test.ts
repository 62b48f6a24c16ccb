import { describe, expect, test } from 'vitest';
import { findJsonError } from '../../src/core/json-error.ts';
import { hasLoneSurrogate, JsonTextError, parseExact } from '../../src/core/json-exact.ts';
import { itemSpans, memberSpans } from '../../src/core/json-spans.ts';

describe('parseExact', () => {
  test.each([
    ['{"n":12345678901234567890}', { n: '12345678901234567890' }],
    ['{"n":-9007199254740993}', { n: '-9007199254740993' }],
    ['{"n":9007199254740991}', { n: 9007199254740991 }],
    ['{"n":[1,{"m":1e400}]}', { n: [1, { m: '1e400' }] }],
    ['{"n":1.50,"m":12345678901234567890}', { n: 1.5, m: '12345678901234567890' }],
    ['{"n":"12345678901234567890"}', { n: '12345678901234567890' }],
    ['[0,-0.5,true,null]', [0, -0.5, true, null]],
  ])('%s loses no integer', (text, value) => {
    expect(parseExact(text)).toEqual(value);
  });

  test('__proto__ is a key like others, also beside a big integer', () => {
    for (const text of ['{"__proto__":{"a":1}}', '{"__proto__":{"a":1},"n":12345678901234567890}']) {
      const value = parseExact(text);
      expect(Object.keys(value as object)).toContain('__proto__');
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    }
  });

  test('200 levels are taken and 201 are not', () => {
    const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
    expect(() => parseExact(nested(200))).not.toThrow();
    expect(() => parseExact(nested(201))).toThrow('nested deeper than 200 levels');
    expect(() => parseExact(nested(100_000))).toThrow(JsonTextError);
  });

  test('an error never quotes the data', () => {
    expect(() => parseExact('{"secret": oops-my-prompt}')).toThrow(/^not valid JSON: a value is missing$/);
  });
});

describe('findJsonError', () => {
  test.each([
    ['', 0, 'there is nothing'],
    ['{"a":1', 6, 'it ends early'],
    ['{"a" 1}', 5, '":" is missing'],
    ['{"a":1,}', 7, 'a comma before "}"'],
    ['[1 2]', 3, '"," or "]" is missing'],
    ['{"a":"x', 5, 'not closed'],
    ['{"a":"x\ty"}', 7, 'a control character'],
    ['{"a":"\\x"}', 6, 'an unknown escape'],
    ['{"a":1} x', 8, 'something follows'],
    ["{'a':1}", 1, 'a name in double quotes'],
    ['[tru]', 1, 'a value is missing'],
    ['[01]', 2, '"," or "]" is missing'],
    ['\uFEFF{}', 0, 'a byte order mark'],
  ])('%j breaks at %i', (text, offset, problem) => {
    const error = findJsonError(text);
    expect(error?.offset).toBe(offset);
    expect(error?.problem).toContain(problem);
    expect(() => JSON.parse(text)).toThrow(SyntaxError);
  });

  test('agrees with JSON.parse on 20,000 damaged texts', () => {
    const whole = '{"a":[1,-2.5e+3,"x\\n\\u00e9",true,null,{"b":{}}],"c d":"\\"","e":[[],""]}';
    const letters = '{}[]",:\\0-1.eE+tn \n\tx';
    let state = 7;
    const next = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
      return (state >>> 8) % below;
    };
    for (let round = 0; round < 20_000; round += 1) {
      let text = whole;
      for (let change = next(3); change >= 0; change -= 1) {
        const at = next(text.length);
        text =
          text.slice(0, at) +
          (next(2) === 0 ? '' : (letters[next(letters.length)] ?? '')) +
          text.slice(at + next(3));
      }
      expect([text, findJsonError(text) === null]).toEqual([text, isJson(text)]);
    }
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('spans', () => {
  test('every member of an object is found as it is written', () => {
    const text = ' {"a" : {"x":"}\\"]"} ,"b\\u0063":[1, {"y":[]}],"s":"\\\\","n":-1.5e3 , "t":true}\r';
    const members = memberSpans(text).map(({ name, start, end }) => [name, text.slice(start, end)]);
    expect(members).toEqual([
      ['a', '{"x":"}\\"]"}'],
      ['bc', '[1, {"y":[]}]'],
      ['s', '"\\\\"'],
      ['n', '-1.5e3'],
      ['t', 'true'],
    ]);
    expect(memberSpans('{ }')).toEqual([]);
  });

  test('every item of a list is found as it is written', () => {
    const text = '[ {"a":1},\n2 ,"]" ,[],\n null]';
    expect([...itemSpans(text, 0)].map(({ start, end }) => text.slice(start, end))).toEqual([
      '{"a":1}',
      '2',
      '"]"',
      '[]',
      'null',
    ]);
    expect([...itemSpans('[ ]', 0)]).toEqual([]);
  });
});

test.each([
  ['"\\ud83d"', true],
  ['"\\uDE00"', true],
  ['"\\ud83d\\ude00"', false],
  ['"\\\\ud83d"', false],
  ['"😀 plain"', false],
  ['{"a":["b\\udc00"]}', true],
  ['{"\\udc00":1}', true],
])('%s has half a character: %s', (json, lone) => {
  expect(hasLoneSurrogate(json)).toBe(lone);
});
