import { closeSync, openSync, readSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { StoreError, UsageError } from '../core/errors.ts';
import type { ResultsTable } from '../core/ports/results-table.ts';
import { connect, type Db } from './open.ts';

/** «batx» in ASCII, in the header of every export: how we tell it from a database that somebody works with. */
const EXPORT_ID = 0x62617478;

// SQLITE_MAX_COLUMN of better-sqlite3's build (docs/compilation.md) is SQLite's default.
const MAX_TABLE_COLUMNS = 2_000;

/**
 * A new SQLite file with the table `results`, in the folder of `path` (absolute) under a temporary name until it is whole.
 * Columns have no type, so that every value keeps its own.
 *
 * @throws UsageError `not_an_export` when something else stands at `path`, `too_many_columns`; StoreError for the disk.
 */
export function createResultsTable(
  path: string,
  columns: readonly string[],
  options: { readonly private: boolean },
): ResultsTable {
  refuseForeign(path);
  if (columns.length > MAX_TABLE_COLUMNS) {
    throw new UsageError(
      `the table would have ${columns.length} columns; SQLite takes ${MAX_TABLE_COLUMNS}`,
      {
        code: 'too_many_columns',
        next: 'name some with --columns, or use --format jsonl',
      },
    );
  }
  const temporary = join(dirname(path), `.${basename(path)}.partial`);
  let db: Db | null = null;

  const discard = (): void => {
    db?.close();
    db = null;
    rmSync(temporary, { force: true });
  };
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      try {
        discard();
      } catch {
        // Where nothing could be made nothing can be removed; the first error says why.
      }
      throw dress(error, path);
    }
  };

  const opened = guarded(() => {
    rmSync(temporary, { force: true });
    // SQLite takes an empty file for a new database and keeps its mode.
    closeSync(openSync(temporary, 'wx', options.private ? 0o600 : 0o666));
    const fresh = connect(temporary, { busyTimeoutMs: 0 });
    db = fresh;
    // Until it has its name nobody needs it, so a crash may spoil it.
    fresh.pragma('journal_mode = OFF');
    fresh.pragma('synchronous = OFF');
    fresh.pragma(`application_id = ${EXPORT_ID}`);
    fresh.exec(`CREATE TABLE results (${columns.map(quoted).join(', ')})`);
    const insert = fresh.prepare<unknown[]>(
      `INSERT INTO results VALUES (${columns.map(() => '?').join(', ')})`,
    );
    return fresh.transaction((rows: Parameters<ResultsTable['add']>[0]) => {
      for (const row of rows) insert.run(...row);
    });
  });

  return {
    add: (rows) => guarded(() => opened(rows)),
    finish() {
      guarded(() => {
        db?.close();
        db = null;
        renameSync(temporary, path);
      });
    },
    discard,
  };
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Only an earlier export is replaced: a database at this path may be one that somebody works with. */
function refuseForeign(path: string): void {
  const facts = statSync(path, { throwIfNoEntry: false });
  if (facts === undefined || (facts.isFile() && facts.size === 0)) return;
  if (facts.isFile() && isExport(path)) return;
  throw new UsageError(`${path} is not an export, so it is not replaced`, {
    code: 'not_an_export',
    why: facts.isFile() ? 'it holds something else' : 'it is not a regular file',
    next: 'name another file with -o, or remove this one',
  });
}

/** By the header: opening it would take locks and could make files beside it. Source: sqlite.org/fileformat2.html, 1.3. */
function isExport(path: string): boolean {
  const header = Buffer.alloc(100);
  const fd = openSync(path, 'r');
  try {
    const bytes = readSync(fd, header, 0, header.length, 0);
    const isDatabase = bytes === header.length && header.toString('latin1', 0, 15) === 'SQLite format 3';
    return isDatabase && header.readUInt32BE(68) === EXPORT_ID;
  } finally {
    closeSync(fd);
  }
}

function dress(error: unknown, path: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const isFull = code === 'SQLITE_FULL' || code === 'ENOSPC';
  if (!isFull && !/^SQLITE_(?:IOERR|CANTOPEN|READONLY|PERM)|^E[A-Z]+$/.test(code)) return error;
  return new StoreError(`could not write ${path}`, {
    code: isFull ? 'disk_full' : 'disk_failed',
    why: isFull ? `there is no room (${code})` : `the system refused (${code})`,
    next: isFull
      ? 'free some space, then run the same command again'
      : 'check the folder, or name another file',
    cause: error,
  });
}
