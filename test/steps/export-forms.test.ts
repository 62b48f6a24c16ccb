import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { findColumns, pickColumns } from '../../src/steps/export-columns.ts';
import { csvText, guardFormula } from '../../src/steps/export-csv.ts';
import { jsonlText, jsonText } from '../../src/steps/export-json.ts';
import type { ExportRow } from '../../src/steps/export-rows.ts';
import { tableNames, tableValue } from '../../src/steps/export-table.ts';
import { compileExportTemplate, templateText } from '../../src/steps/export-template.ts';

const HEAD = '"stage":"main","group":null,"status":"succeeded","failure":null,"text":"t"';

function row(customId: string, record: string, answer: string): ExportRow {
  return {
    customId,
    status: 'succeeded',
    isGood: true,
    recordJson: record,
    resultJson: `{"custom_id":"${customId}",${HEAD},${answer},"usage":{"input_tokens":3,"output_tokens":5},"error":null}`,
  };
}

async function* stream(rows: readonly ExportRow[]): AsyncGenerator<ExportRow> {
  yield* rows;
}

async function textOf(pieces: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const piece of pieces) text += piece;
  return text;
}

async function csvOf(rows: readonly ExportRow[], names: readonly string[]): Promise<string> {
  const { columns } = await findColumns(stream(rows));
  return textOf(csvText(stream(rows), pickColumns(columns, names), { bom: false, raw: false }));
}

const BIG = '12345678901234567890';

describe('the fields of structured answers', () => {
  const rows = [
    row('a', '{}', `"json":{"title":"T","n":${BIG},"tags":["x",1],"ok":true,"none":null}`),
    row('b', '{}', '"json":{"title":"-1+1","extra":{"m":1.50}}'),
    row('c', '{}', '"json":[1,2]'),
    row('d', '{}', '"json":null'),
  ];

  test('are columns of one level, found in all rows; deeper values are their JSON', async () => {
    const { columns } = await findColumns(stream(rows));
    expect(columns.map(({ name }) => name).slice(5, 12)).toEqual([
      ...['json', 'json.title', 'json.n', 'json.tags', 'json.ok', 'json.none', 'json.extra'],
    ]);
    const names = [
      'custom_id',
      'json',
      'json.title',
      'json.n',
      'json.tags',
      'json.ok',
      'json.none',
      'json.extra',
    ];
    expect((await csvOf(rows, names)).split('\r\n').slice(1, 5)).toEqual([
      `a,,T,${BIG},"[""x"",1]",true,,`,
      `b,,'-1+1,,,,,"{""m"":1.50}"`,
      'c,"[1,2]",,,,,,',
      'd,,,,,,,',
    ]);
  });
});

describe('numbers that a double cannot hold', () => {
  const exact = `{"id":${BIG},"small":0.10000000000000000555,"deep":[{"n":-9007199254740993}]}`;
  const rows = [row('a', exact, `"json":${exact},"content":[{"type":"tool_use","input":${exact}}]`)];

  test('are copied digit for digit into json and jsonl', async () => {
    for (const text of [
      await textOf(jsonText(stream(rows), null)),
      await textOf(jsonlText(stream(rows), null)),
    ]) {
      expect(text.split(exact)).toHaveLength(4);
      expect(JSON.parse(text)).toBeTruthy();
    }
  });

  test('and into csv and the objects of --columns', async () => {
    const names = ['id', 'small', 'deep', 'json.id', 'content'];
    const csv = await csvOf(rows, names);
    expect(csv.split(BIG)).toHaveLength(4);
    expect(csv).toContain('0.10000000000000000555');
    const { columns } = await findColumns(stream(rows));
    const text = await textOf(jsonlText(stream(rows), pickColumns(columns, names)));
    expect(text).toContain(
      `{"id":${BIG},"small":0.10000000000000000555,"deep":[{"n":-9007199254740993}],"json.id":${BIG},`,
    );
  });

  test('and as their text into templates', async () => {
    const template = compileExportTemplate('{{ id }} {{ json.id }} {{ deep[0].n }}', 't');
    expect(await textOf(templateText(stream(rows), template))).toBe(`${BIG} ${BIG} -9007199254740993`);
  });

  test.each([
    ['12', 12n],
    ['-9223372036854775808', -9223372036854775808n],
    ['9223372036854775808', '9223372036854775808'],
    [BIG, BIG],
    ['1.5', 1.5],
    ['1e3', 1000],
    ['1e400', '1e400'],
    ['0.10000000000000000555', '0.10000000000000000555'],
    ['0.30000000000000004', 0.30000000000000004],
    ['true', 1n],
    ['false', 0n],
    ['null', null],
    [null, null],
    ['"12"', '12'],
    ['"a\\nb"', 'a\nb'],
    ['[1, 2]', '[1, 2]'],
    ['{"a":1}', '{"a":1}'],
  ])('%s is held by SQLite as %s', (cell, value) => {
    expect(tableValue(cell)).toEqual(value);
  });
});

test('records with different columns have all of them', async () => {
  const rows = [row('a', '{"x":1}', '"json":null'), row('b', '{"y":"2","x":null}', '"json":null')];
  expect(await csvOf(rows, ['custom_id', 'x', 'y'])).toBe('custom_id,x,y\r\na,1,\r\nb,,2\r\n');
});

test('an answer of a call of a tool has its content in a column', async () => {
  const rows = [row('a', '{}', '"json":null,"content":[{"type":"tool_use"}]'), row('b', '{}', '"json":null')];
  expect(await csvOf(rows, ['custom_id', 'content'])).toBe(
    'custom_id,content\r\na,"[{""type"":""tool_use""}]"\r\nb,\r\n',
  );
});

test('names of tables are legal and unique as SQLite compares them', () => {
  const names = ['id', 'ID', 'json.x', 'json x', 'größe', '1st', '"; DROP', '', 'IMDB Rating'];
  const columns = names.map((name) => ({ name, from: 'record' as const, key: name }));
  expect(tableNames(columns)).toEqual([
    ...['id', 'ID_2', 'json_x', 'json_x_2', 'größe', '_1st', '_DROP', '_', 'IMDB_Rating'],
  ]);
});

test('more names than any table has columns are refused', async () => {
  async function* many(): AsyncGenerator<ExportRow> {
    for (let n = 0; n < 30_000; n += 1) yield row(`r${n}`, `{"c${n}":1}`, '"json":null');
  }
  await expect(findColumns(many())).rejects.toMatchObject({ code: 'too_many_columns' });
});

test('a row with nothing in json and error is rendered, so that a template can ask for them', async () => {
  const template = compileExportTemplate(
    '{% if json %}{{ json.title }}{% else %}none{% endif %}{{ error }};',
    't',
  );
  const rows = [row('a', '{}', '"json":{"title":"T"}'), row('b', '{}', '"json":null')];
  expect(await textOf(templateText(stream(rows), template))).toBe('T;none;');
});

test('the template of docs/export.md renders good rows and bad ones', async () => {
  const docs = readFileSync(new URL('../../docs/export.md', import.meta.url), 'utf8');
  const [, example = ''] = /```liquid\n([\s\S]*?)```/.exec(docs) ?? [];
  const bad = row('b', '{"product":"Tent"}', '"json":null');
  const rows = [
    row('a', '{"product":"Tea & salt"}', '"json":null'),
    { ...bad, resultJson: bad.resultJson.replace('"failure":null', '"failure":"truncated"') },
  ];
  expect(await textOf(templateText(stream(rows), compileExportTemplate(example, 't')))).toBe(
    '<h1>Reviews</h1>\n<h2>Tea &amp; salt</h2>\n<p>t</p>\n\n<p>b: truncated</p>\n\n',
  );
});

test('an export without rows is an empty list, and a csv its header', async () => {
  expect(await textOf(jsonText(stream([]), null))).toBe('[]\n');
  expect(await textOf(jsonlText(stream([]), null))).toBe('');
  expect(await csvOf([], ['custom_id', 'text'])).toBe('custom_id,text\r\n');
});

test('the guard looks behind a byte order mark', () => {
  expect(guardFormula('\uFEFF=1')).toBe("'\uFEFF=1");
});
