import type { Command } from 'commander';
import { UsageError } from '../core/errors.ts';
import { DEFAULT_SEED, type Narrowing, parseSelects } from '../core/narrowing.ts';
import { collect, parseWhole } from './flags.ts';
import { quoteArgument } from './quote-argument.ts';

/** Which records and which stages of a job file; all of them where no flag is given. */
export interface NarrowFlags {
  readonly select: readonly string[];
  readonly stage: readonly string[];
  readonly limit?: number;
  readonly offset?: number;
  readonly sample?: number;
  readonly seed?: number;
  readonly missing?: boolean;
}

const MAX_COUNT = 1_000_000_000;
const MAX_SEED = 2 ** 32 - 1;

const parseCount = (text: string): number => parseWhole(text, 1, MAX_COUNT);

export function addNarrowFlags(command: Command): Command {
  return command
    .option(
      '--select <column=value>',
      'only records with this value, or one of a range: teg=10-17; may be repeated',
      collect,
      [],
    )
    .option('--limit <n>', 'only the first n of them; the rest of the data is not read', parseCount)
    .option('--offset <n>', 'without the first n of them', (text) => parseWhole(text, 0, MAX_COUNT))
    .option('--sample <n>', 'n of them by chance, the same ones each time', parseCount)
    .option('--seed <n>', `with --sample: other ones; default ${DEFAULT_SEED}`, (text) =>
      parseWhole(text, 0, MAX_SEED),
    )
    .option('--missing', 'only records whose output file is not there, in one of the stages')
    .option(
      '--stage <name>',
      'only this stage, built from the output files of those it needs; may be repeated',
      collect,
      [],
    );
}

/** @throws UsageError when flags do not go together or a value cannot be read */
export function narrowingOf(flags: NarrowFlags): Narrowing {
  const conditions = parseSelects(flags.select);
  if ('bad' in conditions) {
    throw wrong(
      `--select ${conditions.bad} does not say which value of which column`,
      'it has no column=value',
    );
  }
  if (flags.sample === undefined && flags.seed !== undefined) {
    throw wrong('--seed has no effect without --sample', 'it chooses which records a sample takes');
  }
  const { limit, offset, sample } = flags;
  if (sample !== undefined && (limit !== undefined || offset !== undefined)) {
    const other = limit === undefined ? '--offset' : '--limit';
    throw wrong(`--sample cannot be used with ${other}`, 'each of them says how many records there are');
  }
  return {
    conditions,
    missing: flags.missing === true,
    offset: offset ?? 0,
    limit: limit ?? null,
    sample: sample === undefined ? null : { count: sample, seed: flags.seed ?? DEFAULT_SEED },
  };
}

function wrong(message: string, why: string): UsageError {
  return new UsageError(message, {
    code: 'wrong_usage',
    why,
    next: 'batchctl plan --help has examples',
  });
}

/** The flags that were given, as they would be typed again. */
export function writeNarrowFlags(flags: NarrowFlags): string {
  const number = (name: string, value: number | undefined): readonly string[] =>
    value === undefined ? [] : [`--${name} ${value}`];
  const given = [
    ...flags.select.map((text) => `--select ${quoteArgument(text)}`),
    ...number('limit', flags.limit),
    ...number('offset', flags.offset),
    ...number('sample', flags.sample),
    ...number('seed', flags.seed),
    ...(flags.missing === true ? ['--missing'] : []),
    ...flags.stage.map((name) => `--stage ${quoteArgument(name)}`),
  ];
  return given.map((flag) => ` ${flag}`).join('');
}
