import type { Problems } from '../core/applied-report.ts';
import type { Job } from '../core/job.ts';
import type { Judgement } from '../core/judge.ts';
import { type Line, rawPath } from '../core/ports/files.ts';
import type { JobStore } from '../core/ports/store.ts';
import type { RowView, ShardView } from '../core/ports/store-views.ts';
import { readRawLine } from '../core/raw-line.ts';
import { ResultSeqs } from '../core/result-seqs.ts';
import type { Shard } from '../core/shard.ts';
import type { AnswerChecks } from './answer-checks.ts';
import { conflict } from './apply-results.ts';
import type { LocalDeps } from './deps.ts';
import { RawDuplicates } from './raw-duplicates.ts';
import { idsOfShard } from './shard-ids.ts';

const CHUNK_ROWS = 2_000;

interface Reread {
  readonly customId: string;
  readonly line: Pick<Line, 'offset' | 'length'>;
  readonly judgement: Pick<Judgement, 'status' | 'failure'>;
}

/** Reads the raw results of a shard again and holds each line against what was recorded of it. */
export async function verifyRaw(
  job: Job,
  { shard }: ShardView,
  checks: AnswerChecks,
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
  const check = checks.get(shard.stage) ?? null;
  const idsOf = idsOfShard(job, shard, { store });
  const seqs = new ResultSeqs(await store.shardSeqs(shard.id));
  const duplicates = new RawDuplicates(files, path, seqs.size);
  let unknown = 0;
  let chunk = new Map<number, Reread>();
  const flush = async (): Promise<void> => {
    if (isApplied) compare(await rowsAsSent(shard, [...chunk.keys()], store), chunk, path, problems);
    chunk = new Map();
  };
  try {
    for await (const lines of files.lines(path)) {
      const ids = await idsOf(lines);
      for (const line of lines) {
        const read = readRawLine(line, ids, seqs, check);
        const at = `${path}, byte ${line.offset}`;
        if (read.kind !== 'row') {
          if (read.kind === 'unknown') unknown += 1;
          problems.add(`${at}: ${read.why}`);
        } else if (!seqs.mark(read.index)) {
          if (!duplicates.isSame(read.index, line)) problems.add(conflict(path, line, read));
        } else {
          duplicates.note(read.index, line);
          // The text itself is not held: only its place and its verdict are compared.
          const { status, failure } = read.judgement;
          chunk.set(read.seq, {
            customId: read.customId,
            line: { offset: line.offset, length: line.length },
            judgement: { status, failure },
          });
          if (chunk.size >= CHUNK_ROWS) await flush();
        }
      }
    }
    await flush();
  } finally {
    duplicates.close();
  }
  // What was asked again since is no longer missing.
  const moved = (await store.pastSeqs(shard.id)).filter((seq) => !seqs.isMarked(seqs.indexOf(seq)));
  const missing = seqs.size - seqs.distinct - moved.length;
  if (missing > 0) problems.add(`${path}: no result for ${missing} of ${seqs.size} requests`);
  return { unknown, duplicate: duplicates.count };
}

/** The rows as this shard left them: what went out again since is now another shard's. */
async function rowsAsSent(
  shard: Shard,
  asked: readonly number[],
  store: JobStore,
): Promise<readonly RowView[]> {
  const rows: RowView[] = [];
  for (const row of await store.rowsOf(shard.stageId, asked)) {
    if (row.shardId === shard.id) rows.push(row);
    else {
      const past = await store.pastAttempts(shard.stageId, row.seq);
      const own = past.find(({ shardId }) => shardId === shard.id);
      if (own !== undefined) rows.push({ ...row, ...own });
    }
  }
  return rows;
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
