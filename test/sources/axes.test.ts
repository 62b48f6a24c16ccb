import { expect, test } from 'vitest';
import { readFields, readSource } from './read-source.ts';

test('the product of axes comes with the first one slowest, numbers as numbers', async () => {
  const axes = [
    { name: 'teg', values: [10, 11] },
    { name: 'round', values: ['01', '02'] },
  ];
  const items = await readSource('/', { kind: 'axes', axes });
  expect(items.map((item) => item.at.file)).toEqual([
    'axes (teg=10, round=01)',
    'axes (teg=10, round=02)',
    'axes (teg=11, round=01)',
    'axes (teg=11, round=02)',
  ]);
  expect((await readFields('/', { kind: 'axes', axes }))[1]).toEqual({ teg: 10, round: '02' });
});

test('a product of 250,000 is made chunk by chunk', async () => {
  const thousand = Array.from({ length: 500 }, (_, index) => index);
  const items = await readSource('/', {
    kind: 'axes',
    axes: [
      { name: 'a', values: thousand },
      { name: 'b', values: thousand },
    ],
  });
  expect(items).toHaveLength(250_000);
});
