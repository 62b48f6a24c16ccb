import type { ActiveFaults } from './active-faults.ts';
import type { Batch } from './batches.ts';
import { SECOND_US } from './clock.ts';
import { shareOf } from './hash.ts';

// platform.claude.com/docs/en/build-with-claude/batch-processing: unfinished rows expire 24 hours after creation, and
// results are kept for 29 days, counted from creation too.
const EXPIRES_AFTER_US = 24 * 3600 * SECOND_US;
const ARCHIVED_AFTER_US = 29 * 24 * 3600 * SECOND_US;
// A captured batch of 3 rows took 25 s from the cancel to its end; a second does for an emulator.
const CANCEL_TAKES_US = SECOND_US;

/** The API's words for where a batch stands. */
export type ProcessingStatus = 'in_progress' | 'canceling' | 'ended';

/** When the batch's unfinished rows expire. */
export function expiresUs(batch: Batch): number {
  return batch.createdUs + EXPIRES_AFTER_US;
}

/** When the results of the batch are gone. */
export function archivedUs(batch: Batch, faults: ActiveFaults): number {
  const sooner = faults.standing('archive-after');
  return batch.createdUs + (sooner === null ? ARCHIVED_AFTER_US : sooner.amount * SECOND_US);
}

/** When the batch has ended or will have, as far as is known now. */
export function endsUs(batch: Batch): number {
  if (batch.canceledUs !== null) return batch.canceledUs + CANCEL_TAKES_US;
  return Math.min(batch.finishesUs, expiresUs(batch));
}

/** Where the batch stands at this moment. */
export function statusAt(batch: Batch, nowUs: number): ProcessingStatus {
  if (nowUs >= endsUs(batch)) return 'ended';
  return batch.canceledUs === null ? 'in_progress' : 'canceling';
}

/** How many of its rows the queue still holds: all at first, and none once it has ended. Rows are processed evenly. */
export function queuedRows(batch: Batch, nowUs: number): number {
  if (statusAt(batch, nowUs) === 'ended') return 0;
  const lastsUs = batch.finishesUs - batch.storedUs;
  const share = lastsUs <= 0 ? 1 : Math.max(0, nowUs - batch.storedUs) / lastsUs;
  return batch.requests - Math.floor(batch.requests * Math.min(1, share));
}

/** Whether rows of the batch were cut off by a cancel or by expiry, so that each row's own time matters. */
export function isCutOff(batch: Batch): boolean {
  return batch.canceledUs !== null || batch.finishesUs > expiresUs(batch);
}

/** What kept this row from being processed; null when its turn came by `byUs`. Rows finish spread over the whole time. */
export function cutOffOf(
  batch: Batch,
  hash: number,
  byUs = Number.POSITIVE_INFINITY,
): 'canceled' | 'expired' | 'processing' | null {
  const finishedUs = batch.createdUs + shareOf(hash, 'finish') * (batch.finishesUs - batch.createdUs);
  if (batch.canceledUs !== null && finishedUs > batch.canceledUs) return 'canceled';
  if (finishedUs > expiresUs(batch)) return 'expired';
  return finishedUs > byUs ? 'processing' : null;
}
