import { APPLIED_EVENT } from './applied-event.ts';
import { parseFields } from './json-fields.ts';
import type { StreamCounts } from './results-check.ts';

/** What applying the results of one shard found that is not a row. Kept as an event: the last of a shard counts. */
export interface AppliedReport extends StreamCounts {
  readonly shardId: number;
  readonly stage: string;
  readonly shard: number;
  /** Null for a shard without a batch. */
  readonly batchId: string | null;
  /** Requests that have several lines with different content; the first one counts. */
  readonly conflicting: number;
  /** Sentences, the first 100. */
  readonly problems: readonly string[];
  /** How many there were in all. */
  readonly problemCount: number;
  /** Rows whose good answer could not be written to its path, as ranges of seqs, both ends included. */
  readonly refusedOutputs: SeqRanges;
  /** Rows whose module wanted no file, likewise. */
  readonly withoutOutput: SeqRanges;
}

/** Seqs in ascending order, both ends of a range included. */
export type SeqRanges = readonly (readonly [from: number, to: number])[];

export const MAX_PROBLEMS = 100;

/** Of each shard the last report: applying may have been cut off and repeated. */
export function readAppliedReports(
  events: readonly { readonly kind: string; readonly detailJson: string | null }[],
): readonly AppliedReport[] {
  const byShard = new Map<number, AppliedReport>();
  for (const { kind, detailJson } of events) {
    if (kind !== APPLIED_EVENT || detailJson === null) continue;
    const report = readReport(detailJson);
    byShard.set(report.shardId, report);
  }
  return [...byShard.values()].sort((a, b) => a.shardId - b.shardId);
}

/** By hand: `status` reads it, and zod costs more to load than Node takes to start. */
function readReport(json: string): AppliedReport {
  const report = parseFields('events.detail_json', json);
  return {
    shardId: report.number('shardId'),
    stage: report.text('stage'),
    shard: report.number('shard'),
    batchId: report.textOrNull('batchId'),
    distinct: report.number('distinct'),
    duplicate: report.number('duplicate'),
    unknown: report.number('unknown'),
    malformed: report.number('malformed'),
    conflicting: report.number('conflicting'),
    problems: report.texts('problems'),
    problemCount: report.number('problemCount'),
    refusedOutputs: report.pairs('refusedOutputs'),
    // Not in reports of earlier versions.
    withoutOutput: report.has('withoutOutput') ? report.pairs('withoutOutput') : [],
  };
}

/** Result lines that no row is read from, and that are no repetition either: of nobody's request, unreadable, contradicting. */
export function countStrangeLines(reports: readonly AppliedReport[]): number {
  return reports.reduce((sum, one) => sum + one.unknown + one.malformed + one.conflicting, 0);
}

/** Sorted seqs as ranges: rows that are refused are mostly neighbours. */
export function toRanges(seqs: readonly number[]): SeqRanges {
  const ranges: [number, number][] = [];
  for (const seq of [...seqs].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && seq <= last[1] + 1) last[1] = seq;
    else ranges.push([seq, seq]);
  }
  return ranges;
}

/** `ranges` in ascending order, as toRanges gives them. */
export function isInRanges(ranges: SeqRanges, seq: number): boolean {
  let [low, high] = [0, ranges.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const [from = 0, to = 0] = ranges[middle] ?? [];
    if (seq < from) high = middle - 1;
    else if (seq > to) low = middle + 1;
    else return true;
  }
  return false;
}

/** Shard → its good rows that have no file. */
export function rowsWithoutFile(reports: readonly AppliedReport[]): ReadonlyMap<number, SeqRanges> {
  return new Map(
    reports.map((one) => [
      one.shardId,
      [...one.refusedOutputs, ...one.withoutOutput].sort(([a], [b]) => a - b),
    ]),
  );
}

/** Sentences up to a limit, and how many there were. */
export class Problems {
  readonly sentences: string[] = [];
  count = 0;

  add(sentence: string, times = 1): void {
    if (times <= 0) return;
    this.count += times;
    if (this.sentences.length < MAX_PROBLEMS) this.sentences.push(sentence);
  }

  /** For a document: the sentences, and a last one that counts those that were left out. */
  list(): readonly string[] {
    const more = this.count - this.sentences.length;
    return more > 0 ? [...this.sentences, `and ${more} more`] : this.sentences;
  }
}
