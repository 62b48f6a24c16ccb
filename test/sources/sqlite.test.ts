import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { openSource } from '../../src/sources/open-source.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { readFields, readSource, sourceOf } from './read-source.ts';

function makeDatabase(sql: string): string {
  const root = makeTempDir();
  const database = new Database(join(root, 'd.db'));
  database.exec(sql);
  database.close();
  return root;
}

const query = (text: string): ReturnType<typeof sourceOf> =>
  sourceOf({ sqlite: { file: 'd.db', query: text } });

test('a row is a record, its values those of the database', async () => {
  const root = makeDatabase(`
    CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, price REAL, "IMDB Rating" ANY);
    INSERT INTO t VALUES (1, 'Ada', 0.1, NULL), (2, 'ü''😀', -1e300, 9007199254740993), (3, '', 9e999, -9223372036854775808);
  `);
  expect(await readFields(root, query('SELECT * FROM t ORDER BY id'))).toEqual([
    { id: 1, name: 'Ada', price: 0.1, 'IMDB Rating': null },
    { id: 2, name: "ü'😀", price: -1e300, 'IMDB Rating': '9007199254740993' },
    { id: 3, name: '', price: 'Infinity', 'IMDB Rating': '-9223372036854775808' },
  ]);
});

test('columns called __proto__ and constructor are plain data', async () => {
  const root = makeDatabase('');
  const [fields] = await readFields(root, query('SELECT 1 AS __proto__, 2 AS constructor'));
  expect(Object.entries(fields ?? {})).toEqual([
    ['__proto__', 1],
    ['constructor', 2],
  ]);
});

test('a BLOB is a problem of its record and says what to do', async () => {
  const root = makeDatabase("CREATE TABLE t (a); INSERT INTO t VALUES ('x'), (x'ff00'), ('z')");
  const items = await readSource(root, query('SELECT a FROM t'));
  expect(items.map((item) => item.kind)).toEqual(['record', 'problem', 'record']);
  expect(items[1]).toMatchObject({
    problem: 'the value of "a" is bytes, not text; select hex(column) or CAST(column AS TEXT) instead',
    at: { file: 'd.db (row 2)', line: null },
  });
});

test.each([
  ['DELETE FROM t', 'does more than read'],
  ['INSERT INTO t VALUES (9) RETURNING *', 'does more than read'],
  ["ATTACH 'other.db' AS o", 'does more than read'],
  ["VACUUM INTO 'copy.db'", 'does more than read'],
  ['SELECT 1; DELETE FROM t', 'more than one statement'],
  ['SELECT zzz FROM t', 'no such column: zzz'],
  ['SELECT * FROM missing', 'no such table: missing'],
  ['SELEC 1', 'syntax error'],
  ['', 'contains no statements'],
  ['SELECT ?', 'Too few parameter values'],
  ["SELECT load_extension('x')", 'not authorized'],
  ['SELECT 1 AS a, 2 AS a', 'two columns of the query are called "a"'],
])('the query %s is refused and nothing changes', async (text, says) => {
  const root = makeDatabase('CREATE TABLE t (a); INSERT INTO t VALUES (1)');
  const before = readFileSync(join(root, 'd.db'));
  await expect(readSource(root, { kind: 'sqlite', path: 'd.db', query: text })).rejects.toMatchObject({
    code: 'sqlite_query',
    message: expect.stringContaining(says),
  });
  expect(readFileSync(join(root, 'd.db'))).toEqual(before);
});

test('100,000 rows come in chunks that other work gets between, and reading stops when it is told to', async () => {
  const root = makeDatabase('');
  const endless = query('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n');
  const controller = new AbortController();
  let rows = 0;
  let turns = 0;
  let chunks = 0;
  const read = async (): Promise<void> => {
    for await (const chunk of openSource(endless, { root, dir: '' }).items(controller.signal)) {
      rows += chunk.length;
      expect(chunk.length).toBeLessThanOrEqual(1000);
      expect(turns).toBe(chunks);
      chunks += 1;
      setImmediate(() => {
        turns += 1;
      });
      if (rows === 100_000) controller.abort(new Error('stopped'));
    }
  };
  await expect(read()).rejects.toThrow('stopped');
  expect(rows).toBe(100_000);
});

test('a database that another program has open in WAL mode is read as it is', async () => {
  const root = makeTempDir();
  const database = new Database(join(root, 'd.db'));
  database.pragma('journal_mode = WAL');
  database.exec('CREATE TABLE t (a); INSERT INTO t VALUES (1)');
  try {
    expect(await readFields(root, query('SELECT a FROM t'))).toEqual([{ a: 1 }]);
  } finally {
    database.close();
  }
});
