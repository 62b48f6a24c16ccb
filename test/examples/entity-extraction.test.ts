import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { initExample, type Json } from '../support/run-example.ts';

const SUBMIT = ['submit', '--use-batch', '--emulator', '--interval', '200ms'] as const;
const SERIES = ['Lantern Sea', 'The Glass Orchard', 'The Salt Road'];

type Found = Json & { readonly name?: string; readonly confidence: unknown };
type Answer = { readonly entities: readonly Found[]; readonly relations: readonly Found[] };

test('each series is a batch of its own, named in --json and in each row', async () => {
  const copy = await initExample('entity-extraction');
  const done = await copy.json(...SUBMIT);
  expect(done['batches']).toMatchObject(SERIES.map((group) => ({ group, requests: 3 })));
  const rows = copy.rows(done);
  expect(rows).toHaveLength(9);
  for (const { group, output } of rows) {
    const { series } = JSON.parse(copy.read(String(output))) as { readonly series: string };
    expect(group).toBe(series);
  }
});

test('one series alone is one batch', async () => {
  const copy = await initExample('entity-extraction');
  const done = await copy.json(...SUBMIT, '--select', 'series_name=The Salt Road');
  expect(done['batches']).toMatchObject([{ group: 'The Salt Road', requests: 3 }]);
  expect([...copy.files('extracted').keys()]).toEqual(
    ['01', '02', '03'].map((number) => `extracted/salt-road-${number}_extracted.json`),
  );
});

test('a file is the answer with the source of each entity and relation, and a confidence in every one', async () => {
  const copy = await initExample('entity-extraction');
  const rows = copy.rows(await copy.json(...SUBMIT));
  let open = 0;
  for (const { json, output } of rows) {
    const stem = String(output).slice('extracted/'.length, -'_extracted.json'.length);
    const meta = JSON.parse(copy.read(`sections/${stem}.meta.json`)) as Json;
    const sources = [{ file: `sections/${stem}.txt`, chunk: meta['section_id'] }];
    const sourced = (item: Found) => {
      if (item.confidence === null) open += 1;
      return { ...item, confidence: item.confidence ?? 0.8, sources };
    };
    const { entities, relations } = json as Answer;
    expect(JSON.parse(copy.read(String(output)))).toEqual({
      series: meta['series_name'],
      books: meta['book_names'],
      section: meta['section_id'],
      model: 'claude-sonnet-5-5',
      entities: entities.map(sourced),
      relations: relations.map(sourced),
    });
  }
  // Else the default was never needed.
  expect(open).toBeGreaterThan(0);
});

test('--missing leaves out the sections whose file is there, also in a workspace that begins anew', async () => {
  const copy = await initExample('entity-extraction');
  await copy.json(...SUBMIT);
  const before = copy.files('extracted');
  expect(await copy.json(...SUBMIT, '--missing')).toMatchObject({ requests: 0 });

  // What was sent stays with the database that knows of it; without both nothing tells that anything was.
  for (const folder of ['.batchctl', 'batch_requests'])
    rmSync(join(copy.folder, folder), { recursive: true });
  rmSync(join(copy.folder, 'extracted/Lantern Sea - 2 of 2_extracted.json'));
  const again = await copy.json(...SUBMIT, '--missing');
  expect(again['batches']).toMatchObject([{ group: 'Lantern Sea', requests: 1 }]);
  expect(copy.files('extracted')).toEqual(before);
});

test('the ontology stands in the system prompt as it is in its file, braces included', async () => {
  const copy = await initExample('entity-extraction');
  const { first } = await copy.json('plan', '--first', '9');
  const systems = (first as { params: { system: { text: string }[] } }[]).map(
    ({ params }) => params.system[0]?.text,
  );
  expect(systems).toHaveLength(9);
  expect(new Set(systems).size).toBe(1);
  expect(copy.read('ontology.md')).toContain('{{ so }}');
  expect(systems[0]).toContain(copy.read('ontology.md'));
});

test('the prompt names series, books and section from the file beside the text', async () => {
  const copy = await initExample('entity-extraction');
  const { first } = await copy.json('plan', '--first', '9');
  const prompts = (first as { params: { messages: { content: string }[] } }[]).map(
    ({ params }) => params.messages[0]?.content ?? '',
  );
  expect(prompts.at(-1)).toContain(
    'Series: The Salt Road\nBooks: The Ferry at Orrin, Bitter Water\nSection: 2.1\n\nBitter Water lies two days',
  );
  expect(prompts.at(-1)).toContain('{{ so }} MUCH WATER');
});
