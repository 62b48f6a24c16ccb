import type { Problems } from '../core/applied-report.ts';
import type { Job } from '../core/job.ts';
import type { Judgement } from '../core/judge.ts';
import { type Line, rawPath } from '../core/ports/files.ts';
import type { RowView, ShardView } from '../core/ports/store.ts';
import { readRawLine } from '../core/raw-line.ts';
import { ResultSeqs } from '../core/result-seqs.ts';
import { conflict } from './apply-results.ts';
import type { LocalDeps } from './deps.ts';
import { RawDuplicates } from './raw-duplicates.ts';

const CHUNK_ROWS = 2_000;

interface Reread {
  readonly customId: string;
  readonly line: Line;
  readonly judgement: Judgement;
}

/** Reads the raw results of a shard again and holds each line against what was recorded of it. */
export async function verifyRaw(
  job: Job,
  { shard }: ShardView,
  { store, files }: LocalDeps,
  problems: Problems,
): Promise<{ readonly unknown: number; readonly duplicate: number }> {
  const path = rawPath(files.resultsDir(job.jobId), shard.stage, shard.number);
  const facts = await store.rawFacts(shard.id);
  if (facts === null) return { unknown: 0, duplicate: 0 };
  if (!files.exists(path)) {
    problems.add(`${path} is not there`);
    return { unknown: 0, duplicate: 0 };
  }
  if (files.size(path) !== facts.bytes || (await files.sha256(path)) !== facts.sha256) {
    problems.add(`${path} is not the file that was downloaded (its size or SHA-256 differs)`);
  }
  const isApplied = shard.state === 'applied';
  const seqs = new ResultSeqs(await store.shardSeqs(shard.id));
  const duplicates = new RawDuplicates(files, path, seqs.size);
  let unknown = 0;
  let chunk = new Map<number, Reread>();
  const flush = async (): Promise<void> => {
    if (isApplied) compare(await store.rowsOf(shard.stageId, [...chunk.keys()]), chunk, path, problems);
    chunk = new Map();
  };
  try {
    for await (const lines of files.lines(path)) {
      for (const line of lines) {
        const read = readRawLine(line, shard.nonce, seqs);
        const at = `${path}, byte ${line.offset}`;
        if (read.kind !== 'row') {
          if (read.kind === 'unknown') unknown += 1;
          problems.add(`${at}: ${read.why}`);
        } else if (!seqs.mark(read.index)) {
          if (!duplicates.isSame(read.index, line)) problems.add(conflict(path, line, read));
        } else {
          duplicates.note(read.index, line);
          // The text itself is not held: only its place and its judgement are compared.
          chunk.set(read.seq, {
            customId: read.customId,
            line: { ...line, text: '' },
            judgement: read.judgement,
          });
          if (chunk.size >= CHUNK_ROWS) await flush();
        }
      }
    }
    await flush();
  } finally {
    duplicates.close();
  }
  const missing = seqs.size - seqs.distinct;
  if (missing > 0) problems.add(`${path}: no result for ${missing} of ${seqs.size} requests`);
  return { unknown, duplicate: duplicates.count };
}

function compare(
  rows: readonly RowView[],
  lines: ReadonlyMap<number, Reread>,
  path: string,
  problems: Problems,
): void {
  let found = 0;
  for (const row of rows) {
    const read = lines.get(row.seq);
    if (read === undefined) continue;
    found += 1;
    const { status, failure } = read.judgement;
    const isSame =
      row.status === status &&
      row.failure === failure &&
      row.rawOffset === read.line.offset &&
      row.rawLength === read.line.length;
    if (!isSame) {
      problems.add(
        `${path}, byte ${read.line.offset}: the row of ${row.customId} is not recorded as this line says`,
      );
    }
  }
  problems.add(
    `${path}: ${lines.size - found} lines have no row in the store`,
    Math.min(1, lines.size - found),
  );
}
