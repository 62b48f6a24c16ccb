import { promptTokens } from '../core/billing.ts';
import { type CostRow, type CostSum, savedAgainst } from '../core/cost-rows.ts';
import { formatUsd, formatUsdOrUnknown, type MicroUsd } from '../core/money.ts';
import { type Column, formatCount } from './output.ts';

export interface CostTableRow extends CostRow {
  /** The likely estimate of the same part. */
  readonly likely?: MicroUsd | null;
}

/** Of the tables of one job. Input is all of the prompt, cached or not. */
export function costColumns(title: string, more?: 'with_estimate'): readonly Column<CostTableRow>[] {
  const estimate: Column<CostTableRow> = {
    title: 'ESTIMATE',
    value: ({ likely }) => (likely === null || likely === undefined ? '' : formatUsd(likely)),
    align: 'right',
  };
  return [
    { title, value: ({ name }) => name },
    { title: 'ANSWERS', value: ({ answers }) => formatCount(answers), align: 'right' },
    { title: 'INPUT', value: (row) => formatCount(promptTokens(row)), align: 'right' },
    { title: 'OUTPUT', value: ({ output }) => formatCount(output), align: 'right' },
    ...(more === 'with_estimate' ? [estimate] : []),
    { title: 'COST', value: formatAtLeast, align: 'right' },
    { title: 'REAL TIME', value: ({ realTime }) => formatUsdOrUnknown(realTime), align: 'right' },
  ];
}

/** Of the tables over many jobs. */
export function savingColumns(title: string): readonly Column<CostRow>[] {
  return [
    { title, value: ({ name }) => name },
    { title: 'ANSWERS', value: ({ answers }) => formatCount(answers), align: 'right' },
    { title: 'COST', value: formatAtLeast, align: 'right' },
    { title: 'REAL TIME', value: ({ realTime }) => formatUsdOrUnknown(realTime), align: 'right' },
    {
      title: 'SAVED',
      value: ({ realTime, cost }) => formatUsdOrUnknown(savedAgainst(realTime, cost)),
      align: 'right',
    },
  ];
}

/** What is known of a cost, and that there is more. */
export function formatAtLeast({ cost, known }: CostSum): string {
  if (cost !== null) return formatUsd(cost);
  return known > 0 ? `${formatUsd(known)} + ?` : 'unknown';
}

/** `8.3 %`. */
export function formatPercent(percent: number): string {
  return `${percent.toFixed(1)} %`;
}
