import type { StoreError } from '../errors.ts';

/** What the database of a workspace is like, looked at without changing it. */
export interface StoreInspection {
  /** empty: nothing was ever written to it; older: the next command brings it to the newest layout. */
  readonly kind: 'absent' | 'empty' | 'sound' | 'older' | 'damaged' | 'foreign' | 'newer' | 'unreadable';
  /** The first faults that SQLite found, or why it could not look; empty where all is well. */
  readonly faults: readonly string[];
  /** Why it could not be looked at, with what to do; where it is unreadable only. */
  readonly error?: StoreError;
  readonly sqliteVersion: string | null;
  /** The ids of its jobs; empty where they cannot be read. */
  readonly jobIds: ReadonlySet<string>;
}
