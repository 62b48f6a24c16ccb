import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { runCli } from '../support/run-cli.ts';
import { makeTempDir, writeFile } from '../support/temp-dir.ts';

type Params = {
  readonly model: string;
  readonly max_tokens: number;
  readonly messages: readonly { content: string }[];
};

/** The job file that init wrote, and the first requests as a dry run renders them; both must leave with 0. */
async function initAndPlan(cwd: string, from: string, ...args: readonly string[]) {
  const init = await runCli(['init', '--from', from, ...args, '--json'], { cwd });
  expect(init.code, init.stderr).toBe(0);
  const { written } = JSON.parse(init.stdout) as { written: string[] };
  const job = written.find((path) => path.endsWith('.job.yaml')) ?? '';
  const plan = await runCli(['plan', job, '--first', '3', '--json'], { cwd });
  expect(plan.code, plan.stderr).toBe(0);
  const { first, requests } = JSON.parse(plan.stdout) as {
    requests: number;
    first: readonly { custom_id: string; params: Params }[];
  };
  return {
    job,
    yaml: readFileSync(join(cwd, job), 'utf8'),
    requests,
    ids: first.map(({ custom_id }) => custom_id),
    prompts: first.map(({ params }) => String(params.messages[0]?.content)),
  };
}

describe('init --from writes a job file that runs as it is', () => {
  test('over a CSV: ids from the column id, a prompt that shows every column, comments that explain', async () => {
    const cwd = makeTempDir({ 'products.csv': 'id,name,Shelf Life\nA-1,Tea,3 years\nA-2,"Salt, fine",\n' });
    const { job, yaml, ids, prompts } = await initAndPlan(cwd, 'products.csv');
    expect(job).toBe('products.job.yaml');
    expect(ids).toEqual(['A-1', 'A-2']);
    expect(prompts[1]).toContain('id: A-2\nname: Salt, fine\nShelf Life: ');
    expect(yaml).toContain('csv: products.csv');
    expect(yaml).toMatch(/^# .*batchctl export products -o/m);
    expect(yaml).toContain('# The message of each record. Change its first line');

    const done = await runCli(['submit', job, '--use-batch', '--emulator', '--json'], { cwd });
    expect(JSON.parse(done.stdout)).toMatchObject({ name: 'products', state: 'done', succeeded: 2 });
  });

  test('--prompt-column makes a column the message, whatever it is called', async () => {
    const names = [
      'q',
      'IMDB Rating',
      'a"b',
      "it's",
      'größe',
      'and',
      'empty',
      'record',
      '{{x}}',
      '{% raw',
      'a}}b',
      'size',
      '1st',
    ];
    const header = names.map((name) => `"${name.replaceAll('"', '""')}"`).join(',');
    const values = names.map((_, index) => `value ${index}`).join(',');
    for (const name of ['IMDB Rating', 'a"b', 'and', '{{x}}']) {
      const cwd = makeTempDir({ 'd.csv': `${header}\n${values}\n` });
      const { prompts } = await initAndPlan(cwd, 'd.csv', '--prompt-column', name);
      expect(prompts, name).toEqual([`value ${names.indexOf(name)}`]);
    }
    const cwd = makeTempDir({ 'd.csv': `${header}\n${values}\n` });
    const { prompts } = await initAndPlan(cwd, 'd.csv');
    for (const [index] of names.entries()) expect(prompts[0]).toContain(`: value ${index}`);
  }, 120_000);

  test('a --prompt-column that is not there is refused with the nearest, and nothing is written', async () => {
    const cwd = makeTempDir({ 'd.csv': 'question\nwhy\n' });
    const { code, stderr } = await runCli(['init', '--from', 'd.csv', '--prompt-column', 'qestion'], { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain('the data has no column "qestion"; did you mean "question"?');
    expect(readdirSync(cwd)).toEqual(['d.csv']);
  });

  test('over text, by line where no blank lines stand between paragraphs, and by paragraph where they do', async () => {
    const list = await initAndPlan(makeTempDir({ 'list.txt': 'one\ntwo\nthree\n' }), 'list.txt');
    expect(list).toMatchObject({ requests: 3, ids: ['row-1', 'row-2', 'row-3'] });
    expect(list.yaml).toContain('Each line is a record');
    expect(list.prompts[0]).toMatch(/\n\none\n?$/);
    const notes = await initAndPlan(makeTempDir({ 'notes.txt': 'one\ntwo\n\nthree\nfour\n' }), 'notes.txt');
    expect(notes.requests).toBe(2);
    expect(notes.yaml).toContain('Each paragraph is a record');
    expect(notes.prompts[1]).toContain('three\nfour');
    const stray = `${'item\n'.repeat(50)}\n${'item\n'.repeat(50)}`;
    expect(await initAndPlan(makeTempDir({ 'stray.txt': stray }), 'stray.txt')).toMatchObject({
      requests: 100,
    });
  });

  test('which of the two was chosen is said', async () => {
    const cwd = makeTempDir({ 'notes.txt': 'one\n\ntwo\n' });
    const { stderr } = await runCli(['init', '--from', 'notes.txt'], { cwd });
    expect(stderr).toContain('notes.txt: each paragraph is a record');
    expect(stderr).toContain('batchctl submit notes.job.yaml --use-batch --emulator');
  });

  test.each([
    ['a list', '[{"id":1,"q":"x"},{"id":2,"q":"y"}]', 2],
    ['items', '{"items":[{"id":1,"q":"x"},{"id":2,"q":"y"}]}', 2],
    ['one object', '{"id":1,"q":"x"}', 1],
  ])('over JSON: %s', async (_, json, requests) => {
    const found = await initAndPlan(
      makeTempDir({ 'items.json': json }),
      'items.json',
      '--prompt-column',
      'q',
    );
    expect(found).toMatchObject({ requests, prompts: requests === 2 ? ['x', 'y'] : ['x'] });
    expect(found.ids[0]).toBe('1');
  });

  test('over JSONL whose records differ in their columns', async () => {
    const cwd = makeTempDir({ 'rows.jsonl': '{"a":1}\n{"a":2,"b":{"c":[3]}}\n' });
    const { prompts } = await initAndPlan(cwd, 'rows.jsonl');
    expect(prompts[0]).toContain('a: 1\nb: ');
    expect(prompts[1]).toContain('a: 2\nb: {"c":[3]}');
  });

  test('over ready-made requests, which are sent as they stand', async () => {
    const params = { model: 'claude-haiku-5-5', max_tokens: 5, messages: [{ role: 'user', content: 'x' }] };
    const cwd = makeTempDir({ 'ready.jsonl': `${JSON.stringify({ custom_id: 'r', params })}\n` });
    expect(await initAndPlan(cwd, 'ready.jsonl')).toMatchObject({ ids: ['r'], prompts: ['x'] });
  });

  test('over a CSV with semicolons, one with tabs, and a compressed one', async () => {
    const cwd = makeTempDir({ 'semi.csv': 'id;q\n1;x\n', 'tabs.tsv': 'id\tq\n1\tx\n' });
    writeFileSync(join(cwd, 'packed.csv.gz'), gzipSync('id,q\n1,x\n'));
    for (const file of ['semi.csv', 'tabs.tsv', 'packed.csv.gz']) {
      expect((await initAndPlan(cwd, file, '--prompt-column', 'q')).prompts, file).toEqual(['x']);
    }
  });

  test('over the first table of a SQLite file, the others being named', async () => {
    const cwd = makeTempDir();
    const db = new Database(join(cwd, 'shop.sqlite'));
    db.exec(
      `CREATE TABLE "the items" (id INTEGER, q TEXT); CREATE TABLE other (z); INSERT INTO "the items" VALUES (7, 'x')`,
    );
    db.close();
    const { ids, prompts, yaml } = await initAndPlan(cwd, 'shop.sqlite', '--prompt-column', 'q');
    expect({ ids, prompts }).toEqual({ ids: ['7'], prompts: ['x'] });
    expect(yaml).toContain('there are also other');
  });

  test('over a Parquet file', async () => {
    const cwd = makeTempDir();
    const data = fileURLToPath(new URL('../sources/data/groups-none.parquet', import.meta.url));
    copyFileSync(data, join(cwd, 'table.parquet'));
    const { prompts, yaml } = await initAndPlan(cwd, 'table.parquet');
    const [, columns = ''] = /Its columns: (.*)\.$/m.exec(yaml) ?? [];
    expect(columns.split(', ').length).toBeGreaterThan(0);
    for (const column of columns.split(', ')) expect(prompts[0]).toContain(`${column}: `);
  });

  test('over a folder of texts, ids from the names of the files', async () => {
    const cwd = makeTempDir({ 'texts/a.md': 'alpha', 'texts/b.md': 'beta', 'texts/cover.png': 'x' });
    const { ids, prompts } = await initAndPlan(cwd, 'texts');
    expect(ids).toEqual(['a', 'b']);
    expect(prompts[1]).toContain('beta');
  });

  test('in a folder of the workspace, with the path from there', async () => {
    const cwd = makeTempDir({ 'data/d.csv': 'q\nx\n' });
    writeFile(join(cwd, '.batchctl/.keep'), '');
    const { code, stdout } = await runCli(['init', 'jobs', '--from', 'data/d.csv', '--json'], { cwd });
    expect(code).toBe(0);
    expect(JSON.parse(stdout).written).toContain('d.job.yaml');
    expect(readFileSync(join(cwd, 'jobs/d.job.yaml'), 'utf8')).toContain('csv: ../data/d.csv');
    expect(await runCli(['plan', 'jobs/d.job.yaml'], { cwd })).toMatchObject({ code: 0 });
  });

  test('and changes none that is there', async () => {
    const cwd = makeTempDir({ 'd.csv': 'q\nx\n', 'd.job.yaml': 'mine' });
    const { code, stderr } = await runCli(['init', '--from', 'd.csv'], { cwd });
    expect(code).toBe(0);
    expect(stderr).toContain('left as they were: d.job.yaml');
    expect(readFileSync(join(cwd, 'd.job.yaml'), 'utf8')).toBe('mine');
  });
});

describe('data that cannot be read', () => {
  test.each([
    ['none.csv', 'there is no such file'],
    ['broken.json', 'broken.json:1: not valid JSON'],
    ['empty.csv', 'there is no record in it'],
    ['twice.csv', 'two columns of the header are called "a"'],
    ['ragged.csv', 'ragged.csv:2: the row has 1 value'],
    ['what.xyz', 'init does not know what kind of data what.xyz is'],
    ['-', '--from takes a file'],
  ])('%s is told in the words of its source, with 2, and nothing is written', async (file, message) => {
    const files = {
      'broken.json': '{"a":',
      'empty.csv': 'a,b\n',
      'twice.csv': 'a,a\n1,2\n',
      'ragged.csv': 'a,b\n1\n',
      'what.xyz': 'x',
    };
    const cwd = makeTempDir(files);
    const { code, stdout, stderr } = await runCli(['init', '--from', file], { cwd });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(readdirSync(cwd).sort()).toEqual(Object.keys(files).sort());
  });

  test('outside the folder of the job is refused, because a job reads nothing out there', async () => {
    const cwd = makeTempDir({ 'd.csv': 'q\nx\n' });
    const { code, stderr } = await runCli(['init', 'sub', '--from', 'd.csv'], { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain('outside the workspace');
  });

  test('in some of its records is said, and the job file is written', async () => {
    const cwd = makeTempDir({ 'd.csv': 'a,b\n1,2\n3\n' });
    const { code, stderr } = await runCli(['init', '--from', 'd.csv'], { cwd });
    expect(code).toBe(0);
    expect(stderr).toContain('1 record cannot be read, and no job is built with such: d.csv:3:');
    expect(readdirSync(cwd)).toContain('d.job.yaml');
  });
});

describe('--example', () => {
  const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));
  const names = readdirSync(EXAMPLES, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);

  test.each(names)('%s copies what stands in its folder, and its job can be planned', async (name) => {
    const cwd = makeTempDir();
    const { code, stdout } = await runCli(['init', 'there', '--example', name, '--json'], { cwd });
    expect(code).toBe(0);
    const { written } = JSON.parse(stdout) as { written: string[] };
    expect(written).toContain('README.md');
    const plan = await runCli(['plan'], { cwd: join(cwd, 'there') });
    expect(plan.code, plan.stderr).toBe(0);
    for (const path of written.filter((one) => !/^(?:\.gitignore|batch_re\w+\/README\.md)$/.test(one)))
      expect(readFileSync(join(cwd, 'there', path))).toEqual(readFileSync(join(EXAMPLES, name, path)));
  });

  test('without a name, or with one that there is not, lists each with a sentence', async () => {
    const cwd = makeTempDir();
    const listed = await runCli(['init', '--example'], { cwd });
    expect(listed.code).toBe(0);
    const wrong = await runCli(['init', '--example', 'nope'], { cwd });
    expect(wrong.code).toBe(2);
    for (const name of names) {
      expect(listed.stdout).toMatch(new RegExp(`^${name} +\\S.*$`, 'm'));
      expect(wrong.stderr).toMatch(new RegExp(`${name} +\\S.*$`, 'm'));
    }
    expect(readdirSync(cwd)).toEqual([]);
  });

  test.each([
    [['--from', 'd.csv', '--example', 'product-copy'], '--from and --example do not go together'],
    [['--prompt-column', 'q'], '--prompt-column names a column of the data'],
  ])('%j leaves with 2', async (args, message) => {
    const { code, stderr } = await runCli(['init', ...args], { cwd: makeTempDir() });
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});
