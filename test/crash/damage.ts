import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import Database from 'better-sqlite3';
import { type Seeded, seeded } from '../support/seeded.ts';

/** What became of a store: `damage` gets the path of `state.db`, beside which are its hot `-wal` and its `-shm`. */
export interface Damage {
  readonly what: string;
  readonly damage: (path: string, random: Seeded) => void;
}

const PAGE = 4096;

/** Changes bytes in place: the file stays the same one, as on a failing disk. */
function overwrite(path: string, offset: number, bytes: Uint8Array): void {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, offset);
  closeSync(file);
}

function flipBit(path: string, offset: number, random: Seeded): void {
  const byte = readFileSync(path)[offset] ?? 0;
  overwrite(path, offset, Uint8Array.of(byte ^ (1 << random.between(0, 8))));
}

/** Puts all that the log holds into the file, so that damage to its pages is seen. */
function checkpoint(path: string): void {
  const db = new Database(path);
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
}

function alter(path: string, ...statements: readonly string[]): void {
  const db = new Database(path);
  // Off by default in better-sqlite3: the schema may only be broken on purpose.
  db.unsafeMode();
  db.pragma('ignore_check_constraints = ON');
  db.pragma('foreign_keys = OFF');
  db.pragma('writable_schema = ON');
  for (const sql of statements) db.exec(sql);
  db.close();
}

/** Its tree is another, empty one: every entry is lost. */
function emptyIndex(path: string, index: string, table: string, column: string): void {
  alter(
    path,
    `CREATE INDEX stand_in ON ${table} (${column}) WHERE 0`,
    `UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'stand_in') WHERE name = '${index}'`,
    "DELETE FROM sqlite_schema WHERE name = 'stand_in'",
  );
}

const pagesOf = (path: string): number => Math.floor(statSync(path).size / PAGE);

const headerBits = [18, 20, 28, 47, 71].map((offset) => ({
  what: `a bit of header byte ${offset} is flipped`,
  damage: (path: string, random: Seeded) => {
    checkpoint(path);
    flipBit(path, offset, random);
  },
}));

const pageBits = Array.from({ length: 5 }, (_, n) => ({
  what: `bits all over the pages are flipped, ${n + 1}`,
  damage: (path: string, random: Seeded) => {
    checkpoint(path);
    for (let flips = 0; flips < 40; flips += 1)
      flipBit(path, random.between(100, statSync(path).size), random);
  },
}));

const cuts = [0.1, 0.5, 0.9].map((share) => ({
  what: `it is cut to ${share * 100} per cent`,
  damage: (path: string) => {
    checkpoint(path);
    truncateSync(path, Math.floor(statSync(path).size * share));
  },
}));

/** At least thirty; the same at each run. */
export const DAMAGES: readonly Damage[] = [
  ...headerBits,
  ...pageBits,
  ...cuts,
  {
    what: 'the page of the schema is zeros',
    damage: (path) => {
      checkpoint(path);
      overwrite(path, 100, new Uint8Array(PAGE - 100));
    },
  },
  {
    what: 'a page in the middle is zeros',
    damage: (path, random) => {
      checkpoint(path);
      overwrite(path, random.between(2, pagesOf(path)) * PAGE, new Uint8Array(PAGE));
    },
  },
  {
    what: 'two pages changed places',
    damage: (path, random) => {
      checkpoint(path);
      const bytes = readFileSync(path);
      const one = random.between(2, pagesOf(path) - 1) * PAGE;
      overwrite(path, one, bytes.subarray(one + PAGE, one + 2 * PAGE));
      overwrite(path, one + PAGE, bytes.subarray(one, one + PAGE));
    },
  },
  { what: 'it has no bytes and no log', damage: (path) => emptied(path) },
  {
    what: 'it is garbage',
    damage: (path) => {
      const noise = createHash('shake256', { outputLength: 3 * PAGE })
        .update('noise')
        .digest();
      emptied(path);
      writeFileSync(path, noise);
    },
  },
  {
    what: 'it is a text file',
    damage: (path) => {
      emptied(path);
      writeFileSync(path, 'name: words\n'.repeat(500));
    },
  },
  {
    what: 'it is a folder',
    damage: (path) => {
      emptied(path);
      rmSync(path);
      mkdirSync(path);
    },
  },
  {
    what: 'it is gone and its log is not',
    damage: (path) => rmSync(path),
  },
  { what: 'its hot log is gone', damage: (path) => rmSync(`${path}-wal`) },
  {
    what: 'its hot log is cut in half',
    damage: (path) => truncateSync(`${path}-wal`, Math.floor(statSync(`${path}-wal`).size / 2)),
  },
  {
    what: 'its hot log has a flipped bit',
    damage: (path, random) =>
      flipBit(`${path}-wal`, random.between(32, statSync(`${path}-wal`).size), random),
  },
  {
    what: 'its log is another database’s',
    damage: (path) => {
      const other = new Database(`${path}.other`);
      other.pragma('journal_mode = WAL');
      other.exec('CREATE TABLE recipes (id INTEGER PRIMARY KEY, text TEXT)');
      for (let n = 0; n < 50; n += 1)
        other.prepare('INSERT INTO recipes (text) VALUES (?)').run('salt '.repeat(100));
      writeFileSync(`${path}-wal`, readFileSync(`${path}.other-wal`));
      other.close();
    },
  },
  {
    what: 'its shared memory is another’s',
    damage: (path) => writeFileSync(`${path}-shm`, new Uint8Array(32_768).fill(7)),
  },
  {
    what: 'its shared memory is cut to nothing',
    damage: (path) => writeFileSync(`${path}-shm`, ''),
  },
  {
    what: 'a rollback journal lies beside it',
    damage: (path) => {
      checkpoint(path);
      writeFileSync(
        `${path}-journal`,
        Buffer.concat([Buffer.from('d9d505f920a163d7', 'hex'), Buffer.alloc(600, 1)]),
      );
    },
  },
  {
    what: 'its application id is another’s',
    damage: (path) => alter(path, 'PRAGMA application_id = 252006673'),
  },
  {
    what: 'the index of live submissions has lost its entries',
    damage: (path) => emptyIndex(path, 'one_live_submission', 'submissions', 'shard_id'),
  },
  {
    what: 'the index of unsettled submissions has lost its entries',
    damage: (path) => emptyIndex(path, 'unsettled_submissions', 'submissions', 'state'),
  },
  {
    what: 'the table of submissions is gone from the schema',
    damage: (path) => alter(path, "DELETE FROM sqlite_schema WHERE tbl_name = 'submissions'"),
  },
  {
    what: 'the index of jobs by name is gone',
    damage: (path) => alter(path, "DELETE FROM sqlite_schema WHERE name = 'jobs_by_name'"),
  },
  {
    what: 'a column is gone from the table of shards',
    damage: (path) =>
      alter(
        path,
        "UPDATE sqlite_schema SET sql = replace(sql, 'nonce TEXT', 'noise TEXT') WHERE name = 'shards'",
      ),
  },
  {
    what: 'the specs of its jobs are no JSON',
    damage: (path) => alter(path, "UPDATE jobs SET spec_json = '{\"a'"),
  },
  {
    what: 'the specs of its jobs are other JSON',
    damage: (path) => alter(path, "UPDATE jobs SET spec_json = '[1,2]'"),
  },
  {
    what: 'a fence is no JSON',
    damage: (path) => alter(path, "UPDATE submissions SET fence_json = 'fence'"),
  },
  {
    what: 'states are words that nobody knows',
    damage: (path) => alter(path, "UPDATE submissions SET state = 'lost in the post'"),
  },
  {
    what: 'job states are words that nobody knows',
    damage: (path) => alter(path, "UPDATE jobs SET state = 'on holiday'"),
  },
  {
    what: 'times are no times',
    damage: (path) => alter(path, "UPDATE submissions SET sealed_at = 'teatime' WHERE sealed_at IS NOT NULL"),
  },
  { what: 'shards have no stage', damage: (path) => alter(path, 'UPDATE shards SET stage_id = 99') },
  { what: 'it has no identity', damage: (path) => alter(path, 'DELETE FROM identity') },
  {
    what: 'it says that no migration was ever applied',
    damage: (path) => alter(path, 'PRAGMA user_version = 0'),
  },
  {
    what: 'it says that it is of the second schema',
    damage: (path) => alter(path, 'PRAGMA user_version = 2'),
  },
];

function emptied(path: string): void {
  for (const suffix of ['-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
  if (existsSync(path)) truncateSync(path, 0);
}

export function inflict(index: number, path: string): void {
  DAMAGES[index]?.damage(path, seeded(index + 1));
}
