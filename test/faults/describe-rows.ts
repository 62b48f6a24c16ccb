import { describe, it } from 'vitest';
import { runCase } from './bench.ts';
import type { FaultRow } from './row.ts';

/** Each case of the rows as a test of its own: `C5: …`. */
export function describeRows(step: string, rows: readonly FaultRow[]): void {
  const cases = rows.flatMap((row) => (row.cases ?? []).map((one) => ({ row: row.row, one })));
  describe.skipIf(cases.length === 0)(`faults: ${step}`, () => {
    for (const { row, one } of cases) it(`${row}: ${one.says}`, () => runCase(one));
  });
}
