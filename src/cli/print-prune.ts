import { isNeverSubmitted, NOTHING, type Size } from '../core/prune-rules.ts';
import type { SizedFile } from '../steps/find-prunable.ts';
import { type Column, formatBytes, formatCount, formatMany, formatTable, formatTime } from './output.ts';
import type { PruneReport } from './prune-jobs.ts';

type Entry = PruneReport['jobs'][number];
type What = Pick<Entry, 'what'>;

function sumFiles(files: readonly SizedFile[]): Size {
  return { files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) };
}

export function sumOf({ jobs }: { readonly jobs: readonly What[] }): Size {
  const sizes = jobs.flatMap(({ what }) => [
    sumFiles([...what.leftovers, ...what.requests]),
    what.results,
    what.everything,
  ]);
  return sizes.reduce(
    (sum, one) => ({ files: sum.files + one.files, bytes: sum.bytes + one.bytes }),
    NOTHING,
  );
}

/** What `--json` prints. Keys are only ever added; docs/json.md describes each. */
export function pruneDocument(report: PruneReport) {
  const { files, bytes } = sumOf(report);
  return {
    dry_run: !report.isDone,
    files,
    bytes,
    database_bytes: report.databaseBytes,
    jobs: report.jobs.map(({ job, what, kept }) => ({
      job_id: job.jobId,
      state: job.state,
      finished_at: job.finalAt,
      requests: { ...sumFiles(what.requests), rows_without_retry: countUnanswered(what) },
      results: what.results,
      leftovers: sumFiles(what.leftovers),
      everything: what.everything,
      rows: what.rows,
      kept,
    })),
    left: report.left.map(({ job, left }) => ({ job_id: job.jobId, reason: left.reason, why: left.why })),
  };
}

/** The report for people. `isNamed`: the user named the jobs, and hears of each of them. */
export function formatPrune(report: PruneReport, isNamed: boolean): string {
  const { files, bytes } = sumOf(report);
  const size = `${formatBytes(bytes)} in ${formatMany(files, 'file')} of ${formatMany(report.jobs.length, 'job')}`;
  const sum =
    report.jobs.length === 0 ? 'nothing to prune' : report.isDone ? `removed ${size}` : `to remove: ${size}`;
  const built = report.left.filter(({ left }) => left.reason === 'never_submitted').length;
  const left = report.left.filter(({ left }) => isNamed || !ORDINARY.has(left.reason));
  return [
    ...(report.jobs.length === 0 ? [] : [formatTable(COLUMNS, report.jobs), '']),
    ...report.jobs.flatMap(({ kept }) => kept.map((text) => `kept ${text}`)),
    ...left.map(({ job, left }) => `left alone: ${job.jobId}, ${left.why}`),
    ...(built > 0 && !isNamed ? [`left alone: ${formatMany(built, 'job')} never submitted (--built)`] : []),
    sum,
    ...(report.databaseBytes > 0 ? [`the database is ${formatBytes(report.databaseBytes)} smaller`] : []),
  ].join('\n');
}

/** Of every workspace that is in use, and no news. */
const ORDINARY: ReadonlySet<string> = new Set(['unfinished', 'too_young', 'never_submitted']);

/** What cannot be done any more without these files. */
export function formatLosses({ jobs }: PruneReport): readonly string[] {
  const texts: string[] = [];
  if (jobs.some(({ what }) => what.requests.length > 0))
    texts.push('without its file of requests `show` has no prompt of a row');
  const rows = jobs.reduce((sum, { what }) => sum + countUnanswered(what), 0);
  if (rows > 0) texts.push(`\`retry\` cannot send ${formatMany(rows, 'row')} again that failed`);
  if (jobs.some(({ what }) => what.results.files > 0))
    texts.push('results and outputs come back by `retrieve`, from the raw results, which stay');
  const wholes = jobs.filter(({ what }) => what.everything.files > 0 || what.rows > 0);
  if (wholes.some(({ job }) => isNeverSubmitted(job)))
    texts.push('a job that was never submitted is built again by `build`, from the data as it is then');
  const answered = wholes.filter(({ job }) => !isNeverSubmitted(job));
  if (answered.length > 0) {
    const rows = answered.reduce((sum, { what }) => sum + what.rows, 0);
    texts.push(
      `the answers of ${formatMany(answered.length, 'job')} (${formatMany(rows, 'row')}) are gone for good, raw results and outputs in their folders included; ` +
        '`--changed` asks, and pays, for them again',
    );
  }
  return texts;
}

function countUnanswered({ requests }: Entry['what']): number {
  return requests.reduce((sum, { unanswered }) => sum + unanswered, 0);
}

const COLUMNS: readonly Column<Entry>[] = [
  { title: 'JOB', value: ({ job }) => job.jobId },
  {
    title: 'FINISHED',
    value: ({ job }) => (job.finalAt === null ? 'never submitted' : formatTime(job.finalAt)),
  },
  { title: 'SIZE', align: 'right', value: (entry) => formatBytes(sumOf({ jobs: [entry] }).bytes) },
  { title: 'WHAT', value: ({ what }) => describe(what) },
];

function describe({ requests, results, leftovers, everything }: Entry['what']): string {
  return [
    everything.files === 0 ? null : `all ${formatMany(everything.files, 'file')}`,
    requests.length === 0 ? null : `${formatMany(requests.length, 'file')} of requests`,
    results.files === 0 ? null : `${formatCount(results.files)} of results and outputs`,
    leftovers.length === 0 ? null : `${formatCount(leftovers.length)} left over`,
  ]
    .filter((part) => part !== null)
    .join(', ');
}
