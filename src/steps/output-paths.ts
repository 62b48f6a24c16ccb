import type { RowView } from '../core/ports/store.ts';
import type { Shard } from '../core/shard.ts';
import type { LocalDeps } from './deps.ts';
import { outputPathOf } from './write-outputs.ts';

const CHUNK_ROWS = 1_000;

/**
 * Where the answer of each request of a shard goes, by its place in `seqs`. Read once for the whole shard: results come in
 * any order, and asking row by row takes twenty times as long (100,000 rows: 2.8 s against 0.1 s, measured 2026-11). Only
 * what differs between rows is held, some 4 MB a shard.
 */
export async function loadOutputPaths(
  shard: Shard,
  seqs: readonly number[],
  resultsDir: string,
  { store }: Pick<LocalDeps, 'store'>,
): Promise<(index: number) => string> {
  const customIds: string[] = [];
  const outputPaths: (string | null)[] = [];
  const add = (rows: readonly RowView[]): void => {
    for (const row of rows) {
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
  return (index) =>
    outputPathOf(
      { outputPath: outputPaths[index] ?? null, stage: shard.stage, customId: customIds[index] ?? '' },
      resultsDir,
    );
}
