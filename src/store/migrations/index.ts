import { initial } from './0001-initial.ts';
import { attemptsAndStages } from './0002-attempts-and-stages.ts';
import { spending } from './0003-spending.ts';
import { identity } from './0004-identity.ts';

/** A change of the schema. Once released it is never edited; a mistake is mended by the next one. */
export interface Migration {
  /** From 1, without gaps; `PRAGMA user_version` holds the last one that was applied. */
  readonly number: number;
  readonly name: string;
  readonly sql: string;
}

/** In order. Append only. */
export const migrations: readonly Migration[] = [initial, attemptsAndStages, spending, identity];

/** The tables that all of these make, and how many columns each has. */
export const COLUMNS: Readonly<Record<string, number>> = {
  migrations: 4,
  accounts: 5,
  jobs: 16,
  stages: 6,
  records: 5,
  shards: 19,
  requests: 10,
  submissions: 12,
  batches: 19,
  candidates: 4,
  looks: 5,
  events: 7,
  past_attempts: 8,
  holds: 3,
  contents: 3,
  indexed_shards: 1,
  identity: 5,
};
