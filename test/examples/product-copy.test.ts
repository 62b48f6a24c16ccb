import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { countBatches, initExample } from '../support/run-example.ts';

const SUBMIT = ['submit', '--use-batch', '--emulator', '--interval', '200ms'] as const;

/** The first line names the columns, so each row is an object. */
const readTable = (text: string) => parse(text, { columns: true }) as Readonly<Record<string, string>>[];

test('the export is the CSV that went in, with the text of each product beside it', async () => {
  const copy = await initExample('product-copy');
  const done = await copy.json(...SUBMIT);
  const texts = copy.rows(done).map(({ text }) => text);
  const { code } = await copy.run('export', 'latest', '--format', 'csv', '--raw-csv', '-o', 'out.csv');
  expect(code).toBe(0);
  const products = readTable(copy.read('data/products.csv'));
  expect(products).toHaveLength(60);
  const exported = readTable(copy.read('out.csv'));
  expect(exported).toMatchObject(
    products.map((product, index) => ({ ...product, text: texts[index], status: 'succeeded' })),
  );
});

test('the export of the README has its columns in their order, a row a product', async () => {
  const copy = await initExample('product-copy');
  await copy.json(...SUBMIT);
  const columns = 'sku,name,text,status,output_tokens';
  await copy.run('export', 'latest', '--format', 'csv', '--columns', columns, '-o', 'products-with-copy.csv');
  const table = readTable(copy.read('products-with-copy.csv'));
  expect(Object.keys(table[0] ?? {})).toEqual(columns.split(','));
  expect(table.map(({ sku }) => sku)).toEqual(
    readTable(copy.read('data/products.csv')).map(({ sku }) => sku),
  );
});

test('a product that failed is a row of the export with its class', async () => {
  const copy = await initExample('product-copy');
  const { code } = await copy.run(...SUBMIT, '--set', 'max_tokens=5', '--limit', '2');
  expect(code).toBe(3);
  const { stdout } = await copy.run('export', 'latest', '--format', 'csv', '--columns', 'sku,status,failure');
  expect(readTable(stdout)).toEqual([
    { sku: 'KIT-001', status: 'succeeded', failure: 'truncated' },
    { sku: 'KIT-002', status: 'succeeded', failure: 'truncated' },
  ]);
});

test('a product whose features look like a template is sent as it stands', async () => {
  const copy = await initExample('product-copy');
  await copy.json(...SUBMIT);
  // The emulator's answers quote the prompt.
  expect(copy.read('copy/table/TAB-006.md')).toContain('{{ your name }}');
});

test('submit of a finished job of the same content makes a new job', async () => {
  const copy = await initExample('product-copy');
  const first = await copy.json(...SUBMIT);
  const second = await copy.json(...SUBMIT);
  expect(second['job_id']).not.toBe(first['job_id']);
  expect(await countBatches(copy.folder)).toBe(2);
});
