import type { Job } from '../core/job.ts';
import type { JobStore } from '../core/ports/store.ts';
import type { Location } from '../core/record.ts';
import type { Problems } from './collect-problems.ts';
import { type PlacedRow, placeRows } from './place-rows.ts';

/**
 * So many records go into the store at once. Two indexes of a row come in no order, so that each transaction writes many
 * of their pages again: with a transaction for the 28 records in 64 KB of a file it took four times as long.
 */
const MOST_RECORDS = 5_000;
/** What a row holds may be a piece of the text of its record, and keep all of it in memory. */
const MOST_RECORD_BYTES = 8_000_000;

type WaitingRow = PlacedRow & { readonly at: Location };

/** Rows of a build that are not in the store yet. */
export interface WaitingRows {
  /** `stage`: its place in the job. In order of seq. */
  add(stage: number, row: WaitingRow): void;
  readonly isFull: boolean;
  /** Puts all of them into the store. An id used twice is a problem of the data; a path used twice is made distinct. */
  write(): Promise<void>;
}

export function waitingRows(
  store: Pick<JobStore, 'addRows'>,
  job: Pick<Job, 'jobId' | 'stages'>,
  problems: Pick<Problems, 'add'>,
): WaitingRows {
  const rows: WaitingRow[][] = job.stages.map(() => []);
  let records = 0;
  let recordBytes = 0;
  return {
    add(stage, row) {
      rows[stage]?.push(row);
      if (stage > 0) return;
      records += 1;
      recordBytes += row.recordLength;
    },
    get isFull() {
      return records >= MOST_RECORDS || recordBytes >= MOST_RECORD_BYTES;
    },
    async write() {
      const refused = new Set<number>();
      for (const [index, stage] of job.stages.entries()) {
        const placed = (rows[index] ?? []).filter(({ seq }) => !refused.has(seq));
        for (const { row, earlierSeq } of await placeRows(store, job, stage, placed)) {
          problems.add(row.at, `custom_id "${row.customId}" is used before, by record ${earlierSeq}`);
          refused.add(row.seq);
        }
        rows[index] = [];
      }
      records = 0;
      recordBytes = 0;
    },
  };
}
