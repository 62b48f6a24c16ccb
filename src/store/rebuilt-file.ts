import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { StoreError } from '../core/errors.ts';
import { REBUILD_MARKER, type RebuiltFile } from '../core/ports/restoring.ts';
import { type OpenOptions, openDatabase } from './open.ts';
import { restoring } from './restoring.ts';
import { toStoreError } from './sqlite-errors.ts';

const SIDE_FILES = ['', '-wal', '-shm'] as const;

/**
 * Opens an empty store at `<path>.rebuilding`. A kill leaves that file, which the next call begins anew, or, while the files
 * are moved, the marker: then only another rebuild goes on.
 */
export async function openRebuilt(
  path: string,
  options: OpenOptions & { readonly now: () => Date },
): Promise<RebuiltFile> {
  const temporary = `${path}.rebuilding`;
  removeAll(temporary);
  const before = stateOf(path);
  const db = await openDatabase(temporary, options);
  // It is fsynced whole before it counts; until then a crash begins anew.
  db.pragma('synchronous = OFF');
  return {
    restoring: restoring(db, options.now),
    install(at) {
      try {
        db.pragma('wal_checkpoint(TRUNCATE)');
        db.pragma('journal_mode = DELETE');
        db.close();
      } catch (error) {
        throw toStoreError(error, temporary);
      }
      sync(temporary);
      if (stateOf(path) !== before) throw changedMeanwhile(path);
      return swap(path, temporary, at);
    },
    discard() {
      if (db.open) db.close();
      removeAll(temporary);
    },
  };
}

/** The log goes before the file it belongs to has another name: SQLite would play it into whatever stands there. */
function swap(path: string, temporary: string, at: Date): readonly string[] {
  const folder = dirname(path);
  const marker = join(folder, REBUILD_MARKER);
  const fd = openSync(marker, 'w', 0o600);
  writeSync(fd, `${at.toISOString()}\n`);
  fsyncSync(fd);
  closeSync(fd);
  sync(folder);
  const moved: string[] = [];
  const aside = asideOf(path, at);
  for (const side of SIDE_FILES) {
    if (!existsSync(`${path}${side}`)) continue;
    renameSync(`${path}${side}`, `${aside}${side}`);
    moved.push(`${aside}${side}`);
  }
  renameSync(temporary, path);
  sync(folder);
  rmSync(marker);
  sync(folder);
  return moved;
}

/** A name that is free with each ending. */
function asideOf(path: string, at: Date): string {
  const stem = `${path}.damaged-${at.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}`;
  const taken = new Set(readdirSync(dirname(path)));
  for (let n = 1; ; n += 1) {
    const name = n === 1 ? stem : `${stem}-${n}`;
    if (SIDE_FILES.every((side) => !taken.has(basename(`${name}${side}`)))) return name;
  }
}

function removeAll(path: string): void {
  for (const side of [...SIDE_FILES, '-journal']) rmSync(`${path}${side}`, { force: true });
}

/** Tells whether somebody has written to the store: no two states of it look the same. */
function stateOf(path: string): string {
  return ['', '-wal']
    .map((side) => statSync(`${path}${side}`, { throwIfNoEntry: false, bigint: true }))
    .map((stat) => (stat === undefined ? '-' : `${stat.ino} ${stat.size} ${stat.mtimeNs}`))
    .join(' ');
}

function changedMeanwhile(path: string): StoreError {
  return new StoreError(`the store was not rebuilt: ${path}`, {
    code: 'store_changed',
    why: 'another program has written to it meanwhile',
    next: 'wait until no other batchctl is at work here, then batchctl doctor --rebuild again',
  });
}

function sync(path: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
