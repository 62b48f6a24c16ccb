import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { makeTempDir } from '../support/temp-dir.ts';
import { readFields, readSource, sourceOf } from './read-source.ts';

const ids = (records: readonly Readonly<Record<string, unknown>>[]): readonly unknown[] =>
  records.map((fields) => fields['id']);

test.each([
  ['csv', (id: string) => `id\n${id}\n`],
  ['jsonl', (id: string) => `{"id":"${id}"}\n`],
  ['json', (id: string) => `[{"id":"${id}"}]`],
])('%s files of a glob are read in the order of their names', async (kind, content) => {
  const root = makeTempDir({
    'data/b.x': content('2'),
    'data/a.x': content('1'),
    'data/sub/c.x': content('3'),
    'data/node_modules/d.x': content('9'),
  });
  expect(ids(await readFields(root, sourceOf({ [kind]: 'data/**/*.x' })))).toEqual(['1', '2', '3']);
});

test('a list keeps its order, and a file that two patterns match is read once', async () => {
  const root = makeTempDir({ 'a.csv': 'id\n1\n', 'b.csv': 'id\n2\n', 'c.csv': 'id\n3\n' });
  expect(ids(await readFields(root, sourceOf({ csv: ['c.csv', '*.csv'] })))).toEqual(['3', '1', '2']);
});

test('a file whose name looks like a glob is that file', async () => {
  const root = makeTempDir({ 'a[1].csv': 'id\n1\n', 'a1.csv': 'id\n2\n' });
  expect(ids(await readFields(root, sourceOf({ csv: 'a[1].csv' })))).toEqual(['1']);
});

test('paths of several files are relative to the job file', async () => {
  const root = makeTempDir({ 'jobs/d/a.jsonl': '{"id":"1"}\n', 'd/a.jsonl': '{"id":"2"}\n' });
  expect(ids(await readFields(root, sourceOf({ jsonl: 'd/*.jsonl' }), 'jobs'))).toEqual(['1']);
  expect(ids(await readFields(root, sourceOf({ jsonl: '../d/*.jsonl' }), 'jobs'))).toEqual(['2']);
});

test('CSV files may have their columns in another order, not other columns', async () => {
  const root = makeTempDir({
    'a.csv': 'id,n\n1,x\n',
    'b.csv': 'n,id\ny,2\n',
    'c.csv': 'id,m\n3,z\n4,z\n',
    'd.csv': 'id,n\n5,w\n',
  });
  const items = await readSource(root, sourceOf({ csv: '*.csv' }));
  expect(items.map((item) => (item.kind === 'record' ? item.fields['id'] : item))).toEqual([
    '1',
    '2',
    {
      kind: 'problem',
      problem:
        'its columns are not those of a.csv ("n" not here, "m" not there); files that are read together have the same ones',
      at: { file: 'c.csv', line: 1 },
    },
    '5',
  ]);
});

test.each(['csv', 'jsonl', 'json', 'text', 'requests'])(
  '%s may be packed with gzip, whatever its name',
  async (kind) => {
    const request = '{"custom_id":"a","params":{}}';
    const root = makeTempDir({ 'd.gz': '' });
    const { writeFileSync } = await import('node:fs');
    // Two members, as `cat a.gz b.gz` makes them.
    const packed = Buffer.concat([gzipSync(`${request}\n`), gzipSync(kind === 'json' ? '' : `${request}\n`)]);
    writeFileSync(`${root}/d.gz`, packed);
    expect(await readSource(root, sourceOf({ [kind]: 'd.gz' }))).toHaveLength(
      kind === 'json' || kind === 'csv' ? 1 : 2,
    );
  },
);
