import { type Command, Option } from 'commander';
import { type AnswerOptions, DEFAULT_ANSWERING, MAX_CONCURRENCY } from '../core/answering.ts';
import { parseWhole } from './flags.ts';

/** How fast requests are asked that do not go as batches. */
export interface PaceFlags {
  readonly concurrency?: number;
  readonly rpm?: number;
  readonly tpm?: number;
}

const MOST_A_MINUTE = 1_000_000_000;

export function addPaceFlags(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--concurrency <n>',
        `in real time: this many requests at once (${DEFAULT_ANSWERING.concurrency} if not said)`,
      ).argParser((text) => parseWhole(text, 1, MAX_CONCURRENCY)),
    )
    .option('--rpm <n>', 'in real time: at most this many requests a minute', parseRate)
    .option('--tpm <n>', 'in real time: at most this many tokens a minute, in and out', parseRate);
}

export function answeringOf(flags: PaceFlags): AnswerOptions {
  return {
    ...DEFAULT_ANSWERING,
    concurrency: flags.concurrency ?? DEFAULT_ANSWERING.concurrency,
    requestsPerMinute: flags.rpm ?? null,
    tokensPerMinute: flags.tpm ?? null,
  };
}

/** Those that were given, as they are typed. */
export function paceFlagsGiven({ concurrency, rpm, tpm }: PaceFlags): readonly string[] {
  return Object.entries({ '--concurrency': concurrency, '--rpm': rpm, '--tpm': tpm })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name);
}

function parseRate(text: string): number {
  return parseWhole(text, 1, MOST_A_MINUTE);
}
