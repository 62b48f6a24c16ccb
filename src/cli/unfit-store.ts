import { StoreError } from '../core/errors.ts';
import type { StoreInspection } from '../core/ports/inspection.ts';

interface UnfitStore {
  readonly code: string;
  /** Goes on after its path. */
  readonly is: string;
  readonly next: string;
}

/** Files in the place of the store that this program neither works with nor replaces. */
export const UNFIT_STORES: Readonly<
  Record<Extract<StoreInspection['kind'], 'newer' | 'foreign'>, UnfitStore>
> = {
  newer: {
    code: 'store_newer',
    is: 'was written by a newer batchctl',
    next: 'use the newer batchctl',
  },
  foreign: {
    code: 'store_foreign',
    is: 'is not a store of batchctl',
    next: 'move the file away, or choose another workspace with -C',
  },
};

/** What keeps the file from being read, where its disk does not say more: something else in its place, too few handles. */
export function unreadableStore(message: string, error: StoreError | undefined): StoreError {
  const next = error?.next ?? 'put right what keeps it from being read';
  const why = error?.why ?? 'it cannot be read';
  if (error === undefined || error.code === 'store_io')
    return new StoreError(message, { code: 'store_unreadable', why, next });
  return new StoreError(message, { code: error.code, why, next, cause: error });
}
