import type { CostRow } from '../core/cost-rows.ts';
import type { CostSummary } from '../steps/cost-summary.ts';
import { savingColumns } from './cost-columns.ts';
import { formatTable } from './output.ts';

/** What a workspace has cost, by month, model and job. */
export function formatSummary({ total, months, models }: CostSummary, jobs: readonly CostRow[]): string {
  const tables = [
    formatTable(savingColumns('MONTH'), [...months, { ...total, name: 'all' }]),
    formatTable(savingColumns('MODEL'), models),
    formatTable(savingColumns('JOB'), jobs),
  ];
  return tables.join('\n\n');
}
