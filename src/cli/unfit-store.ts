import type { StoreInspection } from '../core/ports/inspection.ts';

interface UnfitStore {
  readonly code: string;
  /** Goes on after its path. */
  readonly is: string;
  readonly next: string;
}

/** Files in the place of the store that this program neither works with nor replaces. */
export const UNFIT_STORES: Readonly<
  Record<Extract<StoreInspection['kind'], 'newer' | 'foreign' | 'unreadable'>, UnfitStore>
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
  unreadable: {
    code: 'store_unreadable',
    is: 'cannot be read',
    next: 'put right what keeps it from being read',
  },
};
