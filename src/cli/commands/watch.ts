import { closeSync, openSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { InterruptedError } from '../../core/errors.ts';
import { escapeJson } from '../../core/escape.ts';
import { isInterruption, signalOf } from '../../core/interruption.ts';
import { isFinal } from '../../core/job.ts';
import type { WatchLook } from '../../steps/watch-batches.ts';
import type { Context, Io } from '../context.ts';
import { ID_HELP, parseInterval } from '../flags.ts';
import { formatMany, formatTime } from '../output.ts';
import { pickWatched } from '../pick-watched.ts';
import type { Verdict } from '../report-error.ts';
import { describeChange, describeStatus, isWaitedFor, toRecords } from '../watch-records.ts';
import { formatWatch } from '../watch-table.ts';

interface WatchFlags {
  readonly interval?: number;
  readonly log?: string;
}

export function addWatchCommand(program: Command, io: Io): void {
  program
    .command('watch')
    .summary('look at pending batches until they have ended')
    .argument('[id...]', `${ID_HELP}; without any every pending batch`)
    .description(
      'Show every pending batch, a line each, and look again until none is pending. It only looks: it sends and retrieves ' +
        'nothing and may run beside a command that does. On a terminal the lines are drawn in place, else there is a line ' +
        'per change; with --json a line of JSON per batch and look.',
    )
    .option('--interval <duration>', 'look this often, instead of by the age of the batches', parseInterval)
    .option('--log <file>', 'append each look to this file as JSON Lines')
    .addHelpText(
      'after',
      '\nExamples:\n  $ batchctl watch\n  $ batchctl watch reviews reports --log looks.jsonl\n  $ batchctl watch --json | jq -r .processing_status\n',
    )
    .action((ids: string[], flags: WatchFlags, self: Command) =>
      io.run(self, (context) => watch(ids, flags, context)),
    );
}

async function watch(ids: readonly string[], flags: WatchFlags, context: Context): Promise<Verdict> {
  const pick = await pickWatched(ids, context);
  if (pick === null) {
    context.talk.say(`no job was ever built in ${context.wire.root}`);
    return 'done';
  }
  const log = flags.log === undefined ? null : openSync(resolve(context.cwd, flags.log), 'a');
  const face = chooseFace(context);
  // What is said after Ctrl-C stands below the table and must stay.
  context.signal.addEventListener('abort', () => context.screen?.stop());
  let last: WatchLook | null = null;
  const show = async (look: WatchLook): Promise<boolean> => {
    last = look;
    if (log !== null) writeSync(log, toLines(look));
    await face(look);
    return log !== null || !context.output.isClosed;
  };
  try {
    const { watchBatches } = await import('../../steps/watch-batches.ts');
    const deps = await context.wire.localDeps();
    const connect = (job: Parameters<typeof context.wire.deps>[0]) => context.wire.deps(job, context);
    const end = await watchBatches(pick, flags.interval ?? null, { ...deps, connect }, show, context.signal);
    context.screen?.stop();
    sayNext(end, context);
    return 'done';
  } catch (error) {
    if (isInterruption(error, context.signal)) throw explainInterruption(last, context.signal);
    throw error;
  } finally {
    context.screen?.stop();
    if (log !== null) closeSync(log);
  }
}

/** JSON Lines, a table that is drawn in place, or a line per change. */
function chooseFace(context: Context): (look: WatchLook) => Promise<void> {
  const { screen, output, clock, signal } = context;
  if (context.json) return (look) => output.write(toLines(look));
  if (screen !== null) {
    return async (look) => {
      if (!signal.aborted) screen.show((size) => formatWatch(look, clock.monotonicMs() - look.atMs, size));
    };
  }
  const seen = new Map<number, string>();
  let trouble = '';
  return async (look) => {
    for (const one of look.shards) {
      const status = `${describeStatus(one)} ${one.view.batch?.id ?? ''}`;
      if (seen.get(one.view.shard.id) === status) continue;
      seen.set(one.view.shard.id, status);
      await output.line(`${formatTime(look.at.toISOString())}  ${describeChange(one)}`);
    }
    const now = look.troubles
      .map((error) => [error.message, error.why].filter(Boolean).join(': '))
      .join('; ');
    if (now !== trouble)
      context.talk.say(now === '' ? 'looking works again' : `could not look: ${now}; it is tried again`);
    trouble = now;
  };
}

function toLines(look: WatchLook): string {
  return toRecords(look)
    .map((record) => `${escapeJson(JSON.stringify(record))}\n`)
    .join('');
}

function sayNext(look: WatchLook, { talk }: Context): void {
  const jobs = new Map(look.shards.map(({ job }) => [job.id, job]));
  const open = [...jobs.values()].filter((job) => !isFinal(job.state));
  if (jobs.size === 0) talk.say('nothing is pending');
  // Retrieved meanwhile, by somebody else.
  for (const { jobId, state } of jobs.values()) if (isFinal(state)) talk.say(`job ${jobId} is ${state}`);
  const [only, ...others] = open;
  if (only === undefined) return;
  if (others.length > 0) talk.say('next: batchctl resume');
  else if (only.state === 'built') talk.say(`next: batchctl submit ${only.jobId} --use-batch`);
  else if (only.state === 'ended') talk.say(`next: batchctl retrieve ${only.jobId}`);
  else talk.say(`next: batchctl resume ${only.jobId}`);
}

function explainInterruption(last: WatchLook | null, signal: AbortSignal): InterruptedError {
  const open = last?.shards.filter(isWaitedFor) ?? [];
  const requests = open.reduce((sum, { view }) => sum + view.shard.requests, 0);
  const batches = formatMany(open.length, 'batch', 'batches');
  return new InterruptedError('stopped watching', {
    code: 'interrupted',
    signal: signalOf(signal),
    ...(open.length === 0 ? {} : { why: `${batches} (${formatMany(requests, 'request')}) go on without it` }),
    next: 'batchctl watch looks again, batchctl resume takes in what has ended',
    cause: signal.reason,
  });
}
