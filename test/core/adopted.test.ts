import { describe, expect, test } from 'vitest';
import { adoptedContent, adoptedRows } from '../../src/core/adopted.ts';
import { isLegalCustomId } from '../../src/core/custom-id.ts';
import { idsAsTheyCome, idsByName, idsByNonce } from '../../src/core/request-ids.ts';

describe('the rows of a batch that was made elsewhere', () => {
  test('are its ids in their natural order, then one for each request that has none', () => {
    expect(adoptedRows(['b-10', 'b-9', 'a'], 5)).toEqual(['a', 'b-9', 'b-10', '(unnamed 1)', '(unnamed 2)']);
    expect(adoptedRows([], 1)).toEqual(['(unnamed 1)']);
  });

  test('are never fewer than its ids, whatever it counts', () => {
    expect(adoptedRows(['a', 'b', 'c'], 2)).toEqual(['a', 'b', 'c']);
  });

  test('without a name have one that no API takes as an id', () => {
    expect(adoptedRows([], 3).some(isLegalCustomId)).toBe(false);
  });
});

test('two batches, or one at two addresses, are two contents', () => {
  const contents = [adoptedContent('a', 'b'), adoptedContent('a', 'c'), adoptedContent('b', 'b')];
  expect(new Set(contents).size).toBe(3);
  expect(contents[0]).toMatch(/^[0-9a-f]{64}$/);
});

describe('an id in results', () => {
  test('of our own counts by nonce and number alone', () => {
    const ids = idsByNonce('abcdefgh');
    expect(['x--abcdefgh-7', '--abcdefgh-1', 'x--abcdefgi-7', 'x', 'x--abcdefgh-07'].map(ids.seqOf)).toEqual([
      7,
      1,
      null,
      null,
      null,
    ]);
  });

  test('of another’s batch counts by its name, also where the name looks like ours', () => {
    const ids = idsByName(new Map([['x--abcdefgh-7', 1]]));
    expect([ids.seqOf('x--abcdefgh-7'), ids.seqOf('x')]).toEqual([1, null]);
  });

  test('that comes before any row is there is counted once, up to the most that a batch has, and only if it is legal', () => {
    const ids = idsAsTheyCome(2);
    expect(['a', 'b', 'a', '../x', 'x'.repeat(65), '(unnamed 1)', 'c'].map(ids.seqOf)).toEqual([
      1,
      2,
      1,
      null,
      null,
      null,
      null,
    ]);
  });
});
