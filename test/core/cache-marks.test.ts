import { expect, test } from 'vitest';
import { cacheControl, lintCacheMarks, markedTurns } from '../../src/core/cache-marks.ts';

const block = (ttl?: '5m' | '1h'): object => ({
  type: 'text',
  text: 'a',
  ...(ttl === undefined ? {} : { cache_control: cacheControl(ttl) }),
});

test.each([
  [['user'], 1, [0]],
  [['user', 'assistant', 'user'], 1, [2]],
  [['user', 'assistant', 'user'], 2, [0, 2]],
  [['user', 'assistant', 'user'], 4, [0, 2]],
  [['user', 'assistant', 'user', 'assistant', 'user'], 2, [2, 4]],
])('of the turns %j the last %i of the user are %j', (roles, count, marked) => {
  expect([...markedTurns(roles, count)]).toEqual(marked);
});

test('four marks are taken, and five are not, wherever they stand', () => {
  const four = {
    tools: [{ name: 't', cache_control: cacheControl('1h') }],
    system: [block('1h')],
    messages: [{ role: 'user', content: [block('1h'), block(), block('1h')] }],
  };
  expect(lintCacheMarks(four)).toEqual([]);
  const five = { ...four, messages: [...four.messages, { role: 'user', content: [block('1h')] }] };
  expect(lintCacheMarks(five)).toEqual(['there are 5 cache marks; the API takes at most 4, so remove some']);
});

test('the automatic mark is one more, unless the last block is marked already', () => {
  const three = [block('1h'), block('1h'), block('1h')];
  const automatic = { cache_control: cacheControl('1h') };
  const of = (content: readonly object[]): readonly string[] =>
    lintCacheMarks({ ...automatic, system: [block('1h')], messages: [{ role: 'user', content }] });
  expect(of([...three, block()])[0]).toContain('5 cache marks');
  expect(of(three)).toEqual([]);
  expect(of([block('1h'), block('5m')])[0]).toContain(
    '"cache_control" says 1h and the last block of the messages 5m',
  );
});

test.each<['5m' | '1h', '5m' | '1h', boolean]>([
  ['1h', '1h', true],
  ['1h', '5m', true],
  ['5m', '5m', true],
  ['5m', '1h', false],
])('a mark of %s before one of %s: taken %s', (first, second, isTaken) => {
  const params = { system: [block(first)], messages: [{ role: 'user', content: [block(second)] }] };
  expect(lintCacheMarks(params)).toHaveLength(isTaken ? 0 : 1);
});

test('a mark without a time is one of five minutes', () => {
  const params = {
    system: [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral' } }],
    messages: [{ role: 'user', content: [block('1h')] }],
  };
  expect(lintCacheMarks(params)[0]).toContain('a cache mark of 1h stands after one of 5m');
});

test('texts have no marks', () => {
  expect(lintCacheMarks({ system: 'a', messages: [{ role: 'user', content: 'b' }] })).toEqual([]);
});
