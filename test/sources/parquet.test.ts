import { copyFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { makeTempDir } from '../support/temp-dir.ts';
import { readFields, readSource, sourceOf } from './read-source.ts';

// Made by data/make-parquet.py.
const DATA = fileURLToPath(new URL('data/', import.meta.url));
const parquet = (file: string, columns?: string[]): ReturnType<typeof sourceOf> =>
  sourceOf({ parquet: columns === undefined ? file : { file, columns } });

test('values are exact: big integers, decimals, times, lists and structs', async () => {
  expect(await readFields(DATA, parquet('types.parquet'))).toEqual([
    {
      id: 'a',
      big: '9223372036854775807',
      unsigned: '18446744073709551615',
      real: 0.5,
      flag: true,
      day: '2024-02-29',
      micros: '2024-01-02T03:04:05.006007Z',
      nanos: '1970-01-01T00:00:00.000000001Z',
      price: 0.3,
      exact: '12345678901234567890.123456789',
      tags: ['x', 'y'],
      maker: { name: 'Ada', born: 1815 },
      constructor: 'c',
    },
    {
      id: 'b',
      big: 5,
      unsigned: 7,
      real: null,
      flag: null,
      day: '1969-12-31',
      micros: null,
      nanos: '1969-12-31T23:59:59.999999999Z',
      price: -12.05,
      exact: 0,
      tags: [],
      maker: null,
      constructor: 'd',
    },
  ]);
});

test.each(['none', 'gzip', 'brotli', 'lz4', 'zstd'])(
  'row groups packed with %s come in order',
  async (codec) => {
    const fields = await readFields(DATA, parquet(`groups-${codec}.parquet`));
    expect(fields).toEqual(Array.from({ length: 2500 }, (_, n) => ({ n, word: `word ${n % 7}` })));
  },
);

test('a group that is read in pieces loses no row and doubles none', async () => {
  const fields = await readFields(DATA, parquet('wide.parquet'));
  expect(fields.map(({ n }) => n)).toEqual(Array.from({ length: 400 }, (_, n) => n));
  expect(
    fields.every(({ n, text }) => String(text).startsWith(`${n}:x`) && String(text).length > 100_000),
  ).toBe(true);
});

test('only the columns that were asked for are there, in their order', async () => {
  const [fields] = await readFields(DATA, parquet('types.parquet', ['price', 'id']));
  expect(Object.entries(fields ?? {})).toEqual([
    ['price', 0.3],
    ['id', 'a'],
  ]);
});

test('bytes that are no text are a problem of their record, and can be left out', async () => {
  expect(await readSource(DATA, parquet('bytes.parquet'))).toMatchObject([
    { kind: 'record', fields: { id: 'a', raw: 'plain' } },
    {
      kind: 'problem',
      problem: 'the value of "raw" is bytes, not text; leave the column out with "source.parquet.columns"',
      at: { file: 'bytes.parquet (row 2)', line: null },
    },
  ]);
  expect(await readFields(DATA, parquet('bytes.parquet', ['id']))).toEqual([{ id: 'a' }, { id: 'b' }]);
});

test('a column that is not there names the nearest one', async () => {
  await expect(readSource(DATA, parquet('types.parquet', ['prise']))).rejects.toMatchObject({
    code: 'parquet_column',
    message: expect.stringContaining('there is no column "prise"; did you mean "price"?'),
  });
});

test('a file without rows has no records', async () => {
  await expect(readSource(DATA, parquet('empty.parquet'))).rejects.toMatchObject({ code: 'no_records' });
});

test.each([
  ['text', (path: string) => writeFileSync(path, 'id,name\n1,Ada\n')],
  ['nothing', (path: string) => writeFileSync(path, '')],
  ['a few bytes', (path: string) => writeFileSync(path, 'PAR1')],
  ['a file that was cut off', (path: string) => truncateSync(path, 3000)],
  [
    'a footer that is too long',
    (path: string) => {
      const bytes = readFileSync(path);
      bytes.writeUInt32LE(0xfffffff0, bytes.length - 8);
      writeFileSync(path, bytes);
    },
  ],
  [
    'damaged pages',
    (path: string) => {
      const bytes = readFileSync(path);
      writeFileSync(path, bytes.fill(0xff, 4, 1500));
    },
  ],
])('%s instead of Parquet is an error that names the file', async (_, damage) => {
  const root = makeTempDir();
  copyFileSync(join(DATA, 'types.parquet'), join(root, 'd.parquet'));
  damage(join(root, 'd.parquet'));
  await expect(readSource(root, parquet('d.parquet'))).rejects.toMatchObject({
    code: 'source_parquet',
    message: expect.stringMatching(/^d\.parquet: it cannot be read as Parquet/),
  });
});
