import type { RowView } from '../core/ports/store-views.ts';
import type { Shard } from '../core/shard.ts';
import type { LocalDeps } from './deps.ts';
import { outputPathOf } from './write-outputs.ts';

const CHUNK_ROWS = 1_000;

/** Where the answer of one request goes, and its line in records.jsonl. */
export interface OutputPlace {
  readonly path: string;
  readonly customId: string;
  /** Both 0 unless records were asked for. */
  readonly recordOffset: number;
  readonly recordLength: number;
}

/**
 * Where the answer of each request of a shard goes, by its place in `seqs`. Read once for the whole shard: results come in
 * any order, and asking row by row takes twenty times as long (100,000 rows: 2.8 s against 0.1 s, measured 2026-11). Only
 * what differs between rows is held, some 4 MB a shard.
 */
export async function loadOutputPlaces(
  shard: Shard,
  seqs: readonly number[],
  resultsDir: string,
  withRecords: boolean,
  { store }: Pick<LocalDeps, 'store'>,
): Promise<(index: number) => OutputPlace> {
  const customIds: string[] = [];
  const outputPaths: (string | null)[] = [];
  const records = new Float64Array(withRecords ? 2 * seqs.length : 0);
  const add = (rows: readonly RowView[]): void => {
    for (const row of rows) {
      if (withRecords) records.set([row.recordOffset, row.recordLength], 2 * customIds.length);
      customIds.push(row.customId);
      outputPaths.push(row.outputPath);
    }
  };
  const first = seqs[0] ?? 0;
  const last = seqs.at(-1) ?? 0;
  if (last - first + 1 === seqs.length) {
    for (let after = first - 1; after < last; ) {
      const rows = await store.rows(shard.jobId, shard.stage, after, Math.min(CHUNK_ROWS, last - after));
      add(rows);
      after = rows.at(-1)?.seq ?? last;
    }
  } else {
    for (let at = 0; at < seqs.length; at += CHUNK_ROWS) {
      add(await store.rowsOf(shard.stageId, seqs.slice(at, at + CHUNK_ROWS)));
    }
  }
  if (customIds.length !== seqs.length) throw new Error(`shard ${shard.id} has rows that cannot be read`);
  return (index) => {
    const customId = customIds[index] ?? '';
    const outputPath = outputPaths[index] ?? null;
    return {
      path: outputPathOf({ outputPath, stage: shard.stage, customId }, resultsDir),
      customId,
      recordOffset: records[2 * index] ?? 0,
      recordLength: records[2 * index + 1] ?? 0,
    };
  };
}
