import { damagedColumn } from '../core/json-fields.ts';

/** Always of the same length, so that times compare as text. */
export function toTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** @throws StoreError `store_damaged` */
export function fromTime(column: string, time: string): number {
  const ms = Date.parse(time);
  if (Number.isNaN(ms)) throw damagedColumn(column);
  return ms;
}
