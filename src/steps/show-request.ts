import type { Job } from '../core/job.ts';
import { memberSpans } from '../core/json-spans.ts';
import { type JobFiles, shardPath } from '../core/ports/files.ts';
import type { RowView } from '../core/ports/store.ts';
import type { FailureClass, RowStatus } from '../core/result.ts';
import { customIdAtHead, parseResultLine } from '../core/result-line.ts';
import { resultRow } from '../core/result-row.ts';
import { parseWireId } from '../core/wire-id.ts';
import type { LocalDeps } from './deps.ts';
import { RawReaders } from './raw-readers.ts';
import { isGood, outputPathOf } from './write-outputs.ts';

/** All that is known of one request. */
export interface RequestDetails {
  readonly customId: string;
  readonly stage: string;
  readonly group: string | null;
  /** Null while nothing is known. */
  readonly status: RowStatus | null;
  readonly failure: FailureClass | null;
  /** As it went, or will go, over the wire; null when the shard file is gone. */
  readonly wireId: string | null;
  /** JSON text, exactly as built. */
  readonly paramsJson: string | null;
  /** The line of results.jsonl as JSON text; null while nothing is known. */
  readonly rowJson: string | null;
  readonly attempts: readonly AttemptDetails[];
  /** Where the answer is written, or would be if it were good. */
  readonly outputPath: string;
  readonly isWritten: boolean;
}

/** One sending of the request in one batch. */
export interface AttemptDetails {
  readonly number: number;
  readonly shard: number;
  /** Null while no batch is known. */
  readonly batchId: string | null;
  readonly status: RowStatus | null;
  readonly failure: FailureClass | null;
}

/** Null when the job has no request of this id. Reads the shard file up to the request. */
export async function showRequest(
  job: Job,
  customId: string,
  deps: LocalDeps,
): Promise<RequestDetails | null> {
  const { store, files } = deps;
  const row = await store.rowByCustomId(job.id, customId);
  if (row === null) return null;
  const view = (await store.shards(job.id)).find((one) => one.shard.id === row.shardId);
  const dir = files.resultsDir(job.jobId);
  const outputPath = outputPathOf(row, dir);
  const isWritten = isGood(row) && files.exists(outputPath);
  const group = view?.shard.group ?? null;
  const batchId = view?.batch?.id ?? null;
  const built = view === undefined ? null : await findBuilt(job, row, view.shard.nonce, files);
  return {
    customId: row.customId,
    stage: row.stage,
    group,
    status: row.status,
    failure: row.failure,
    wireId: built?.wireId ?? null,
    paramsJson: built?.paramsJson ?? null,
    rowJson: rowJson(row, { group, batchId, output: isWritten ? outputPath : null }, files, dir),
    attempts: [
      { number: row.attempt, shard: row.shardNumber, batchId, status: row.status, failure: row.failure },
    ],
    outputPath,
    isWritten,
  };
}

function rowJson(
  row: RowView,
  facts: { readonly group: string | null; readonly batchId: string | null; readonly output: string | null },
  files: JobFiles,
  dir: string,
): string | null {
  if (row.status === null) return null;
  const readers = new RawReaders(files, dir);
  try {
    const answer = readers.answerOf(row);
    const { customId, stage, status, failure, attempt } = row;
    return resultRow(
      { customId, stage, status, failure, attempt, ...facts },
      answer?.judgement ?? null,
      answer?.line ?? null,
    );
  } finally {
    readers.close();
  }
}

/** The request's line in its shard file, found by nonce and number, which alone say whose a line is. */
async function findBuilt(
  job: Job,
  row: RowView,
  nonce: string,
  files: JobFiles,
): Promise<{ readonly wireId: string; readonly paramsJson: string | null } | null> {
  const path = shardPath(files.requestsDir(job.jobId), row.stage, row.shardNumber);
  if (!files.exists(path)) return null;
  for await (const lines of files.lines(path)) {
    for (const { text } of lines) {
      const wireId = customIdAtHead(text) ?? parseResultLine(text)?.customId ?? null;
      const wire = wireId === null ? null : parseWireId(wireId);
      if (wireId === null || wire?.seq !== row.seq || wire.nonce !== nonce) continue;
      const params = memberSpans(text).find((member) => member.name === 'params');
      return { wireId, paramsJson: params === undefined ? null : text.slice(params.start, params.end) };
    }
  }
  return null;
}
