import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { job, type Maker, write } from './make-workspace.ts';

/** A database of 2,000 rows in some thirty pages, and a job that asks it that. */
function ask(query: string): Maker {
  return (root) => {
    const database = new Database(join(root, 'data.db'));
    database.exec(
      "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, team TEXT, face BLOB); INSERT INTO people VALUES (1, 'Ada', 'a', x'00ff')",
    );
    database.exec(
      `WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO people SELECT i, 'name ' || i || hex(zeroblob(20)), 'b', NULL FROM n`,
    );
    database.close();
    write(root, job(`sqlite: {file: data.db, query: ${JSON.stringify(query)}}`));
  };
}

/** The same with bytes of the file changed. */
function damaged(change: (bytes: Buffer) => Uint8Array, query = 'SELECT id, name FROM people'): Maker {
  return (root) => {
    ask(query)(root);
    write(root, { 'data.db': change(readFileSync(join(root, 'data.db'))) });
  };
}

const PARQUET = fileURLToPath(new URL('../sources/data/groups-none.parquet', import.meta.url));

function parquet(change: (bytes: Buffer) => Uint8Array, source = 'parquet: data.parquet'): Maker {
  return (root) => {
    copyFileSync(PARQUET, join(root, 'data.parquet'));
    write(root, { 'data.parquet': change(readFileSync(PARQUET)), ...job(source) });
  };
}

const filled = (bytes: Buffer, from: number, to: number, value: number): Buffer =>
  Buffer.from(bytes).fill(value, from, to);

/** SQLite and Parquet files that are damaged or no such files, and queries that no source may run. */
export const DATABASES: Readonly<Record<string, Maker>> = {
  'sqlite-text': (root) =>
    write(root, {
      'data.db': 'name\nAda\n'.repeat(100),
      ...job('sqlite: {file: data.db, query: SELECT 1 AS name}'),
    }),
  'sqlite-empty-file': (root) =>
    write(root, { 'data.db': '', ...job('sqlite: {file: data.db, query: SELECT name FROM people}') }),
  'sqlite-head-only': damaged((bytes) => bytes.subarray(0, 100)),
  'sqlite-cut': damaged((bytes) => bytes.subarray(0, bytes.length / 2)),
  'sqlite-page-of-zeros': damaged((bytes) => filled(bytes, 8 * 4096, 9 * 4096, 0)),
  'sqlite-page-of-ones': damaged((bytes) => filled(bytes, 4096, 5 * 4096, 0xff)),
  'sqlite-schema-damaged': damaged((bytes) => filled(bytes, 100, 600, 0xff)),
  'sqlite-encrypted': damaged((bytes) =>
    Buffer.from(bytes.map((byte, index) => byte ^ ((index * 131 + 7) & 0xff))),
  ),
  'sqlite-deletes': ask('DELETE FROM people'),
  'sqlite-deletes-returning': ask('DELETE FROM people RETURNING name'),
  'sqlite-drops-after': ask('SELECT name FROM people; DROP TABLE people'),
  'sqlite-attaches': ask("ATTACH '../secret.db' AS secret"),
  'sqlite-vacuums-into': ask("VACUUM INTO '../stolen.db'"),
  'sqlite-pragma-writes': ask('PRAGMA user_version = 5'),
  'sqlite-loads-extension': ask("SELECT load_extension('/tmp/evil') AS name"),
  'sqlite-writes-file': ask("SELECT writefile('/tmp/evil', 'x') AS name"),
  'sqlite-syntax': ask('SELEKT name FROM people'),
  'sqlite-no-table': ask('SELECT name FROM persons'),
  'sqlite-parameter': ask('SELECT name FROM people WHERE id = ?'),
  'sqlite-column-twice': ask('SELECT name, team AS name FROM people'),
  'sqlite-no-rows': ask('SELECT name FROM people WHERE 0'),
  'sqlite-blob': ask('SELECT name, face FROM people LIMIT 1'),
  'sqlite-ids-twice': ask('SELECT team AS id, name FROM people LIMIT 3'),
  'sqlite-empty-query': ask(' '),
  'parquet-text': (root) =>
    write(root, { 'data.parquet': 'name\nAda\n'.repeat(100), ...job('parquet: data.parquet') }),
  'parquet-empty-file': parquet(() => Buffer.alloc(0)),
  'parquet-marks-only': parquet(() => Buffer.from('PAR1PAR1')),
  'parquet-cut': parquet((bytes) => bytes.subarray(0, bytes.length - 20)),
  'parquet-footer-huge': parquet((bytes) => {
    const changed = Buffer.from(bytes);
    changed.writeUInt32LE(0xfffffff0, bytes.length - 8);
    return changed;
  }),
  'parquet-footer-damaged': parquet((bytes) => filled(bytes, bytes.length - 80, bytes.length - 8, 0xff)),
  'parquet-page-damaged': parquet((bytes) => filled(bytes, 4, 60, 0xff)),
  'parquet-no-column': parquet((bytes) => bytes, 'parquet: {file: data.parquet, columns: [nmae]}'),
};
