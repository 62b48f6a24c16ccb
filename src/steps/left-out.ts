import { StoreError } from '../core/errors.ts';
import type { JobFiles } from '../core/ports/files.ts';
import type { Receipt } from './read-journal.ts';
import type { SentLine } from './sent-log.ts';

/** A job that a rebuild could not make again, and what is known to be paid for it. */
export interface LeftOut {
  readonly jobId: string;
  readonly code: string;
  readonly why: string;
  /** What makes it whole again, where that can be had. */
  readonly next: string;
  readonly batches: readonly {
    readonly batchId: string;
    readonly requests: number | null;
    readonly createdAt: string;
  }[];
  /** Seals whose batch, should there be one, is named nowhere. */
  readonly unanswered: readonly { readonly requests: number; readonly sealedAt: string }[];
  /** Its journal is there: this database takes its batches for a job's that may come back. */
  readonly hasJournal: boolean;
}

/** What stands beside the database of one job. */
export interface SentOfJob {
  readonly receipts: readonly Receipt[];
  readonly seals: readonly SentLine[];
}

/** Codes of what is wrong with the files of one job, and no reason to leave the others without a database. */
const OF_ONE_JOB: readonly string[] = [
  'journal_gone',
  'records_damaged',
  'shard_file_damaged',
  'frozen_job_damaged',
  'frozen_job_gone',
];

export function isOfOneJob(error: unknown): error is StoreError {
  return error instanceof StoreError && OF_ONE_JOB.includes(error.code);
}

export function leftOut(jobId: string, error: StoreError, { receipts, seals }: SentOfJob): LeftOut {
  const answered = new Set(receipts.map(({ nonce }) => nonce));
  return {
    jobId,
    code: error.code,
    why: error.why === null ? error.message : `${error.message}: ${error.why}`,
    next: error.next ?? 'put its files back from a copy, then batchctl doctor --rebuild again',
    batches: receipts.map(({ batch_id, created_at, requests }) => ({
      batchId: batch_id,
      requests: typeof requests === 'number' ? requests : null,
      createdAt: created_at,
    })),
    unanswered: seals
      .filter(({ nonce }) => !answered.has(nonce))
      .map(({ requests, sealed_at }) => ({ requests, sealedAt: sealed_at })),
    hasJournal: error.code !== 'journal_gone',
  };
}

/** Nothing could be made again, so that nothing was changed. */
export function nothingRestored(all: readonly LeftOut[]): StoreError {
  const [first] = all;
  if (first === undefined) throw new RangeError('no job was left out');
  const others = all.slice(1).map(({ jobId, why }) => `; nor ${jobId}: ${why}`);
  const batches = all.flatMap((one) => one.batches.map(({ batchId }) => batchId));
  const paid = batches.length === 0 ? '' : `; paid for: ${batches.join(', ')}`;
  const alone =
    batches.length === 0
      ? ''
      : `; to read the results of a batch alone, retrieve it into another folder with -C`;
  return new StoreError(`job ${first.jobId} cannot be made again`, {
    code: first.code,
    why: `${first.why}${others.join('')}${paid}`,
    next: `${first.next}${alone}`,
  });
}

export function journalGone(jobId: string, { files }: { readonly files: JobFiles }): StoreError {
  const dir = files.requestsDir(jobId);
  const isFolderThere = files.exists(dir);
  const what = isFolderThere
    ? `${dir}/journal.jsonl is gone or cannot be read`
    : `${dir} is gone, with its journal`;
  return new StoreError(`job ${jobId} cannot be made again`, {
    code: 'journal_gone',
    why: `${what}, and only it tells what was sent`,
    next: `put ${isFolderThere ? `${dir}/journal.jsonl` : dir} back from a copy, then batchctl doctor --rebuild again`,
  });
}
