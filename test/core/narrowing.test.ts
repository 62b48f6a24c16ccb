import { describe, expect, test } from 'vitest';
import { createMatcher, createSampler, parseSelects } from '../../src/core/narrowing.ts';

describe('--select', () => {
  test.each([
    [[], []],
    [['teg=10'], [['teg', ['10']]]],
    [['lang=de', 'lang=en'], [['lang', ['de', 'en']]]],
    [
      ['lang=de', 'teg=1-4', 'lang=en'],
      [
        ['lang', ['de', 'en']],
        ['teg', ['1-4']],
      ],
    ],
    [['note='], [['note', ['']]]],
    [['formula=a=b'], [['formula', ['a=b']]]],
    [['IMDB Rating= 7'], [['IMDB Rating', [' 7']]]],
    [['__proto__=x'], [['__proto__', ['x']]]],
  ] as const)('%j is read', (texts, columns) => {
    expect(parseSelects(texts)).toEqual(
      columns.map(([column, values]) => ({ column, values, from: '--select' })),
    );
  });

  test.each([[['teg']], [['=1']], [[' =1']], [['']], [['a=1', 'b']]])('%j is refused', (texts) => {
    expect(parseSelects(texts)).toEqual({ bad: texts.at(-1) });
  });
});

describe('values of a condition', () => {
  test.each([
    [['en'], ['en', 'EN', 'en ', ''], ['en']],
    [
      ['en', 'de'],
      ['de', 'en', 'fr'],
      ['de', 'en'],
    ],
    [[''], ['', ' '], ['']],
    [['10-12'], ['9', '10', '11', '12', '13', '10.5', '010', '1e1', '-10'], ['10', '11', '12']],
    [['08-11'], ['8', '08', '09', '10', '11', '011', '12'], ['08', '09', '10', '11']],
    [['10-12'], ['10-12'], ['10-12']],
    [['12-10'], ['11', '12-10'], ['12-10']],
    [['2026-03'], ['2026-03', '5'], ['2026-03']],
    [
      ['1-3', '7'],
      ['1', '3', '5', '7'],
      ['1', '3', '7'],
    ],
    [['0-0'], ['0', '00', ''], ['0']],
    [['1-999999999999999'], ['1', '999999999999999', '1000000000000000'], ['1', '999999999999999']],
  ] as const)('%j of %j takes %j', (values, seen, taken) => {
    const matcher = createMatcher(values);
    expect(seen.filter((value) => matcher.fits(value))).toEqual(taken);
  });

  test.each([
    [['en'], ['en'], []],
    [['en', 'fr'], ['en'], ['fr']],
    [['10-17'], [], ['10-17']],
    [['10-17'], ['10', '11', '12', '13', '14', '15', '16', '17'], []],
    [['10-17'], ['11', '14', '16'], ['10', '12-13', '15', '17']],
    [['08-11'], ['08', '11'], ['09-10']],
    [['1-3', 'x'], ['2'], ['x', '1', '3']],
    [['10-12'], ['10-12'], []],
    // Too many numbers to name those that nobody has.
    [['1-1000000'], ['5'], []],
  ] as const)('of %j, seen %j, these occur nowhere: %j', (values, seen, unmatched) => {
    const matcher = createMatcher(values);
    for (const value of seen) matcher.fits(value);
    expect(matcher.unmatched()).toEqual(unmatched);
  });
});

describe('a sample', () => {
  const sampleOf = (count: number, seed: number, of: number): readonly number[] => {
    const sampler = createSampler<number>({ count, seed });
    for (let number = 1; number <= of; number += 1) sampler.offer(number);
    return sampler.take();
  };

  test.each([
    [1, 1],
    [3, 10],
    [10, 10],
    [10, 11],
    [500, 10_000],
  ])('of %i out of %i has exactly so many, in order, none twice', (count, of) => {
    const sample = sampleOf(count, 1, of);
    expect(sample).toHaveLength(count);
    expect(sample).toEqual([...new Set(sample)].sort((a, b) => a - b));
    expect(sample.every((number) => number >= 1 && number <= of)).toBe(true);
  });

  test('of more than there is takes everything', () => {
    expect(sampleOf(10, 1, 3)).toEqual([1, 2, 3]);
  });

  test('is the same for the same seed on every machine, and another for another', () => {
    expect(sampleOf(5, 1, 1000)).toEqual([284, 290, 357, 734, 907]);
    expect(sampleOf(5, 2, 1000)).not.toEqual(sampleOf(5, 1, 1000));
  });

  test('takes each record as often as any other', () => {
    const times = new Array<number>(20).fill(0);
    for (let seed = 0; seed < 4000; seed += 1) {
      for (const number of sampleOf(5, seed, 20)) times[number - 1] = (times[number - 1] ?? 0) + 1;
    }
    // 1,000 are expected of each; 6 standard deviations of 27.
    for (const count of times) expect(Math.abs(count - 1000)).toBeLessThan(165);
  });
});
