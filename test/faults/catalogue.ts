import type { FaultRow } from './row.ts';
import { buildRows } from './rows/build.ts';
import { createRows } from './rows/create.ts';
import { filesRows } from './rows/files.ts';
import { goalsRows } from './rows/goals.ts';
import { intentRows } from './rows/intent.ts';
import { pollRows } from './rows/poll.ts';
import { processesRows } from './rows/processes.ts';
import { resultsRows } from './rows/results.ts';
import { retryRows } from './rows/retry.ts';
import { securityRows } from './rows/security.ts';
import { sourceRows } from './rows/source.ts';

/** Every row of the catalogue, by step. */
export const ROWS: readonly FaultRow[] = [
  ...sourceRows,
  ...buildRows,
  ...intentRows,
  ...createRows,
  ...pollRows,
  ...resultsRows,
  ...filesRows,
  ...retryRows,
  ...processesRows,
  ...securityRows,
  ...goalsRows,
];

/** How many rows each letter has: a row that is dropped, or numbered anew, is noticed. */
export const ROWS_OF_A_LETTER: Readonly<Record<string, number>> = {
  S: 13,
  B: 9,
  P: 5,
  I: 7,
  C: 16,
  D: 4,
  L: 11,
  R: 16,
  W: 9,
  X: 6,
  T: 7,
  K: 5,
  Q: 5,
  M: 6,
  Z: 10,
  G: 16,
};
