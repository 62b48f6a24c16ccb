import { UsageError } from '../core/errors.ts';

export interface CostFlags {
  readonly table?: boolean;
  readonly items?: number;
  readonly input?: number;
  readonly output?: number;
  readonly model: readonly string[];
  readonly limit?: number;
  readonly all?: boolean;
  readonly csv?: boolean;
}

/** What `cost` was asked for. */
export type CostQuestion =
  | { readonly kind: 'job'; readonly id: string }
  | { readonly kind: 'all_jobs'; readonly limit: number }
  | { readonly kind: 'prices'; readonly id: string | null }
  | {
      readonly kind: 'calculator';
      readonly items: number;
      readonly input: number;
      readonly output: number;
      readonly models: readonly string[];
    };

const JOBS_SHOWN = 20;
const JOB_FILE = /\.(?:ya?ml|jsonl)$/;

/** The flags as one question. @throws UsageError for what does not go together */
export function askedCost(
  id: string | null,
  flags: CostFlags,
  { json }: { readonly json: boolean },
): CostQuestion {
  const { items, input, output, model, limit, all, table, csv } = flags;
  if (csv && json) throw contradiction('--csv', '--json');
  if (all && limit !== undefined) throw contradiction('--all', '--limit');
  const counted = Object.entries({ '--items': items, '--input': input, '--output': output }).filter(
    ([, value]) => value !== undefined,
  );
  const [calculated = model.length > 0 ? '--model' : null] = counted.map(([name]) => name);
  const [listed = all ? '--all' : null] = limit === undefined ? [] : ['--limit'];
  if (calculated !== null) {
    if (id !== null) throw contradiction(calculated, 'a job');
    if (table) throw contradiction(calculated, '--table');
    if (listed !== null) throw contradiction(calculated, listed);
    if (items === undefined || input === undefined || output === undefined)
      throw new UsageError(`${calculated} is for the calculator, which needs --items, --input and --output`, {
        code: 'wrong_usage',
        next: 'batchctl cost --items 10000 --input 3000 --output 2000',
      });
    return { kind: 'calculator', items, input, output, models: model };
  }
  if (id !== null) refuseFile(id);
  if (table) {
    if (listed !== null) throw contradiction('--table', listed);
    return { kind: 'prices', id };
  }
  if (id === null) return { kind: 'all_jobs', limit: all ? Number.POSITIVE_INFINITY : (limit ?? JOBS_SHOWN) };
  if (listed !== null) throw contradiction(listed, 'a job');
  return { kind: 'job', id };
}

function contradiction(one: string, other: string): UsageError {
  return new UsageError(`${one} and ${other} do not go together`, {
    code: 'wrong_usage',
    next: 'leave one of them out',
  });
}

function refuseFile(text: string): void {
  if (!JOB_FILE.test(text)) return;
  throw new UsageError(`${text} is a file, and no job yet`, {
    code: 'not_a_job',
    why: 'cost tells of jobs that were built: a job id, a name, latest',
    next: `batchctl plan ${text} says what it would cost`,
  });
}
