import type { ActiveFaults } from './active-faults.ts';
import { cutOffOf, isCutOff } from './batch-state.ts';
import type { Batch } from './batches.ts';
import { shareOf } from './hash.ts';
import type { RowTable } from './row-table.ts';

const ROW_FAULTS = [
  'rows-errored',
  'rows-invalid',
  'rows-overloaded',
  'rows-expired',
  'rows-refused',
  'rows-truncated',
  'rows-paused',
  'rows-empty',
  'rows-standard',
] as const;

/** A fault that makes some rows end in another way. */
export type RowFault = (typeof ROW_FAULTS)[number];

/** The four kinds of result, as the API counts them. */
export interface RowCounts {
  readonly succeeded: number;
  readonly errored: number;
  readonly canceled: number;
  readonly expired: number;
}

/** The faults of rows that are set, and the share of rows that each takes. */
export type RowFaultShares = ReadonlyMap<RowFault, number>;

/** Reads which faults of rows are set. */
export function readRowFaults(faults: ActiveFaults): RowFaultShares {
  const shares = new Map<RowFault, number>();
  for (const name of ROW_FAULTS) {
    const fault = faults.standing(name);
    if (fault !== null) shares.set(name, fault.amount);
  }
  return shares;
}

/** The fault that this row meets; null for most. */
export function rowFaultOf(hash: number, shares: RowFaultShares): RowFault | null {
  for (const [name, share] of shares) {
    if (shareOf(hash, name) < share) return name;
  }
  return null;
}

/** Counts the results of an ended batch. The rows are asked for only where a count needs them. */
export function countOutcomes(batch: Batch, shares: RowFaultShares, readRows: () => RowTable): RowCounts {
  if (!isCutOff(batch) && shares.size === 0) {
    const errored = batch.invalidRequests;
    return { succeeded: batch.requests - errored, errored, canceled: 0, expired: 0 };
  }
  return countRows(batch, shares, readRows(), Number.POSITIVE_INFINITY);
}

/** Counts the rows that are done by this moment. */
export function countRows(batch: Batch, shares: RowFaultShares, rows: RowTable, byUs: number): RowCounts {
  const counts = { succeeded: 0, errored: 0, canceled: 0, expired: 0, processing: 0 };
  for (const [index, hash] of rows.hashes.entries()) {
    counts[cutOffOf(batch, hash, byUs) ?? kindOf(rows.invalid[index] === 1, rowFaultOf(hash, shares))] += 1;
  }
  return {
    succeeded: counts.succeeded,
    errored: counts.errored,
    canceled: counts.canceled,
    expired: counts.expired,
  };
}

function kindOf(isInvalid: boolean, fault: RowFault | null): 'succeeded' | 'errored' | 'expired' {
  switch (fault) {
    case 'rows-errored':
    case 'rows-invalid':
    case 'rows-overloaded':
      return 'errored';
    case 'rows-expired':
      return 'expired';
    default:
      return isInvalid ? 'errored' : 'succeeded';
  }
}
