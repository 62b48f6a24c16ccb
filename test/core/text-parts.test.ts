import { expect, test } from 'vitest';
import { textParts } from '../../src/core/text-parts.ts';

test.each([
  ['', []],
  ['abc', ['abc']],
  ['abcdefg', ['abc', 'def', 'g']],
  // A pair that would be cut goes into the next piece whole.
  ['ab😀cd', ['ab', '😀c', 'd']],
  ['a😀b😀', ['a😀', 'b😀']],
  // Half a pair at the end is all there is of it.
  ['ab\ud83d', ['ab\ud83d']],
])('%j in pieces of 3 is %j', (text, expected) => {
  expect([...textParts(text, 3)]).toEqual(expected);
});
