import { type Command, InvalidArgumentError, Option } from 'commander';
import { DEFAULT_SETTLE_MS } from '../core/doubt.ts';
import { parseDuration } from '../core/duration.ts';
import { JOB_NAME } from '../core/job-file.ts';
import { DEFAULT_SHARD_LIMITS, requestsInFlight, type ShardLimits } from '../core/shard.ts';
import type { NarrowFlags } from './narrow-flags.ts';

/** Flags that several commands share, spelled and checked in one place. */
export interface BuildFlags extends NarrowFlags {
  readonly set: readonly string[];
  readonly new?: boolean;
  readonly changed?: boolean;
  readonly skipBad?: boolean;
  readonly maxShardRequests?: number;
  readonly maxShardMb?: number;
}

export interface WaitFlags {
  readonly interval?: number;
  readonly maxWait?: number;
  readonly settle: number;
  readonly notify?: string;
  readonly maxInFlight?: number;
}

const MOST_IN_FLIGHT = 1_000_000_000;
const MAX_SHARD_MB = DEFAULT_SHARD_LIMITS.maxBytes / 1_000_000;

export function addSetFlag(command: Command): Command {
  return command.option('--set <key=value>', 'override a key of the job file; may be repeated', collect, []);
}

export function addLimitFlags(command: Command): Command {
  return command
    .option('--max-shard-requests <n>', 'close a shard before this many requests', parseShardRequests)
    .option('--max-shard-mb <n>', 'close a shard before this many MB of request body', parseShardMb);
}

export function addBuildFlags(command: Command): Command {
  addSetFlag(command);
  command
    .option('--new', 'make a new job even if an unfinished one has the same content')
    .option('--skip-bad', 'leave out records that cannot become requests, and name them')
    .option('--changed', 'send only what has no answer in this workspace yet, and reuse the other answers');
  return addLimitFlags(command);
}

export function addWaitFlags(command: Command): Command {
  return command
    .option('--interval <duration>', 'look at the batches this often, instead of by their age', parseInterval)
    .option('--max-wait <duration>', 'stop waiting after this long and leave with 8', parseDurationFlag)
    .option(
      '--max-in-flight <n>',
      'let no more requests be in batches at once, of all jobs; further shards wait (default: as many as the API takes)',
      parseInFlight,
    )
    .option('--notify <url>', 'once the job is final, post its summary as JSON to this URL', parseNotifyUrl)
    .addOption(
      new Option(
        '--settle <duration>',
        'how long a submission in doubt must stay unseen before it is judged absent and sent again',
      )
        .argParser(parseDurationFlag)
        .default(DEFAULT_SETTLE_MS, '15m'),
    );
}

/** With -h of every command that takes one. */
export const ID_HELP = 'a job id, a batch id, "latest", a job\'s name (its newest job) or a unique prefix';

export function limitsOf(
  flags: Pick<BuildFlags, 'maxShardRequests' | 'maxShardMb'> & Pick<WaitFlags, 'maxInFlight'>,
): ShardLimits {
  return {
    maxRequests: requestsInFlight(flags.maxInFlight, flags.maxShardRequests),
    maxBytes:
      flags.maxShardMb === undefined
        ? DEFAULT_SHARD_LIMITS.maxBytes
        : Math.floor(flags.maxShardMb * 1_000_000),
  };
}

export function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

export function parseDurationFlag(text: string): number {
  const ms = parseDuration(text);
  if (ms === null) throw new InvalidArgumentError('write a duration such as 90s, 15m or 1h30m.');
  return ms;
}

/** As the job file's `name`. */
export function parseJobName(text: string): string {
  if (!JOB_NAME.test(text)) throw new InvalidArgumentError('write 1-40 letters, digits, - and _.');
  return text;
}

function parseNotifyUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:')
    throw new InvalidArgumentError('write an http or https URL.');
  if (url.username !== '' || url.password !== '')
    throw new InvalidArgumentError('leave the name and password out of it.');
  return url.href;
}

export function parseInterval(text: string): number {
  const ms = parseDurationFlag(text);
  if (ms < 100) throw new InvalidArgumentError('the shortest interval is 100ms.');
  return ms;
}

/** A whole number from `min` to `max`. */
export function parseWhole(text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) {
    throw new InvalidArgumentError(`write a whole number from ${min} to ${max}.`);
  }
  return value;
}

export function parsePositive(text: string, max: number): number {
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value > 0 && value <= max)) throw new InvalidArgumentError(`write a number above 0, up to ${max}.`);
  return value;
}

function parseInFlight(text: string): number {
  return parseWhole(text, 1, MOST_IN_FLIGHT);
}

function parseShardRequests(text: string): number {
  return parseWhole(text, 1, DEFAULT_SHARD_LIMITS.maxRequests);
}

function parseShardMb(text: string): number {
  return parsePositive(text, MAX_SHARD_MB);
}
