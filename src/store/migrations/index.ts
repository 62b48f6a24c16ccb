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
