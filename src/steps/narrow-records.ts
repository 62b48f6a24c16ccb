import { UsageError } from '../core/errors.ts';
import {
  type Condition,
  createMatcher,
  createSampler,
  type Narrowed,
  type Narrowing,
} from '../core/narrowing.ts';
import { didYouMean } from '../core/nearest.ts';
import type { RecordSource, SourceItem, SourceProblem, SourceReady, SourceRecord } from '../core/record.ts';
import { TemplateError, valueText } from '../core/template.ts';
import { RecordProblem } from './render-stage.ts';

/** An item of the source that is kept. */
export interface PlacedItem {
  readonly item: SourceItem;
  /** In the source, from 1: the number in `row-<n>`, the same whatever is kept. */
  readonly position: number;
}

export interface NarrowOptions {
  /** A column that one record lacks is in none. */
  readonly fixedColumns: boolean;
  /** For `missing`: whether all output files of a record are there. Throws RecordProblem, TemplateError. */
  readonly isDone: (item: SourceRecord | SourceReady, position: number) => Promise<boolean>;
}

export interface RecordNarrower {
  /** Can be read once. Throws UsageError `unknown_column` as soon as a record shows it. */
  items(signal: AbortSignal): AsyncGenerator<readonly PlacedItem[]>;
  /** So far. */
  narrowed(): Narrowed;
}

const CHUNK_ITEMS = 1_000;

/**
 * What a narrowing keeps of a source, in its order and in one pass; held are the records of a sample and nothing else. An
 * item that is no record comes through: nobody can tell whether it would have been left out.
 */
export function narrowRecords(
  source: RecordSource,
  narrowing: Narrowing,
  options: NarrowOptions,
): RecordNarrower {
  const conditions = narrowing.conditions.map((condition) => ({
    ...condition,
    ...createMatcher(condition.values),
  }));
  const leftOut = { select: 0, done: 0, offset: 0, sample: 0 };
  let records = 0;
  let kept = 0;
  let isWhole = false;

  async function* read(signal: AbortSignal): AsyncGenerator<readonly PlacedItem[]> {
    const sampler = narrowing.sample === null ? null : createSampler<PlacedItem>(narrowing.sample);
    let position = 0;
    let sampled = 0;
    for await (const chunk of source.items(signal)) {
      const keeping: PlacedItem[] = [];
      for (const item of chunk) {
        if (kept === narrowing.limit) {
          yield keeping;
          return;
        }
        position += 1;
        const found = await judge(item, position);
        if (found === null) continue;
        if (found.item.kind === 'problem') keeping.push(found);
        else if (sampler !== null) {
          sampled += 1;
          sampler.offer(withoutJson(found));
        } else if (leftOut.offset < narrowing.offset) leftOut.offset += 1;
        else {
          kept += 1;
          keeping.push(found);
        }
      }
      if (keeping.length > 0) yield keeping;
    }
    isWhole = true;
    const sample = sampler?.take() ?? [];
    kept += sample.length;
    leftOut.sample = sampled - sample.length;
    for (let at = 0; at < sample.length; at += CHUNK_ITEMS) yield sample.slice(at, at + CHUNK_ITEMS);
  }

  /** Null: left out by what concerns the record alone. */
  async function judge(item: SourceItem, position: number): Promise<PlacedItem | null> {
    if (item.kind === 'problem') return { item, position };
    records += 1;
    try {
      if (item.kind === 'record' && !isSelected(item)) {
        leftOut.select += 1;
        return null;
      }
      if (narrowing.missing && (await options.isDone(item, position))) {
        leftOut.done += 1;
        return null;
      }
      return { item, position };
    } catch (error) {
      if (!(error instanceof RecordProblem) && !(error instanceof TemplateError)) throw error;
      const problem: SourceProblem = { kind: 'problem', problem: error.message, at: item.at };
      return { item: problem, position };
    }
  }

  function isSelected({ fields }: SourceRecord): boolean {
    let isKept = true;
    let lacking: Condition | null = null;
    // All of them are asked, so that each value that occurs is seen.
    for (const condition of conditions) {
      if (!(condition.column in fields)) lacking ??= condition;
      else if (!condition.fits(valueText(fields[condition.column]))) isKept = false;
    }
    if (isKept && lacking !== null) throw noColumn(lacking, Object.keys(fields), options.fixedColumns);
    return isKept;
  }

  return {
    items: read,
    narrowed: () => ({
      records,
      kept,
      isWhole,
      leftOut: { ...leftOut },
      unmatched: isWhole
        ? conditions.flatMap(({ from, column, unmatched }) =>
            unmatched().map((value) => ({ from, column, value })),
          )
        : [],
    }),
  };
}

/** A sample holds its records, and the JSON of their columns would be as much again. */
function withoutJson(placed: PlacedItem): PlacedItem {
  if (placed.item.kind !== 'record') return placed;
  const { kind, fields, at } = placed.item;
  return { ...placed, item: { kind, fields, at } };
}

function noColumn({ from, column }: Condition, columns: readonly string[], isFixed: boolean): Error {
  const problem = `${from}: there is no column "${column}"${didYouMean(column, columns)}`;
  if (from === 'select' || !isFixed) return new RecordProblem(problem);
  return new UsageError(problem, {
    code: 'unknown_column',
    why: `the columns are: ${columns.join(', ')}`,
    next: 'name one of them',
  });
}
