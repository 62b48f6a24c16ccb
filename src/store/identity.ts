import { statSync } from 'node:fs';
import { damagedColumn } from '../core/json-fields.ts';
import type { StoreStanding } from '../core/ports/standing-store.ts';
import type { Db } from './open.ts';

interface IdentityRow {
  readonly lineage: string;
  readonly serial: number;
  readonly place: string;
  readonly acceptedBytes: number;
}

/** The one row that tells this database from a copy of it, and what is compared with what others know. */
export function prepareIdentity(db: Db) {
  const selectRow = db.prepare<[], IdentityRow>(`
    SELECT lineage, serial, place, accepted_bytes AS acceptedBytes
    FROM identity
    WHERE id = 1
  `);
  const updateSerial = db.prepare(`
    UPDATE identity
    SET serial = serial + 1
    WHERE id = 1
  `);
  const updateAccepted = db.prepare<{ serial: number; logBytes: number; place: string }>(`
    UPDATE identity
    SET serial = max(serial, :serial), accepted_bytes = :logBytes, place = :place
    WHERE id = 1
  `);
  const selectContent = db
    .prepare<{ jobId: number }, string | null>('SELECT content_sha256 FROM jobs WHERE id = :jobId')
    .pluck();
  const selectSealed = db
    .prepare<{ jobId: number }, string>(`
      SELECT shards.nonce || '/' || submissions.number
      FROM submissions
      JOIN shards ON shards.id = submissions.shard_id
      JOIN stages ON stages.id = shards.stage_id
      WHERE stages.job_id = :jobId AND submissions.sealed_at IS NOT NULL
    `)
    .pluck();

  return {
    sealedOf: (jobId: number): readonly string[] => selectSealed.all({ jobId }),
    standing(jobId: number): StoreStanding {
      const row = selectRow.get();
      if (row === undefined) throw damagedColumn('identity');
      const { place, ...facts } = row;
      return {
        ...facts,
        isMoved: place !== placeOf(db.name),
        contentSha256: selectContent.get({ jobId }) ?? null,
      };
    },
    countSeal: () => updateSerial.run(),
    accept: (facts: { readonly serial: number; readonly logBytes: number }) =>
      updateAccepted.run({ ...facts, place: placeOf(db.name) }),
  };
}

/**
 * A copy is another file, with a number and a birth of its own; the same holds on another machine. The device is left
 * out: its number may change when the machine starts. Where a file system keeps no births, they are all the same.
 */
export function placeOf(path: string): string {
  const { ino, birthtimeMs } = statSync(path, { bigint: true });
  return `${ino}-${birthtimeMs}`;
}
