import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ScratchIds } from '../core/ports/scratch.ts';
import type { RowClash } from '../core/ports/store-views.ts';
import { connect } from './open.ts';
import { outputKeyOf } from './requests.ts';
import { toStoreError } from './sqlite-errors.ts';

type Row = Parameters<ScratchIds['addIds']>[0][number];

/**
 * What a dry run needs of the store: which ids and paths clash. A temporary file without a journal, so that memory does not
 * grow with the job; it has no name any more once it is open, where the system allows that, so a kill leaves nothing.
 */
export function openScratch(dir: string = tmpdir()): ScratchIds {
  const folder = mkdtempSync(join(dir, 'batchctl-scratch-'));
  const path = join(folder, 'ids.db');
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const db = connect(path, { busyTimeoutMs: 0 });
    db.pragma('locking_mode = EXCLUSIVE');
    db.pragma('journal_mode = OFF');
    db.pragma('synchronous = OFF');
    db.exec(`
      CREATE TABLE ids (
        custom_id TEXT PRIMARY KEY,
        seq INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE outputs (
        output_key INTEGER PRIMARY KEY,
        seq INTEGER NOT NULL
      ) STRICT;
    `);
    if (process.platform !== 'win32') remove();

    const insertId = db.prepare<{ customId: string; seq: number }>(`
      INSERT INTO ids (custom_id, seq)
      VALUES (:customId, :seq)
      ON CONFLICT DO NOTHING
    `);
    const selectId = db
      .prepare<{ customId: string }, number>(`
        SELECT seq
        FROM ids
        WHERE custom_id = :customId
      `)
      .pluck();
    const insertOutput = db.prepare<{ outputKey: number; seq: number }>(`
      INSERT INTO outputs (output_key, seq)
      VALUES (:outputKey, :seq)
      ON CONFLICT DO NOTHING
    `);
    const selectOutput = db
      .prepare<{ outputKey: number }, number>(`
        SELECT seq
        FROM outputs
        WHERE output_key = :outputKey
      `)
      .pluck();

    // Unlike in the store, the id of a row whose output clashes is kept: nobody comes back with another path.
    const clashOf = ({ seq, customId, outputFold }: Row): RowClash | null => {
      if (insertId.run({ customId, seq }).changes === 0) {
        return { seq, on: 'custom_id', earlierSeq: selectId.get({ customId }) ?? seq };
      }
      const outputKey = outputKeyOf(outputFold);
      if (insertOutput.run({ outputKey, seq }).changes === 1) return null;
      return { seq, on: 'output', earlierSeq: selectOutput.get({ outputKey }) ?? seq };
    };

    return {
      addIds(rows) {
        try {
          return db.transaction(() => rows.map(clashOf).filter((clash) => clash !== null))();
        } catch (error) {
          throw toStoreError(error, path);
        }
      },
      close() {
        db.close();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw toStoreError(error, path);
  }
}
