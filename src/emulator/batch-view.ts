import type { IncomingMessage } from 'node:http';
import type { ActiveFaults } from './active-faults.ts';
import { archivedUs, endsUs, expiresUs, statusAt } from './batch-state.ts';
import { type Batch, readRowTable } from './batches.ts';
import { formatTime } from './clock.ts';
import type { Db } from './database.ts';
import { countOutcomes, countRows, type RowCounts, readRowFaults } from './row-outcome.ts';

const NO_ROWS: RowCounts = { succeeded: 0, errored: 0, canceled: 0, expired: 0 };

/** A batch as the API shows it: every key always there (SDK, src/resources/messages/batches.ts). */
export interface BatchView {
  readonly id: string;
  readonly type: 'message_batch';
  readonly processing_status: string;
  readonly request_counts: RowCounts & { readonly processing: number };
  readonly created_at: string;
  readonly expires_at: string;
  readonly ended_at: string | null;
  readonly cancel_initiated_at: string | null;
  readonly archived_at: string | null;
  readonly results_url: string | null;
}

/** Where the one who asks found the server, and what is set at this moment. */
export interface ViewContext {
  readonly db: Db;
  readonly origin: string;
  readonly faults: ActiveFaults;
}

/** The origin that a request came to. A client may reach the server by any name, and gets its own one back. */
export function originOf(request: IncomingMessage): string {
  return `http://${request.headers.host ?? '127.0.0.1'}`;
}

/** Shows a batch at this moment. All rows count as processing until the batch has ended. */
export function viewBatch(batch: Batch, nowUs: number, { db, origin, faults }: ViewContext): BatchView {
  const status = statusAt(batch, nowUs);
  const hasEnded = status === 'ended';
  const counts = countAt(batch, nowUs, db, faults);
  const isArchived = nowUs >= archivedUs(batch, faults);
  return {
    id: batch.id,
    type: 'message_batch',
    processing_status: !hasEnded && faults.standing('odd-status') !== null ? 'rebalancing' : status,
    request_counts: {
      processing: batch.requests - counts.succeeded - counts.errored - counts.canceled - counts.expired,
      ...counts,
    },
    created_at: formatTime(batch.createdUs),
    expires_at: formatTime(expiresUs(batch)),
    ended_at: hasEnded ? formatTime(endsUs(batch)) : null,
    cancel_initiated_at: batch.canceledUs === null ? null : formatTime(batch.canceledUs),
    archived_at: isArchived ? formatTime(archivedUs(batch, faults)) : null,
    results_url: hasEnded
      ? `${faults.standing('results-url')?.value ?? origin}/v1/messages/batches/${encodeURIComponent(batch.id)}/results`
      : null,
  };
}

function countAt(batch: Batch, nowUs: number, db: Db, faults: ActiveFaults): RowCounts {
  const shares = readRowFaults(faults);
  const readRows = () => readRowTable(db, batch.id);
  if (statusAt(batch, nowUs) === 'ended') return countOutcomes(batch, shares, readRows);
  // At its creation nothing is done, and a batch that a fault keeps from being stored has no rows to look at.
  if (faults.standing('live-counts') === null || nowUs <= batch.createdUs) return NO_ROWS;
  return countRows(batch, shares, readRows(), nowUs);
}
