import { adoptedRows } from '../core/adopted.ts';
import { isLegalCustomId } from '../core/custom-id.ts';
import type { Job } from '../core/job.ts';
import { defaultOutputPath } from '../core/output-place.ts';
import { foldPath } from '../core/paths.ts';
import { rawPath, recordsPath } from '../core/ports/files.ts';
import type { NewRow } from '../core/ports/store-views.ts';
import { idOfLine } from '../core/raw-line.ts';
import { DEFAULT_SHARD_LIMITS, type Shard } from '../core/shard.ts';
import type { LocalDeps } from './deps.ts';
import { elsewhere } from './place-rows.ts';
import { rowChunks } from './write-results.ts';

/** The most requests that the API takes in a batch, and so the most ids that are held. */
export const MOST_ROWS = DEFAULT_SHARD_LIMITS.maxRequests;
const CHUNK_ROWS = 1_000;

type Row = NewRow & { readonly shardId: number };

/**
 * Makes the records and rows of a batch that was made elsewhere from its raw results; without `hasRaw` only one for each
 * request that the batch counts. The same raw results always give the same rows, so that a call that was killed is
 * completed by the next one. A row that was there stays: another download may add ids and take none away.
 */
export async function makeAdoptedRows(
  job: Job,
  shard: Shard,
  hasRaw: boolean,
  deps: LocalDeps,
  signal: AbortSignal,
): Promise<void> {
  const { files } = deps;
  const { wanted, there } = await findRows(job, shard, hasRaw, deps, signal);
  const path = recordsPath(files.requestsDir(job.jobId));
  if (there === wanted.length && files.exists(path)) return;
  const rowAt = writeRecords(wanted, path, job, shard, deps);
  for (let at = there; at < wanted.length; at += CHUNK_ROWS) {
    signal.throwIfAborted();
    const count = Math.min(CHUNK_ROWS, wanted.length - at);
    const rows = Array.from({ length: count }, (_, index) => rowAt(at + index));
    await addRows(rows, job, shard, deps);
    reportRows(at + count, shard, deps);
  }
}

/** Also keeps memory low: the heap is looked after where work is reported (cli/heap.ts). */
function reportRows(rows: number, { requests }: Shard, { report }: LocalDeps): void {
  report({ kind: 'applying', batchId: null, rows, requests });
}

/** A part of a text keeps all of it in memory: a hundred thousand ids would keep every line of the results. */
function ownCopy(id: string): string {
  return Buffer.from(id, 'latin1').toString('latin1');
}

/** The rows as they are to be, and how many of them stand so already: whatever stands otherwise is dropped. */
async function findRows(
  job: Job,
  shard: Shard,
  hasRaw: boolean,
  deps: LocalDeps,
  signal: AbortSignal,
): Promise<{ readonly wanted: readonly string[]; readonly there: number }> {
  const known = await knownIds(job, shard, deps);
  const named = new Set(known.filter(isLegalCustomId));
  if (hasRaw) await addNamed(named, job, shard, deps, signal);
  const wanted = adoptedRows([...named], shard.requests);
  if (known.every((id, index) => id === wanted[index])) return { wanted, there: known.length };
  await deps.store.dropAdoptedRows(shard.id);
  return { wanted, there: 0 };
}

async function addNamed(
  named: Set<string>,
  job: Job,
  shard: Shard,
  deps: LocalDeps,
  signal: AbortSignal,
): Promise<void> {
  const { files } = deps;
  for await (const lines of files.lines(rawPath(files.resultsDir(job.jobId), shard.stage, shard.number))) {
    signal.throwIfAborted();
    for (const line of lines) {
      const id = idOfLine(line);
      if (id !== null && named.size < MOST_ROWS && isLegalCustomId(id)) named.add(ownCopy(id));
    }
    reportRows(named.size, shard, deps);
  }
}

async function knownIds(job: Job, shard: Shard, deps: LocalDeps): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const rows of rowChunks(job, shard.stage, deps)) for (const row of rows) ids.push(row.customId);
  return ids;
}

/** Written whole before any row points into it; the same ids give the same bytes. Returns the row of each id. */
function writeRecords(
  customIds: readonly string[],
  path: string,
  job: Job,
  shard: Shard,
  { files }: LocalDeps,
): (index: number) => Row {
  const records = files.create(path, { private: job.spec.private });
  const ends = new Float64Array(customIds.length);
  try {
    for (const [index, customId] of customIds.entries()) {
      records.write(`${JSON.stringify({ custom_id: customId, record: {} })}\n`);
      ends[index] = records.bytes;
    }
    records.finish();
  } finally {
    records.discard();
  }
  const dir = files.resultsDir(job.jobId);
  return (index) => {
    const customId = customIds[index] ?? '';
    const recordOffset = index === 0 ? 0 : (ends[index - 1] ?? 0);
    return {
      seq: index + 1,
      shardId: shard.id,
      customId,
      recordOffset,
      recordLength: (ends[index] ?? 0) - recordOffset - 1,
      outputPath: null,
      outputFold: foldPath(defaultOutputPath(dir, shard.stage, customId)),
    };
  };
}

/** Ids that differ only in case would share a file on some disks: the later one gets another. */
async function addRows(rows: readonly Row[], job: Job, shard: Shard, deps: LocalDeps): Promise<void> {
  await deps.store.addAdoptedRows(shard.id, rows, elsewhere(job, shard.stage));
}
