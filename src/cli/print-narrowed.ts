import type { Narrowed, Narrowing } from '../core/narrowing.ts';
import type { Context } from './context.ts';
import { formatCount, formatMany } from './output.ts';
import type { Verdict } from './report-error.ts';

const SHOWN_VALUES = 5;

/** What was left out, in one line on stderr, and the values that no record has. */
export function sayNarrowed(narrowed: Narrowed, narrowing: Narrowing, context: Context): void {
  const text = describeNarrowed(narrowed, narrowing);
  if (text !== null) context.talk.say(text);
  const more = narrowed.unmatched.length - SHOWN_VALUES;
  for (const [index, { from, column, value }] of narrowed.unmatched.slice(0, SHOWN_VALUES).entries()) {
    const rest = index === SHOWN_VALUES - 1 && more > 0 ? `, and ${formatCount(more)} more like it` : '';
    context.talk.warn(`${from}: no record has ${column} = ${value}${rest}`);
  }
}

/** Blank lines are no records, but nothing is left out silently. */
export function saySkipped(lines: number, { talk }: Context): void {
  if (lines > 0) talk.say(`${formatMany(lines, 'blank line')} skipped`);
}

/** `kept 12 of 400 records: 388 left out by select`; null when nothing was. */
export function describeNarrowed(narrowed: Narrowed, { limit, sample }: Narrowing): string | null {
  const { records, kept, isWhole, leftOut } = narrowed;
  const reasons = [
    leftOut.select > 0 ? `${formatCount(leftOut.select)} left out by select` : null,
    leftOut.done > 0 ? `${formatCount(leftOut.done)} with all output files there` : null,
    leftOut.offset > 0 ? `${formatCount(leftOut.offset)} before --offset` : null,
    sample === null ? null : `${formatCount(leftOut.sample)} not in the sample (--seed ${sample.seed})`,
    isWhole ? null : `the rest was not read (--limit ${limit})`,
  ].filter((reason) => reason !== null);
  if (reasons.length === 0) return null;
  const all = isWhole ? formatMany(records, 'record') : `the first ${formatMany(records, 'record')}`;
  return `kept ${formatCount(kept)} of ${all}: ${reasons.join(', ')}`;
}

/** The same in `plan --json`; docs/json.md describes it. */
export function narrowedDocument(narrowed: Narrowed, { sample }: Narrowing): object {
  const { select, done, offset, sample: notInSample } = narrowed.leftOut;
  return {
    records: narrowed.records,
    kept: narrowed.kept,
    whole: narrowed.isWhole,
    left_out: { select, done, offset, sample: notInSample },
    seed: sample?.seed ?? null,
    unmatched: narrowed.unmatched,
  };
}

/** The end of a build or submit with --missing whose output files are all there. */
export async function sayNothingMissing(context: Context): Promise<Verdict> {
  context.talk.say('nothing is missing; nothing was built');
  if (context.json) await context.output.json({ job_id: null, requests: 0 });
  return 'done';
}
