import type { Job, StageFacts } from '../core/job.ts';
import type { JobFile } from '../core/job-file.ts';
import { defaultExtension, defaultOutputPath } from '../core/output-place.ts';
import { distinctPath, foldPath } from '../core/paths.ts';
import type { JobStore } from '../core/ports/store.ts';
import type { NewRow } from '../core/ports/store-views.ts';

/** A row and the shard that carries its request; null: it has none yet. */
export type PlacedRow = NewRow & { readonly shardId: number | null };

/** A row that has the custom_id of an earlier one. */
export interface TwiceUsed<Row extends PlacedRow> {
  readonly row: Row;
  readonly earlierSeq: number;
}

const resultsDirOf = ({ jobId }: Pick<Job, 'jobId'>): string => `batch_results/${jobId}`;

/** `given`: as the job file says. Null: the default place, whose extension is .md. */
export function outputPathOf(
  job: Pick<Job, 'jobId'>,
  stage: string,
  frozen: JobFile | null,
  customId: string,
  given: string | null,
): string | null {
  if (given !== null) return given;
  const made = frozen?.stages.find(({ name }) => name === stage);
  if (made === undefined || defaultExtension(made) !== 'json') return null;
  return defaultOutputPath(resultsDirOf(job), stage, customId, 'json');
}

export function toRow(job: Pick<Job, 'jobId'>, stage: string, row: Omit<NewRow, 'outputFold'>): NewRow {
  const path = row.outputPath ?? defaultOutputPath(resultsDirOf(job), stage, row.customId);
  return { ...row, outputFold: foldPath(path) };
}

/** Makes the output of a row distinct from one that has its path. */
export function elsewhere(job: Pick<Job, 'jobId'>, stage: string): <Row extends NewRow>(row: Row) => Row {
  return (row) => {
    const path = row.outputPath ?? defaultOutputPath(resultsDirOf(job), stage, row.customId);
    const outputPath = distinctPath(path, row.seq);
    return { ...row, outputPath, outputFold: foldPath(outputPath) };
  };
}

/**
 * Puts the rows of one stage into the store, in order of seq. A path used twice is made distinct, again if need be, before
 * the next row is looked at: the same rows in the same order always come to the same paths, however many come at once. A
 * store that is made again cuts them otherwise than the build did.
 *
 * @returns the rows that are not there, because their custom_id is used twice.
 */
export async function placeRows<Row extends PlacedRow>(
  store: Pick<JobStore, 'addRows'>,
  job: Pick<Job, 'jobId'>,
  stage: Pick<StageFacts, 'id' | 'name'>,
  rows: readonly Row[],
): Promise<readonly TwiceUsed<Row>[]> {
  const twice: TwiceUsed<Row>[] = [];
  // Both are in order of seq.
  let next = 0;
  for (const { seq, earlierSeq } of await store.addRows(stage.id, rows, elsewhere(job, stage.name))) {
    while (next < rows.length && rows[next]?.seq !== seq) next += 1;
    const row = rows[next];
    if (row !== undefined) twice.push({ row, earlierSeq });
  }
  return twice;
}
