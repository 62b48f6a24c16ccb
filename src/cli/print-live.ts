import type { LiveAnswer } from '../core/live-record.ts';
import type { LiveReport } from './live.ts';
import { type Column, formatTable } from './output.ts';

/** What `--json` prints of it. Keys are only ever added; docs/json.md describes each. */
export function liveDocument({ record, path, earlier }: LiveReport) {
  return { ...record, path, earlier };
}

export function formatLive({ record, path, earlier }: LiveReport): string {
  const lines = earlier.flatMap(({ path: at, canceled, maybe, why }) => [
    `${at}: ${why ?? (canceled.length === 0 ? 'nothing of it was running' : `canceled ${canceled.join(', ')}`)}`,
    ...(maybe.length === 0 ? [] : [`${at}: ${maybe.join(', ')} may be of it too, or somebody else's`]),
  ]);
  lines.push(
    formatTable(COLUMNS, record.answers),
    '',
    `batches: ${formatBatches(record)}`,
    `written to ${path}`,
  );
  return lines.join('\n');
}

function formatBatches({ batches }: LiveReport['record']): string {
  const made = batches.filter(({ batch_id }) => batch_id !== null);
  const listed = made.map(
    ({ batch_id, state }) => `${batch_id} ${state === 'ended' ? 'ended' : 'MAY BE RUNNING'}`,
  );
  const lost = batches.filter(({ state, batch_id }) => state === 'in_doubt' && batch_id === null);
  return (
    [...listed, ...lost.map(({ requests }) => `one of ${requests} requests MAY BE RUNNING`)].join(', ') ||
    'none'
  );
}

const COLUMNS: readonly Column<LiveAnswer>[] = [
  { title: 'PROBE', value: ({ probe }) => probe },
  { title: 'QUESTION', value: ({ question }) => question },
  { title: 'ANSWER', value: ({ answer }) => answer ?? 'not asked' },
  {
    title: '',
    value: ({ as_assumed }) => (as_assumed === false ? 'NOT AS ASSUMED' : as_assumed ? 'as assumed' : ''),
  },
  {
    title: 'SECONDS',
    align: 'right',
    value: ({ answer, seconds }) => (answer === null ? '' : seconds.toFixed(1)),
  },
  { title: 'DETAIL', value: ({ detail }) => detail },
];
