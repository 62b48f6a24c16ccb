import { expect, test } from 'vitest';
import { combinations, parseAxis } from '../../src/core/axes.ts';

test.each([
  ['1-4', [1, 2, 3, 4]],
  [' 9 - 11 ', [9, 10, 11]],
  ['08-11', ['08', '09', '10', '11']],
  ['098-101', ['098', '099', '100', '101']],
  ['0-2', [0, 1, 2]],
  ['7-7', [7]],
  [12, [12]],
  [
    ['en', 'de'],
    ['en', 'de'],
  ],
  [
    [1, 'b', true],
    [1, 'b', true],
  ],
] as const)('the axis %j has the values %j', (written, values) => {
  expect(parseAxis(written)).toEqual({ ok: true, values });
});

test.each([
  ['17-10', 'runs backwards; write 10-17'],
  ['en', 'neither a range such as 1-4 nor a list'],
  ['1..4', 'neither a range'],
  ['1–4', 'neither a range'],
  ['-1-4', 'neither a range'],
  ['', 'neither a range'],
  ['1-1000001', 'more than 1,000,000 values'],
])('the axis "%s" is refused: %s', (written, problem) => {
  const parsed = parseAxis(written);
  expect(parsed.ok ? '' : parsed.problem).toContain(problem);
});

test('combinations run through the last axis fastest', () => {
  const axes = [
    { name: 'a', values: [1, 2] },
    { name: 'b', values: ['x', 'y', 'z'] },
  ];
  expect([...combinations(axes)]).toEqual([
    [1, 'x'],
    [1, 'y'],
    [1, 'z'],
    [2, 'x'],
    [2, 'y'],
    [2, 'z'],
  ]);
});

test('an axis without values has no combinations', () => {
  expect([
    ...combinations([
      { name: 'a', values: [1] },
      { name: 'b', values: [] },
    ]),
  ]).toEqual([]);
});
