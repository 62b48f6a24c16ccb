import { formatShortDuration } from '../core/duration.ts';
import { escapeText } from '../core/escape.ts';
import type { WatchedShard, WatchLook } from '../steps/watch-batches.ts';
import { formatCount, formatMany } from './output.ts';
import { fitEnd, fitMiddle, type ScreenSize, widthOf } from './screen.ts';
import { describeStatus, isWaitedFor, labelOf } from './watch-records.ts';

interface Cell {
  readonly title: string;
  readonly value: (one: WatchedShard, sinceMs: number) => string;
  readonly align?: 'right';
}

const STATUS: Cell = { title: 'STATUS', value: (one) => describeStatus(one) };
const ELAPSED: Cell = {
  title: 'ELAPSED',
  value: (one, sinceMs) => {
    if (one.elapsedMs === null) return '-';
    return formatShortDuration(one.elapsedMs + (isWaitedFor(one) ? sinceMs : 0));
  },
  align: 'right',
};

const EXPIRES: Cell = {
  title: 'EXPIRES IN',
  value: ({ expiresInMs }, sinceMs) => {
    if (expiresInMs === null) return '-';
    return expiresInMs < sinceMs ? 'past' : formatShortDuration(expiresInMs - sinceMs);
  },
  align: 'right',
};
const EARLIER: Cell = {
  title: 'EARLIER',
  value: ({ earlier }) => (earlier === null ? '-' : formatShortDuration(earlier.medianMs)),
  align: 'right',
};

/** As many as there is room for, in this order. */
const MORE: readonly Cell[] = [
  { title: 'REQUESTS', value: ({ view }) => formatCount(view.shard.requests), align: 'right' },
  EXPIRES,
  EARLIER,
  { title: 'BATCH', value: ({ view }) => view.batch?.id ?? '-' },
];

const MIN_LABEL = 14;

/**
 * A look as lines for a terminal of this size, `sinceMs` after it. Nothing reaches the last column, where terminals differ
 * in when they wrap.
 */
export function formatWatch(look: WatchLook, sinceMs: number, size: ScreenSize): readonly string[] {
  const room = size.width - 1;
  const table = layOut(look.shards, sinceMs, room);
  const footer = formatFooter(look, sinceMs, room, table.titles);
  // The title above, the cursor below.
  const rows = Math.max(1, size.height - 2 - footer.length);
  const shown = look.shards.length > rows ? pickShown(look.shards, Math.max(1, rows - 1)) : look.shards;
  const hidden = look.shards.length - shown.length;
  return [
    ...(shown.length > 0 ? [table.head] : []),
    ...look.shards.flatMap((one, index) => (shown.includes(one) ? [table.lines[index] ?? ''] : [])),
    ...(hidden > 0 ? [`… and ${formatMany(hidden, 'more line')}`] : []),
    ...footer,
  ].map((line) => fitEnd(line, room).trimEnd());
}

/** What has ended makes room first. */
function pickShown(shards: readonly WatchedShard[], rows: number): readonly WatchedShard[] {
  return [...shards.filter(isWaitedFor), ...shards.filter((one) => !isWaitedFor(one))].slice(0, rows);
}

interface Table {
  readonly titles: readonly string[];
  readonly head: string;
  readonly lines: readonly string[];
}

function layOut(shards: readonly WatchedShard[], sinceMs: number, room: number): Table {
  const toColumn = ({ title, value, align }: Cell) => {
    const cells = [title, ...shards.map((one) => escapeText(value(one, sinceMs)))];
    const width = Math.max(...cells.map(widthOf));
    const pad = (cell: string): string => ' '.repeat(width - widthOf(cell));
    const padded = cells.map((cell) => (align === 'right' ? pad(cell) + cell : cell + pad(cell)));
    return { title, width, cells: padded };
  };
  const columns = [toColumn(STATUS), toColumn(ELAPSED)];
  const used = (): number => columns.reduce((sum, { width }) => sum + width + 2, 0);
  for (const cell of MORE) {
    const column = toColumn(cell);
    if (used() + column.width + 2 + MIN_LABEL > room) break;
    columns.push(column);
  }
  const labels = ['JOB', ...shards.map((one) => escapeText(labelOf(one)))];
  const labelWidth = Math.max(3, Math.min(Math.max(...labels.map(widthOf)), room - used()));
  const [head = '', ...lines] = labels.map((label, index) =>
    [fitMiddle(label, labelWidth).padEnd(labelWidth), ...columns.map(({ cells }) => cells[index] ?? '')].join(
      '  ',
    ),
  );
  return { titles: columns.map(({ title }) => title), head, lines };
}

/** The facts below the table, and those that found no room in it: side by side where they fit, else a line each. */
function formatFooter(
  look: WatchLook,
  sinceMs: number,
  room: number,
  titles: readonly string[],
): readonly string[] {
  const open = look.shards.filter(isWaitedFor);
  const batches = look.shards.filter(({ view }) => view.batch !== null);
  const requests = open.reduce((sum, { view }) => sum + view.shard.requests, 0);
  const of = open.length === batches.length ? '' : ` of ${batches.length}`;
  const state =
    open.length === 0
      ? 'no batch is pending'
      : `${open.length}${of} ${open.length === 1 && of === '' ? 'batch' : 'batches'} pending, ${formatMany(requests, 'request')}`;
  const first = open.toSorted((a, b) => (a.expiresInMs ?? 0) - (b.expiresInMs ?? 0))[0];
  const parts = [
    state,
    first === undefined || titles.includes(EXPIRES.title)
      ? null
      : `first expires in ${EXPIRES.value(first, sinceMs)}`,
    titles.includes(EARLIER.title) ? null : describeEarlier(open),
    look.nextLookMs === null ? null : `next look in ${formatShortDuration(look.nextLookMs - sinceMs)}`,
  ].filter((part) => part !== null);
  const joined = parts.join('; ');
  return [
    ...(widthOf(joined) <= room ? [joined] : parts),
    ...look.troubles.map((error) =>
      escapeText(`could not look: ${[error.message, error.why].filter(Boolean).join(': ')}`),
    ),
  ];
}

function describeEarlier(open: readonly WatchedShard[]): string | null {
  const medians = open.flatMap(({ earlier }) => (earlier === null ? [] : [earlier.medianMs]));
  if (medians.length === 0) return null;
  const least = formatShortDuration(Math.min(...medians));
  const most = formatShortDuration(Math.max(...medians));
  return `earlier ones took ${least === most ? least : `${least} to ${most}`} (median)`;
}
