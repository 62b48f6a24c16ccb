import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ROWS, ROWS_OF_A_LETTER } from './catalogue.ts';

const TESTS = fileURLToPath(new URL('..', import.meta.url));

describe('the catalogue of faults', () => {
  it('has every row, numbered once', () => {
    const numbers = ROWS.map(({ row }) => row);
    expect(new Set(numbers).size).toBe(numbers.length);
    for (const [letter, count] of Object.entries(ROWS_OF_A_LETTER))
      expect([letter, numbers.filter((row) => row.startsWith(letter)).length]).toEqual([letter, count]);
  });

  it.each(ROWS.map((row) => [row.row, row] as const))('%s has a test, or a reason', (_number, row) => {
    const proofs = (row.cases?.length ?? 0) + (row.shownBy?.length ?? 0) + (row.reason === undefined ? 0 : 1);
    expect(proofs).toBeGreaterThan(0);
    if (row.reason !== undefined) expect(row.reason.length).toBeGreaterThan(20);
  });

  it.each(
    ROWS.flatMap(({ row, shownBy = [] }) => shownBy.map(({ file, title }) => [row, file, title] as const)),
  )('%s is shown by %s: %s', (_number, file, title) => {
    expect(readFileSync(join(TESTS, file), 'utf8')).toContain(title);
  });
});
