import type { NewRow, RowClash } from './store-views.ts';

/** Finds ids and output paths that clash, for a dry run: what the store's indexes do for a build. */
export interface ScratchIds {
  addIds(rows: readonly Pick<NewRow, 'seq' | 'customId' | 'outputFold'>[]): readonly RowClash[];
  close(): void;
}
