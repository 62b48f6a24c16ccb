import { UsageError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import { didYouMean } from '../core/nearest.ts';
import type { CreateTable, ResultsTable } from '../core/ports/results-table.ts';
import type { Template } from '../core/template.ts';
import { type ExportColumn, type FoundColumns, findColumns, pickColumns } from './export-columns.ts';
import { type CsvOptions, csvText } from './export-csv.ts';
import { jsonlText, jsonText } from './export-json.ts';
import { type ExportDeps, type ExportRow, exportRows } from './export-rows.ts';
import { fillTable, tableNames } from './export-table.ts';
import { templateText } from './export-template.ts';

/** What is made of the rows. `columns`: names of the export, in order; null for all. */
export type ExportForm =
  | { readonly kind: 'csv'; readonly columns: readonly string[] | null; readonly options: CsvOptions }
  | { readonly kind: 'json' | 'jsonl'; readonly columns: readonly string[] | null }
  | { readonly kind: 'template'; readonly template: Template }
  | {
      readonly kind: 'sqlite';
      readonly columns: readonly string[] | null;
      readonly create: CreateTable;
    };

/** Where text goes; nothing is written to it in the form of a table. */
export interface ExportText {
  /** Nobody reads it any more. */
  readonly isClosed: boolean;
  write(text: string): Promise<void>;
}

export interface ExportSummary {
  readonly rows: number;
  /** Known and no good. */
  readonly failed: number;
  readonly pending: number;
  /** As they are called in the export; null where it has none. */
  readonly columns: readonly string[] | null;
  /** Answer fields that gave way to a column of the data. */
  readonly renamed: readonly ExportColumn[];
}

/** The stage that an export is of: the last one unless `name` says. @throws UsageError `stage_not_found` */
export function pickStage(job: Job, name: string | undefined): string {
  const { stages } = job.spec;
  const stage = name === undefined ? stages.at(-1) : stages.find((one) => one === name);
  if (stage !== undefined) return stage;
  throw new UsageError(`job ${job.jobId} has no stage ${name}${didYouMean(name ?? '', stages)}`, {
    code: 'stage_not_found',
    why: `it has: ${stages.join(', ')}`,
    next: 'name one of them with --stage, or leave --stage out for the last one',
  });
}

/**
 * Every record of a stage with its answer, in input order, from one snapshot of the store. Changes nothing. Where columns
 * must be known before the first row, all rows are read twice.
 */
export function exportJob(
  job: Job,
  stage: string,
  form: ExportForm,
  text: ExportText,
  deps: ExportDeps,
  signal: AbortSignal,
): Promise<ExportSummary> {
  return deps.store.snapshot(async () => {
    const counts = { rows: 0, failed: 0, pending: 0 };
    const found = needsColumns(form) ? await findColumns(exportRows(job, stage, deps, signal)) : null;
    const columns = found === null ? null : choose(found, form);
    const rows = counted(exportRows(job, stage, deps, signal), counts);
    if (form.kind === 'sqlite') {
      await writeTable(form.create(tableNames(columns ?? []), job.spec), rows, columns ?? []);
    } else {
      for await (const piece of textOf(form, rows, columns)) {
        await text.write(piece);
        if (text.isClosed) break;
      }
    }
    const renamed = (found?.renamed ?? []).filter((column) => columns?.includes(column));
    return { ...counts, columns: columns?.map(({ name }) => name) ?? null, renamed };
  });
}

function needsColumns(form: ExportForm): boolean {
  return form.kind === 'csv' || form.kind === 'sqlite' || (form.kind !== 'template' && form.columns !== null);
}

function choose({ columns }: FoundColumns, form: ExportForm): readonly ExportColumn[] {
  return form.kind === 'template' || form.columns === null ? columns : pickColumns(columns, form.columns);
}

function textOf(
  form: Exclude<ExportForm, { readonly kind: 'sqlite' }>,
  rows: AsyncIterable<ExportRow>,
  columns: readonly ExportColumn[] | null,
): AsyncIterable<string> {
  switch (form.kind) {
    case 'csv':
      return csvText(rows, columns ?? [], form.options);
    case 'json':
      return jsonText(rows, columns);
    case 'jsonl':
      return jsonlText(rows, columns);
    case 'template':
      return templateText(rows, form.template);
  }
}

async function writeTable(
  table: ResultsTable,
  rows: AsyncIterable<ExportRow>,
  columns: readonly ExportColumn[],
): Promise<void> {
  try {
    await fillTable(table, rows, columns);
    table.finish();
  } finally {
    table.discard();
  }
}

async function* counted(
  rows: AsyncIterable<ExportRow>,
  counts: { rows: number; failed: number; pending: number },
): AsyncGenerator<ExportRow> {
  for await (const row of rows) {
    counts.rows += 1;
    if (row.status === 'pending') counts.pending += 1;
    else if (!row.isGood) counts.failed += 1;
    yield row;
  }
}
