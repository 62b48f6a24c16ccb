import type { Database, Statement } from 'better-sqlite3';
import { inputFailure } from '../core/input-failure.ts';
import type { Location, RecordSource, SourceItem } from '../core/record.ts';
import type { SqliteSource } from '../core/source.ts';
import { inChunks, type SizedItem } from './item-chunks.ts';
import { PlainValueError, toPlainFields } from './plain-value.ts';
import { confine, openRegular, type SourcePlace } from './source-path.ts';

/** `source: {sqlite: {file, query}}`: a record a row of one SELECT, read as one state of the database. */
export function openSqlite(source: SqliteSource, place: SourcePlace): RecordSource {
  return { items: (signal) => readRows(source, place, signal) };
}

async function* readRows(
  source: SqliteSource,
  place: SourcePlace,
  signal: AbortSignal,
): AsyncGenerator<readonly SourceItem[]> {
  const database = await openDatabase(source.path, place);
  try {
    const statement = prepare(database, source);
    const columns = columnsOf(statement, source.path);
    const rows = sqlErrors(source.path, () => statement.iterate());
    // A database with a query under way cannot be closed.
    try {
      yield* inChunks(toItems(rows, columns, source.path), signal);
    } finally {
      rows.return?.();
    }
  } finally {
    database.close();
  }
}

function* toItems(
  rows: IterableIterator<readonly unknown[]>,
  columns: readonly string[],
  file: string,
): Generator<SizedItem> {
  for (let number = 1; ; number += 1) {
    const step = sqlErrors(file, () => rows.next());
    if (step.done === true) return;
    yield toItem(step.value, columns, { file: `${file} (row ${number})`, line: null });
  }
}

async function openDatabase(file: string, place: SourcePlace): Promise<Database> {
  const path = await confine(file, place);
  const { handle } = await openRegular(path, file);
  await handle.close();
  const { default: Sqlite } = await import('better-sqlite3');
  return sqlErrors(file, () => {
    const database = new Sqlite(path, { readonly: true, fileMustExist: true });
    database.defaultSafeIntegers(true);
    return database;
  });
}

function prepare(database: Database, { path, query }: SqliteSource): Statement<[], readonly unknown[]> {
  const statement = sqlErrors(path, () => database.prepare<[], readonly unknown[]>(query));
  if (!statement.reader || !statement.readonly) {
    throw inputFailure({
      code: 'sqlite_query',
      file: path,
      problem: 'the query does more than read',
      next: 'write one SELECT in "source.sqlite.query"',
    });
  }
  return statement.raw(true);
}

function columnsOf(statement: Statement<[], readonly unknown[]>, file: string): readonly string[] {
  const names = statement.columns().map((column) => column.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return names;
  throw inputFailure({
    code: 'sqlite_query',
    file,
    problem: `two columns of the query are called "${twice}"`,
    next: 'rename one of them: SELECT a.id, b.id AS other_id',
  });
}

function toItem(row: readonly unknown[], columns: readonly string[], at: Location): SizedItem {
  try {
    const { fields, characters } = toPlainFields(columns.map((name, index) => [name, row[index]]));
    return { item: { kind: 'record', fields, at }, characters };
  } catch (error) {
    if (!(error instanceof PlainValueError)) throw error;
    const problem = `${error.problem}; select hex(column) or CAST(column AS TEXT) instead`;
    return { item: { kind: 'problem', problem, at }, characters: 0 };
  }
}

/** What SQLite refuses: no database, a table that is not there, a lock that does not go. */
function sqlErrors<T>(file: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    const code: unknown = Reflect.get(cause, 'code');
    const isFile = typeof code === 'string' && /^SQLITE_(?:NOTADB|CANTOPEN|CORRUPT|IOERR|BUSY)/.test(code);
    throw inputFailure({
      code: isFile ? 'source_unreadable' : 'sqlite_query',
      file,
      problem: cause.message,
      next: isFile
        ? 'check that it is an SQLite database that nobody holds locked'
        : 'mend "source.sqlite.query"',
      cause,
    });
  }
}
