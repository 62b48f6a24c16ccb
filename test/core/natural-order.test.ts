import { expect, test } from 'vitest';
import { sortNaturally } from '../../src/core/natural-order.ts';
import { seeded } from '../support/seeded.ts';

test.each([
  [
    ['row-10', 'row-2', 'row-1'],
    ['row-1', 'row-2', 'row-10'],
  ],
  [
    ['a2b10', 'a2b9', 'a10b1'],
    ['a2b9', 'a2b10', 'a10b1'],
  ],
  [
    ['x', 'x-1', 'X', ''],
    ['', 'X', 'x', 'x-1'],
  ],
  // Zeros in front make no other number, and still an order.
  [
    ['n-1', 'n-01', 'n-001', 'n-0', 'n-00'],
    ['n-0', 'n-00', 'n-001', 'n-01', 'n-1'],
  ],
  // Larger than any number that a double holds.
  [
    ['9007199254740993', '9007199254740992', '12345678901234567890'],
    ['9007199254740992', '9007199254740993', '12345678901234567890'],
  ],
  [
    ['doc9', 'doc', 'doc10-a', 'doc10'],
    ['doc', 'doc9', 'doc10', 'doc10-a'],
  ],
])('%j sorts as %j', (texts, sorted) => {
  expect(sortNaturally(texts)).toEqual(sorted);
});

test('the order is the same whatever the order they come in', () => {
  const random = seeded(7);
  const letters = ['0', '00', '1', '10', '9', 'a', 'B', '-', '_'];
  const texts = Array.from({ length: 400 }, () =>
    Array.from({ length: random.between(1, 6) }, () => random.pick(letters)).join(''),
  );
  const distinct = [...new Set(texts)];
  const sorted = sortNaturally(distinct);
  for (let round = 0; round < 5; round += 1) {
    const shuffled = [...distinct].sort(() => random.next() - 0.5);
    expect(sortNaturally(shuffled)).toEqual(sorted);
  }
});
