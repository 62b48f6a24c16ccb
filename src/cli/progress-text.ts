import { formatDuration } from '../core/duration.ts';
import type { Progress, QueuedFor } from '../core/ports/progress.ts';
import { formatBytes, formatCount, formatMany } from './output.ts';
import { formatVerdict } from './print-pilot.ts';

/** How one piece of progress is shown. */
export interface Shown {
  /** A sentence that stays on the screen; null when nothing has changed that is worth one. */
  readonly line: string | null;
  /** What goes on meanwhile, for a spinner; `sinceMs` is the time since it was reported. */
  readonly live: ((sinceMs: number) => string) | null;
  /** The same where there is no spinner; printed once for as long as it does not change. Null: nothing to tell. */
  readonly plain: string | null;
}

/** Pure: the same progress at the same time reads the same. `now` only turns a length of time into a clock time. */
export function describeProgress(progress: Progress, now: Date): Shown {
  switch (progress.kind) {
    case 'building':
      return live('building requests', () => `building: ${formatMany(progress.requests, 'request')}`);
    case 'indexing':
      return live(
        'reading the requests of earlier jobs',
        () => `reading the requests of earlier jobs: ${formatCount(progress.requests)}`,
      );
    case 'built':
      return line(
        `built ${progress.jobId}: ${formatMany(progress.requests, 'request')} in ${formatMany(progress.shards, 'shard')}`,
      );
    case 'carried_on':
      return line(
        `carrying on ${progress.jobId}, an unfinished job of the same content (--new makes another one)`,
      );
    case 'uploading': {
      const what = `sending ${shardName(progress)} (${formatMany(progress.requests, 'request')})`;
      const total = formatBytes(progress.bytes);
      return live(`${what}: ${total}`, () => `${what}: ${formatBytes(progress.bytesSent)} of ${total}`);
    }
    case 'created':
      return line(
        `${shardName(progress)} is batch ${progress.batchId} (${formatMany(progress.requests, 'request')})`,
      );
    case 'waiting':
      return {
        line: `${progress.why}; waiting ${formatDuration(progress.ms)}`,
        live: (sinceMs) => `waiting, ${formatDuration(Math.max(0, progress.ms - sinceMs))} left`,
        plain: null,
      };
    case 'queue_full':
      return line(describeQueue(progress));
    case 'in_doubt':
    case 'provisional':
    case 'verified':
    case 'absent':
    case 'late_duplicate':
      return line(describeDoubt(progress, now));
    case 'polled':
      return describePolled(progress);
    case 'not_found':
      return line(`batch ${progress.batchId} was not found: ${progress.why}`);
    case 'downloading': {
      const what = `downloading the results of ${progress.batchId}`;
      return live(what, () => `${what}: ${formatBytes(progress.bytes)}`);
    }
    case 'answering':
      return describeAnswering(progress);
    case 'applying': {
      const what = `reading the results${progress.batchId === null ? '' : ` of ${progress.batchId}`}`;
      const total = formatMany(progress.requests, 'row');
      return live(`${what}: ${total}`, () => `${what}: ${formatCount(progress.rows)} of ${total}`);
    }
    case 'writing':
      return live('writing the results', () => `writing the results: ${formatMany(progress.rows, 'row')}`);
    case 'pilot_judged':
      return line(formatVerdict(progress.verdict).join('\n'));
    case 'notice':
    case 'problem':
      return line(progress.text);
  }
}

function describeQueue(progress: Extract<Progress, { kind: 'queue_full' }>): string {
  const { requests, inFlight, limit, nextTryMs } = progress;
  const allowed = limit === null ? '' : `, of ${formatCount(limit)} that --max-in-flight allows`;
  const tried = nextTryMs === null ? '' : `, or is tried again in ${formatDuration(nextTryMs)}`;
  return [
    `waiting for queue room: ${formatMany(inFlight, 'request')} in flight${allowed}${describeTakers(progress.takers)}`,
    `${shardName(progress)} (${formatMany(requests, 'request')}) goes once batches have ended${tried}`,
    ...progress.takers.flatMap(({ jobId, inDoubt, holder }) => {
      if (inDoubt === 0) return [];
      const settles = holder === null ? `batchctl resume ${jobId}` : holder;
      return [
        `${formatCount(inDoubt)} of job ${jobId} are in doubt and count until that is settled: ${settles}`,
      ];
    }),
  ].join('; ');
}

const MOST_TAKERS = 3;

function describeTakers(takers: readonly { readonly jobId: string; readonly requests: number }[]): string {
  if (takers.length === 0) return '';
  const named = takers
    .slice(0, MOST_TAKERS)
    .map(({ jobId, requests }) => `${formatCount(requests)} of job ${jobId}`);
  const rest = takers.slice(MOST_TAKERS);
  const requests = rest.reduce((sum, one) => sum + one.requests, 0);
  if (rest.length > 0) named.push(`${formatCount(requests)} of ${formatMany(rest.length, 'more job')}`);
  return ` (${named.join(', ')})`;
}

type Doubt = Extract<
  Progress,
  { kind: 'in_doubt' | 'provisional' | 'verified' | 'absent' | 'late_duplicate' }
>;

/** What the user is told while nobody knows whether a batch exists: never less than the facts. */
function describeDoubt(progress: Doubt, now: Date): string {
  switch (progress.kind) {
    case 'in_doubt': {
      const decision = new Date(now.getTime() + progress.settleMs).toISOString().slice(11, 16);
      return (
        `${capital(shardName(progress))} (${formatMany(progress.requests, 'request')}): ${progress.why}. ` +
        'It may or may not have been created. Nothing of it will be sent again until that is known. ' +
        `Checking the workspace's batches; decision by ${decision} UTC (${formatDuration(progress.settleMs)}).`
      );
    }
    case 'provisional': {
      const [first = '', ...others] = progress.batchIds;
      const count = formatMany(progress.requests, 'request');
      if (others.length > 0) {
        return (
          `Shard ${progress.shard}: found ${progress.batchIds.length} batches with exactly ${count} since its upload ` +
          `began: ${progress.batchIds.join(', ')}. One of them may be ours; their results will tell when they end ` +
          '(at most 24 h). Not sending it again.'
        );
      }
      return (
        `Shard ${progress.shard}: found one batch with exactly ${count} since its upload began: ${first}. ` +
        'Treating it as ours; its results will confirm that when it ends (at most 24 h). Not sending it again.'
      );
    }
    case 'verified':
      return `Shard ${progress.shard}: batch ${progress.batchId} is ours, its results prove it.`;
    case 'absent':
      return (
        `Shard ${progress.shard}: ${formatMany(progress.looks, 'complete listing')} over ` +
        `${formatDuration(progress.settleMs)} show no such batch. Sending it again. ` +
        'The earlier submission stays under watch for a day.'
      );
    case 'late_duplicate':
      return (
        `Shard ${progress.shard}: batch ${progress.batchId} has turned up although it was judged not to exist. ` +
        'The same requests are paid twice where both end: look at both in the Console and cancel the one that has not. ' +
        'A row with a good answer keeps it, one without takes the other batch’s, which is kept beside it; its cost is shown.'
      );
  }
}

/** The API's counts stay at zero until a batch has ended, so there is nothing that a bar could show. */
function describePolled(progress: Extract<Progress, { kind: 'polled' }>): Shown {
  const { pending, ended, doubts, requests, nextLookMs, room } = progress;
  const open = pending - ended;
  const batches =
    ended === 0
      ? `${formatMany(pending, 'batch', 'batches')} in progress`
      : `${open} of ${formatMany(pending, 'batch', 'batches')} in progress, ${ended} ended`;
  const parts = [
    pending > 0 ? `${batches}, ${formatMany(requests, 'request')}` : null,
    doubts > 0 ? `${formatMany(doubts, 'shard')} in doubt` : null,
  ].filter((part) => part !== null);
  const what = parts.length > 0 ? parts.join('; ') : 'waiting to send';
  // A job without a batch of its own has no time but that of its wait.
  const elapsedMs = parts.length === 0 && room !== undefined ? room.waitedMs : progress.elapsedMs;
  const shown = room === undefined ? what : describeRoom(room, parts);
  return {
    line: null,
    live: (sinceMs) => {
      const next = nextLookMs === null ? '' : `; next look in ${formatSeconds(nextLookMs - sinceMs)}`;
      const tryMs = room?.nextTryMs ?? null;
      const tried = tryMs === null ? '' : `, next try in ${formatSeconds(tryMs - sinceMs)}`;
      return `${shown}, ${formatSeconds(elapsedMs + sinceMs)} so far${next}${tried}`;
    },
    // What waits for room has had its line.
    plain: open > 0 || doubts > 0 ? what : null,
  };
}

function describeRoom({ requests, inFlight }: QueuedFor, parts: readonly string[]): string {
  const wait = `${requests === 1 ? 'waits' : 'wait'} for queue room`;
  if (parts.length > 0) return [...parts, `${formatCount(requests)} ${wait}`].join('; ');
  return `${formatMany(requests, 'request')} ${wait}, ${formatCount(inFlight)} in flight`;
}

/** Without a spinner a line a tenth: what is there by then, never a promise. */
function describeAnswering(progress: Extract<Progress, { kind: 'answering' }>): Shown {
  const { answered, requests, perMinute, underWay, pausedMs } = progress;
  const total = formatMany(requests, 'request');
  const tenths = requests === 0 ? 0 : Math.floor((answered * 10) / requests);
  const left = perMinute === null || perMinute <= 0 ? null : ((requests - answered) / perMinute) * 60_000;
  return {
    line: null,
    live: (sinceMs) =>
      [
        `${formatCount(answered)} of ${total} answered`,
        pausedMs > sinceMs ? `the API asks for a pause of ${formatSeconds(pausedMs - sinceMs)}` : null,
        perMinute === null ? null : `${formatCount(Math.round(perMinute))} a minute`,
        left === null ? null : `${formatSeconds(left)} left at this rate`,
        underWay === 0 ? null : `${formatCount(underWay)} under way`,
      ]
        .filter((part) => part !== null)
        .join(', '),
    plain: tenths === 0 ? `asking ${total} one by one` : `${tenths * 10} % of ${total} answered`,
  };
}

/** Whole seconds, so that what ticks does not flicker. */
function formatSeconds(ms: number): string {
  return ms < 1000 ? '0 s' : formatDuration(ms);
}

function shardName(progress: {
  readonly stage: string | null;
  readonly shard: number;
  readonly shards: number;
}): string {
  const name = `shard ${progress.shard}/${progress.shards}`;
  return progress.stage === null ? name : `${progress.stage} ${name}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const line = (text: string): Shown => ({ line: text, live: null, plain: null });

const live = (plain: string, text: (sinceMs: number) => string): Shown => ({ line: null, live: text, plain });
