import type { CalculatedRow } from '../core/calculator.ts';
import { percentOf } from '../core/cost-rows.ts';
import { formatUsd } from '../core/money.ts';
import { formatPercent } from './cost-columns.ts';
import { type Column, formatCount, formatTable } from './output.ts';

/** The number of items stands where it begins. */
export function formatCalculation(rows: readonly CalculatedRow[]): string {
  const isFirst = (row: CalculatedRow): boolean => rows.find(({ items }) => items === row.items) === row;
  const columns: readonly Column<CalculatedRow>[] = [
    { title: 'ITEMS', value: (row) => (isFirst(row) ? formatCount(row.items) : ''), align: 'right' },
    { title: 'MODEL', value: ({ model }) => model },
    { title: 'REAL TIME', value: ({ realTime }) => formatUsd(realTime), align: 'right' },
    { title: 'BATCH', value: ({ batch }) => formatUsd(batch), align: 'right' },
    { title: 'SAVED', value: describeSaved, align: 'right' },
  ];
  return formatTable(columns, rows);
}

function describeSaved({ realTime, batch }: CalculatedRow): string {
  const saved = realTime - batch;
  const percent = percentOf(saved, realTime);
  return percent === null ? formatUsd(saved) : `${formatUsd(saved)} (${formatPercent(percent)})`;
}
