import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';
import { BIN, runCli } from '../support/run-cli.ts';
import { makeTempDir, writeFile } from '../support/temp-dir.ts';

const JOB = `name: notes
model: claude-haiku-5-5
max_tokens: 400
source: { csv: data.csv }
prompt: "Say something about {{ thing }}."
`;
const FILES = {
  'notes.job.yaml': JOB,
  'data.csv': 'id,thing,Shelf Life\na,"stone, or ""rock""",\nb,"two\nlines",3\nc,größe,"1,5"\n',
};
const TWO_STAGES = {
  'data.csv': 'id,thing\na,stone\n',
  'two.job.yaml': `name: two\nmodel: claude-haiku-5-5\nmax_tokens: 400\nsource: { csv: data.csv }
stages:
  - { name: notes, prompt: "Notes on {{ thing }}" }
  - { name: report, needs: notes, prompt: "Report on {{ notes.text }}" }
`,
};
const quick = { BATCHCTL_EMULATOR_BATCH_SECONDS: '0.2' };
const slow = { BATCHCTL_EMULATOR_BATCH_SECONDS: '600' };

type Row = Readonly<Record<string, string>>;

const rowsOf = (csv: string): readonly Row[] => parse(csv, { columns: true });

async function runJob(files: Readonly<Record<string, string>> = FILES, env: object = {}): Promise<string> {
  const cwd = makeTempDir(files);
  const { code, stderr } = await runCli(['submit', '--use-batch', '--emulator'], {
    cwd,
    env: { ...quick, ...env },
  });
  expect([0, 3], stderr).toContain(code);
  return cwd;
}

/** What the export printed; it must leave with 0. */
async function exported(cwd: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(['export', 'latest', ...args], { cwd });
  expect(code, stderr).toBe(0);
  return stdout;
}

function readResults(cwd: string): readonly Readonly<Record<string, unknown>>[] {
  const [id = ''] = readdirSync(join(cwd, 'batch_results'));
  return readFileSync(join(cwd, 'batch_results', id, 'results.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

describe('the columns of the data joined with the answers, in input order', () => {
  test('csv', async () => {
    const cwd = await runJob();
    const csv = await exported(cwd, '--format', 'csv');
    const rows = rowsOf(csv);
    const results = readResults(cwd);
    // Quoted for readers that take a lone LF for the end of a row.
    expect(csv).toContain('\r\nb,b,"two\nlines",3,');
    expect(Object.keys(rows[0] ?? {})).toEqual([
      ...[
        'custom_id',
        'id',
        'thing',
        'Shelf Life',
        'group',
        'status',
        'failure',
        'text',
        'stop_reason',
        'model',
      ],
      ...['input_tokens', 'output_tokens', 'cache_creation_input_tokens', 'cache_read_input_tokens'],
      'cost_microusd',
      ...['error', 'attempt', 'batch_id', 'output'],
    ]);
    expect(rows.map((row) => [row['custom_id'], row['thing'], row['Shelf Life']])).toEqual([
      ['a', 'stone, or "rock"', ''],
      ['b', 'two\nlines', '3'],
      ['c', 'größe', '1,5'],
    ]);
    for (const [index, row] of rows.entries()) {
      const { text, status, batch_id, output, usage } = results[index] ?? {};
      expect(row).toMatchObject({ text, status, batch_id, output, attempt: '1', failure: '', group: '' });
      expect(usage).toMatchObject({ output_tokens: Number(row['output_tokens']) });
    }
  });

  test('json is one list and jsonl an object a line: the record, and the row as in results.jsonl', async () => {
    const cwd = await runJob();
    const wanted = readResults(cwd).map((row, index) => ({
      ...row,
      record: [
        { id: 'a', thing: 'stone, or "rock"', 'Shelf Life': '' },
        { id: 'b', thing: 'two\nlines', 'Shelf Life': '3' },
        { id: 'c', thing: 'größe', 'Shelf Life': '1,5' },
      ][index],
    }));
    expect(JSON.parse(await exported(cwd, '--format', 'json'))).toEqual(wanted);
    const lines = (await exported(cwd, '--format', 'jsonl')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(wanted);
    expect(lines[0]).toMatch(/^\{"custom_id":"a","record":\{"id":"a",.*\},"stage":"main",/);
  });

  test('sqlite has a table of real columns with names that need no quotes', async () => {
    const cwd = await runJob();
    await exported(cwd, '-o', 'out.sqlite');
    const db = new Database(join(cwd, 'out.sqlite'), { readonly: true });
    const rows = db
      .prepare(
        'SELECT custom_id, Shelf_Life, status, output_tokens + 0 AS tokens, typeof(output_tokens) AS type, text FROM results ORDER BY rowid',
      )
      .all();
    db.close();
    const results = readResults(cwd);
    expect(rows).toMatchObject([
      { custom_id: 'a', Shelf_Life: '', status: 'succeeded', type: 'integer', text: results[0]?.['text'] },
      { custom_id: 'b', Shelf_Life: '3', text: results[1]?.['text'] },
      { custom_id: 'c', Shelf_Life: '1,5', text: results[2]?.['text'] },
    ]);
    expect(rows[0]).toHaveProperty(
      'tokens',
      expect.toSatisfy((tokens) => tokens > 0),
    );
  });

  test('--template renders any text per row over the columns and the answer', async () => {
    const cwd = await runJob();
    writeFile(
      join(cwd, 'row.html'),
      '{% if index == 1 %}<ul>\n{% endif %}<li id="{{ custom_id }}">{{ thing | escape }}: {{ status }}, {{ record["Shelf Life"] | default: "-" }}, {{ text | size }}</li>\n',
    );
    const [first, second, third] = readResults(cwd).map(({ text }) => [...String(text)].length);
    const text = await exported(cwd, '--template', 'row.html');
    expect(text.split('\n')).toEqual([
      '<ul>',
      expect.stringMatching(/^<li id="a">stone, or &#34;rock&#34;: succeeded, -, \d+<\/li>$/),
      '<li id="b">two',
      expect.stringMatching(/^lines: succeeded, 3, \d+<\/li>$/),
      expect.stringMatching(/^<li id="c">größe: succeeded, 1,5, \d+<\/li>$/),
      '',
    ]);
    expect(text).toContain(`, ${third}</li>`);
    expect([first, second]).not.toContain(0);
  });
});

describe('--columns', () => {
  test('picks and orders the same columns in every format', async () => {
    const cwd = await runJob();
    const columns = ['--columns', 'output_tokens,"Shelf Life",custom_id'];
    const csv = await exported(cwd, '--format', 'csv', ...columns);
    expect(csv.split('\r\n')[0]).toBe('output_tokens,Shelf Life,custom_id');
    const list = JSON.parse(await exported(cwd, '--format', 'json', ...columns));
    expect(Object.keys(list[1])).toEqual(['output_tokens', 'Shelf Life', 'custom_id']);
    expect(list[1]).toMatchObject({ 'Shelf Life': '3', custom_id: 'b', output_tokens: expect.any(Number) });
  });

  test('an empty cell of the only column is still a row', async () => {
    const cwd = await runJob();
    const csv = await exported(cwd, '--format', 'csv', '--columns', 'Shelf Life');
    expect(csv).toBe('Shelf Life\r\n""\r\n3\r\n"1,5"\r\n');
  });

  test('one that is not there is refused with the nearest, and no file is left', async () => {
    const cwd = await runJob();
    const { code, stderr } = await runCli(['export', 'latest', '-o', 'x.csv', '--columns', 'thingg'], {
      cwd,
    });
    expect(code).toBe(2);
    expect(stderr).toContain('there is no column "thingg"; did you mean "thing"?');
    expect(readdirSync(cwd).filter((name) => name.includes('x.csv'))).toEqual([]);
  });
});

test('a column of the data keeps its name, and the field of the answer gives way visibly', async () => {
  const cwd = await runJob({
    'notes.job.yaml': JOB,
    'data.csv': 'id,thing,status,answer_status,text\na,stone,old,older,mine\n',
  });
  const { stdout, stderr } = await runCli(['export', 'latest', '--format', 'csv'], { cwd });
  expect(rowsOf(stdout)[0]).toMatchObject({
    status: 'old',
    answer_status: 'older',
    answer_answer_status: 'succeeded',
    text: 'mine',
    answer_text: readResults(cwd)[0]?.['text'],
  });
  expect(stderr).toContain(`"text" is a column of the data, so the answer's is called "answer_text"`);
  writeFile(join(cwd, 't.txt'), '{{ text }}|{{ answer_text | slice: 0, 10 }}');
  expect(await exported(cwd, '--template', 't.txt')).toBe('mine|[emulated]');
});

// CWE-1236, ASVS 1.2.10, and what such corpora hold; the last group must stay as it is.
const FORMULAS = [
  '=1+1',
  '=HYPERLINK("http://127.0.0.1/?x="&A1,"click")',
  "=cmd|' /C calc'!A0",
  '+1+1',
  '-1+1',
  "-2+3+cmd|' /C calc'!A0",
  '@SUM(1+1)',
  '\t=1+1',
  '\r=1+1',
  '\n=1+1',
  '＝1+1',
  '＋1+1',
  '－1+1',
  '＠SUM(1)',
  '-',
];
const HARMLESS = ['-5', '-0.25', '-1.5e3', '5', "'quoted", 'a=b', '#REF', ''];

describe('cells that a spreadsheet would run', () => {
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const all = [...FORMULAS, ...HARMLESS];
  const data = `id,thing,cell,=x\n${all.map((cell, index) => `r${index},stone,${quoted(cell)},1`).join('\n')}\n`;

  test('get an apostrophe before them in csv, header and data alike; plain numbers and other text stay', async () => {
    const cwd = await runJob({ 'notes.job.yaml': JOB, 'data.csv': data });
    const csv = await exported(cwd, '--format', 'csv');
    expect(rowsOf(csv).map((row) => row['cell'])).toEqual([
      ...FORMULAS.map((cell) => `'${cell}`),
      ...HARMLESS,
    ]);
    expect(csv.split('\r\n')[0]).toContain(`,'=x,`);
    const raw = await exported(cwd, '--format', 'csv', '--raw-csv');
    expect(rowsOf(raw).map((row) => row['cell'])).toEqual(all);
    const lines = (await exported(cwd, '--format', 'jsonl')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).record.cell)).toEqual(all);
  });
});

describe('rows without an answer', () => {
  test('that failed are rows with their class and message, and the code is 0', async () => {
    const cwd = await runJob(FILES, { BATCHCTL_EMULATOR_FAULTS: 'rows-errored=1' });
    const { code, stdout, stderr } = await runCli(['export', 'latest', '--format', 'csv'], { cwd });
    expect(code).toBe(0);
    expect(stderr).toContain('3 rows, 3 of them failed');
    const results = readResults(cwd);
    for (const [index, row] of rowsOf(stdout).entries()) {
      expect(row).toMatchObject({ status: 'errored', failure: results[index]?.['failure'], text: '' });
      expect(results[index]).toMatchObject({ error: { message: row['error'] } });
      expect(row['failure']).not.toBe('');
    }
  });

  test('of a job that is not final are pending, in every format', async () => {
    const cwd = makeTempDir(FILES);
    await runCli(['submit', '--use-batch', '--emulator', '--submit-only'], { cwd, env: slow });
    const { code, stdout, stderr } = await runCli(['export', 'latest', '--format', 'csv'], {
      cwd,
      env: slow,
    });
    expect(code).toBe(0);
    expect(rowsOf(stdout).map((row) => [row['id'], row['status'], row['text']])).toEqual([
      ['a', 'pending', ''],
      ['b', 'pending', ''],
      ['c', 'pending', ''],
    ]);
    expect(stderr).toMatch(/warning: job notes-\S+ is in_progress, not final/);
    const [first] = JSON.parse(await exported(cwd, '--format', 'json'));
    expect(first).toMatchObject({ status: 'pending', failure: null, text: null, output: null });
  });

  test('of a later stage that waits are pending; --stage names another stage, and the last is the default', async () => {
    const cwd = makeTempDir(TWO_STAGES);
    const built = await runCli(['build', '--emulator'], { cwd });
    expect(built.code, built.stderr).toBe(0);
    const stageOf = async (...args: readonly string[]): Promise<unknown> =>
      JSON.parse(await exported(cwd, '--format', 'jsonl', ...args));
    expect(await stageOf()).toMatchObject({ stage: 'report', status: 'pending', record: { thing: 'stone' } });
    expect(await stageOf('--stage', 'notes')).toMatchObject({ stage: 'notes', status: 'pending' });
    const wrong = await runCli(['export', 'latest', '--format', 'csv', '--stage', 'reports'], { cwd });
    expect(wrong).toMatchObject({ code: 2, stdout: '' });
    expect(wrong.stderr).toContain('has no stage reports; did you mean "report"?');
  });
});

describe('-o', () => {
  test('names the format, is relative to the folder, replaces an earlier export, leaves nothing else behind', async () => {
    const cwd = await runJob();
    writeFile(join(cwd, 'out.csv'), 'old');
    const { code, stdout, stderr } = await runCli(['export', 'latest', '-o', 'out.csv', '--bom'], { cwd });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toContain('out.csv: 3 rows');
    const csv = readFileSync(join(cwd, 'out.csv'), 'utf8');
    expect(csv).toBe(`\uFEFF${await exported(cwd, '--format', 'csv')}`);
    await exported(cwd, '-o', 'out.db');
    await exported(cwd, '-o', 'out.db');
    expect(readdirSync(cwd).filter((name) => name.includes('partial'))).toEqual([]);
  });

  test('with --json tells what was written', async () => {
    const cwd = await runJob();
    const document = JSON.parse(await exported(cwd, '-o', 'out.jsonl', '--json'));
    expect(document).toMatchObject({
      stage: 'main',
      format: 'jsonl',
      rows: 3,
      failed: 0,
      pending: 0,
      columns: null,
    });
    expect(statSync(document.file).size).toBeGreaterThan(0);
  });

  test('replaces no database that is not an export', async () => {
    const cwd = await runJob();
    const mine = new Database(join(cwd, 'mine.db'));
    mine.exec('CREATE TABLE precious (x)');
    mine.close();
    const { code, stderr } = await runCli(['export', 'latest', '-o', 'mine.db'], { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain('is not an export, so it is not replaced');
    const kept = new Database(join(cwd, 'mine.db'), { readonly: true });
    expect(kept.prepare('SELECT count(*) FROM precious').pluck().get()).toBe(0);
    kept.close();
  });

  test('of a private job can be read by nobody else', async () => {
    const cwd = await runJob({ ...FILES, 'notes.job.yaml': `${JOB}private: true\n` });
    for (const name of ['out.csv', 'out.db']) {
      await exported(cwd, '-o', name);
      expect(statSync(join(cwd, name)).mode & 0o077, name).toBe(0);
    }
  });

  test('a full disk leaves with 6, for a file and for stdout', async () => {
    const cwd = await runJob();
    const file = await runCli(['export', 'latest', '--format', 'csv', '-o', '/dev/full'], { cwd });
    expect(file.code).toBe(6);
    expect(file.stderr).toContain('there is no room');
    const shell = `"${process.execPath}" "${BIN}" export latest --format jsonl > /dev/full`;
    const stdout = spawnSync(shell, { cwd, shell: true, encoding: 'utf8' });
    expect(stdout.status).toBe(6);
    expect(stdout.stderr).toContain('the disk is full');
  });

  test('a reader that goes is no error', async () => {
    const rows = Array.from({ length: 2_000 }, (_, index) => `r${index},${'stone '.repeat(50)}`);
    const cwd = await runJob({ 'notes.job.yaml': JOB, 'data.csv': `id,thing\n${rows.join('\n')}\n` });
    for (const format of ['csv', 'json', 'jsonl']) {
      const program = `"${process.execPath}" "${BIN}" export latest --format ${format}`;
      const { stdout, stderr, status } = spawnSync(`(${program}; echo "left with $?" >&2) | head -n 1`, {
        cwd,
        shell: true,
        encoding: 'utf8',
      });
      expect(stdout.split('\n')).toHaveLength(2);
      expect({ status, stderr }).toEqual({ status: 0, stderr: 'left with 0\n' });
    }
  });
});

describe('flags that do not go together leave with 2 and write nothing', () => {
  test.each([
    [[], 'which format is not said'],
    [['--format', 'xml'], 'xml'],
    [['--format', 'sqlite'], 'a database cannot go to stdout'],
    [['--format', 'sqlite', '-o', '-'], 'a database cannot go to stdout'],
    [['--format', 'json', '--raw-csv'], '--format json and --raw-csv do not go together'],
    [['--format', 'jsonl', '--bom'], '--format jsonl and --bom do not go together'],
    [['--template', 't.txt', '--format', 'csv'], '--template and --format do not go together'],
    [['--template', 't.txt', '--columns', 'id'], '--template and --columns do not go together'],
    [['--template', 'none.txt'], 'the template none.txt cannot be read'],
    [['--template', 'bad.txt'], 'bad.txt is not a template that can be read'],
    [['--format', 'csv', '--json'], 'goes to stdout'],
    [['--format', 'csv', '--columns', 'a,'], 'a name is empty'],
    [['--format', 'csv', '--columns', 'a,a'], '"a" is named twice'],
    [['-o', 'none/out.csv'], 'none is not a folder'],
    [['-o', '.', '--format', 'csv'], 'is a folder'],
  ])('%j', async (args, message) => {
    const cwd = makeTempDir({ ...FILES, 't.txt': '{{ id }}', 'bad.txt': '{% nonsense %}' });
    await runCli(['build', '--emulator'], { cwd });
    const { code, stdout, stderr } = await runCli(['export', 'latest', ...args], { cwd });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});

test('a template that fails for a row names it, and the file that was there stays as it was', async () => {
  const cwd = await runJob({ ...FILES, 't.txt': '{% if id == "c" %}{{ missing }}{% endif %}' });
  writeFileSync(join(cwd, 'x.txt'), 'old');
  const { code, stderr } = await runCli(['export', 'latest', '--template', 't.txt', '-o', 'x.txt'], { cwd });
  expect(code).toBe(2);
  expect(stderr).toContain('t.txt cannot be rendered for c');
  expect(readFileSync(join(cwd, 'x.txt'), 'utf8')).toBe('old');
  expect(readdirSync(cwd).filter((name) => name.includes('partial'))).toEqual([]);
});

test('a structured answer has a column for each of its fields', async () => {
  const schema =
    'schema: { type: object, properties: { title: { type: string }, tags: { type: array, items: { type: string } } }, required: [title, tags], additionalProperties: false }\n';
  const cwd = await runJob({ ...FILES, 'notes.job.yaml': JOB + schema });
  const results = readResults(cwd);
  for (const [index, row] of rowsOf(await exported(cwd, '--format', 'csv')).entries()) {
    const { title, tags } = Object(results[index]?.['json']);
    expect(row['json.title']).toBe(title);
    expect(JSON.parse(row['json.tags'] ?? '')).toEqual(tags);
  }
  writeFileSync(join(cwd, 't.txt'), '{{ json.title }}\n');
  const titles = results.map((row) => `${Object(row['json']).title}\n`);
  expect(await exported(cwd, '--template', 't.txt')).toBe(titles.join(''));
});

test('rows that are held because their need failed say so', async () => {
  const cwd = await runJob(TWO_STAGES, { BATCHCTL_EMULATOR_FAULTS: 'rows-errored=1' });
  const [row] = rowsOf(await exported(cwd, '--format', 'csv'));
  expect(row).toMatchObject({ thing: 'stone', status: 'held', failure: 'held', text: '' });
  expect(row?.['error']).toContain('notes');
});
