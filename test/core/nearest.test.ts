import { expect, test } from 'vitest';
import { didYouMean, nearestName } from '../../src/core/nearest.ts';

const known = ['name', 'model', 'max_tokens', 'params', 'prompt', 'output', 'id'];

test.each([
  ['promt', 'prompt'],
  ['ouptut', 'output'],
  ['maxtokens', 'max_tokens'],
  ['Name', 'name'],
  ['dI', 'id'],
  ['stages', null],
  ['budget', null],
  ['', null],
])('"%s" is nearest to %s', (typed, meant) => {
  expect(nearestName(typed, known)).toBe(meant);
});

test('nothing is suggested when nothing is close', () => {
  expect(didYouMean('promt', known)).toBe('; did you mean "prompt"?');
  expect(didYouMean('stages', known)).toBe('');
});
