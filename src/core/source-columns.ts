import { didYouMean } from './nearest.ts';
import type { Source } from './source.ts';

/** Columns that every record of a source has, as far as the job file alone tells. */
export interface KnownColumns {
  readonly names: readonly string[];
  /** There are no others. */
  readonly isAll: boolean;
}

export function knownColumns(source: Source): KnownColumns {
  switch (source.kind) {
    case 'axes':
      return { names: source.axes.map(({ name }) => name), isAll: true };
    case 'dir':
      return { names: ['stem', 'name', 'path', 'text'], isAll: source.meta === null };
    case 'text':
      return { names: ['text', 'line', 'file'], isAll: true };
    default:
      return { names: [], isAll: false };
  }
}

/** Why records cannot be asked for a column, or null. */
export function absentColumn(column: string, { names, isAll }: KnownColumns): string | null {
  if (!isAll || names.includes(column)) return null;
  const guess = didYouMean(column, names);
  return `there is no column "${column}"${guess === '' ? `; there are: ${names.join(', ')}` : guess}`;
}
