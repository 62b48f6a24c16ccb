import { type Command, InvalidArgumentError } from 'commander';
import { UsageError } from '../core/errors.ts';
import { type MicroUsd, microUsdOf } from '../core/money.ts';
import { parseWhole } from './flags.ts';

/** What the job may cost, said for one job. */
export interface MoneyFlags {
  readonly maxUsd?: MicroUsd;
}

/** What goes out before the rest. */
export interface FirstFlags {
  readonly pilot?: number;
  readonly pilotMinSuccess?: number;
  readonly prime?: boolean;
}

/** A larger sample is a job of its own. */
const MOST_PILOT_REQUESTS = 10_000;

export function addMoneyFlags(command: Command): Command {
  return command.option(
    '--max-usd <amount>',
    'the most that the job may cost, in all and from now on, instead of the budget of its file',
    parseUsd,
  );
}

export function addFirstFlags(command: Command): Command {
  return command
    .option('--pilot <n>', 'send a sample of n requests first, and the rest once it is good', (text) =>
      parseWhole(text, 1, MOST_PILOT_REQUESTS),
    )
    .option(
      '--pilot-min-success <share>',
      'with --pilot: go on without asking if this share is good, such as 0.95 or 95%',
      parseShare,
    )
    .option('--prime', 'send one request of each cached prompt first, so that the others find it cached');
}

/** Those that were given, as they are typed. */
export function firstFlagsGiven({ pilot, pilotMinSuccess, prime }: FirstFlags): readonly string[] {
  return [
    pilot === undefined ? null : '--pilot',
    pilotMinSuccess === undefined ? null : '--pilot-min-success',
    prime ? '--prime' : null,
  ].filter((flag) => flag !== null);
}

/** Before a long build: flags that need another one. `again` is the command without them. */
export function checkFirstFlags(flags: FirstFlags & { readonly useBatch?: boolean }, again: string): void {
  if (flags.pilotMinSuccess !== undefined && flags.pilot === undefined) {
    throw new UsageError('--pilot-min-success needs --pilot', {
      code: 'wrong_usage',
      why: 'it judges the sample that goes first',
      next: `${again} --pilot 20 --pilot-min-success ${flags.pilotMinSuccess}`,
    });
  }
  if (!flags.prime || flags.useBatch) return;
  throw new UsageError('--prime needs --use-batch', {
    code: 'use_batch_missing',
    why: 'in real time the first answers fill the cache for those after them anyway',
    next: `${again} --use-batch --prime`,
  });
}

export function parseUsd(text: string): MicroUsd {
  const micro = /^\d+(?:\.\d+)?$/.test(text) ? microUsdOf(Number(text)) : null;
  if (micro === null)
    throw new InvalidArgumentError('write US dollars with at most 6 decimals, such as 25 or 0.50.');
  return micro;
}

export function parseShare(text: string): number {
  const [, digits = '', sign] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text) ?? [];
  const share = digits === '' ? Number.NaN : Number(digits) / (sign === '%' ? 100 : 1);
  if (!(share >= 0 && share <= 1))
    throw new InvalidArgumentError('write a share from 0 to 1, such as 0.95, or 95%.');
  return share;
}
