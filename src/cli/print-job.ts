import { isFinal, sideOf } from '../core/job.ts';
import { countFailed, type JobDocument, type LateDuplicateDocument } from '../core/job-document.ts';
import { formatUsd } from '../core/money.ts';
import { describePruned } from '../core/pruned.ts';
import { countRetriable } from '../core/retry-rule.ts';
import type { UnsentDocument } from '../core/unsent.ts';
import type { LocalDeps } from '../steps/deps.ts';
import { withHolder } from './at-work.ts';
import type { Context } from './context.ts';
import { type Column, formatCount, formatMany, formatTable, formatTime } from './output.ts';
import { describeBill } from './print-bill.ts';
import type { Verdict } from './report-error.ts';

type BatchRow = JobDocument['batches'][number];

/** The job on stdout, and the next command on stderr. */
export async function printJob(described: JobDocument, context: Context): Promise<void> {
  const document = await withHolder(described, context);
  if (context.json) {
    await context.output.json(document);
    return;
  }
  await context.output.line(await formatJob(document, await context.wire.localDeps()));
  await sayNext(document, context);
}

export async function sayNext(document: JobDocument, context: Context): Promise<void> {
  const next = nextCommand(document);
  if (next === null) return;
  const { command, remark = null, isNewJob = false } = next;
  const flag = (await isFlagNeeded(document, isNewJob, context)) ? ' --emulator' : '';
  context.talk.say(`next: ${command}${flag}${remark === null ? '' : `   (${remark})`}`);
}

/** Only a job that was never sent has no home yet; later commands find the emulator by themselves, but for another job. */
async function isFlagNeeded(
  { state, job_id }: JobDocument,
  isNewJob: boolean,
  { emulator, wire }: Context,
): Promise<boolean> {
  if (!isNewJob) return emulator && state === 'built';
  return sideOf(await (await wire.localDeps()).store.findJob(job_id)) === 'emulator';
}

/** The job as a person reads it. */
export async function formatJob(document: JobDocument, deps: Pick<LocalDeps, 'store'>): Promise<string> {
  const lines = [
    `job       ${document.job_id}`,
    `state     ${document.state}`,
    `requests  ${formatCount(document.requests)}${document.mode === 'real_time' ? ' in real time' : ''}${describeRows(document)}`,
  ];
  const { input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens } =
    document.usage;
  if (output_tokens > 0) {
    const cached = cache_read_input_tokens + cache_creation_input_tokens;
    const cache =
      cached === 0
        ? ''
        : `, cache ${formatCount(cache_creation_input_tokens)} written and ${formatCount(cache_read_input_tokens)} read`;
    lines.push(`tokens    ${formatCount(input_tokens)} in, ${formatCount(output_tokens)} out${cache}`);
  }
  if (document.at_work !== undefined) lines.push(`at work   ${document.at_work}`);
  if (document.unsent !== undefined) lines.push(`unsent    ${describeUnsent(document.unsent)}`);
  const bill = await describeBill(document, deps);
  if (bill !== null) lines.push(`cost      ${bill}`);
  for (const one of document.late_duplicates ?? []) lines.push(`twice     ${describeDuplicate(one)}`);
  const strange = document.strange_lines ?? 0;
  if (strange > 0)
    lines.push(
      `strange   ${formatMany(strange, 'line')} of the results that no row is read from: batchctl verify ${document.job_id}`,
    );
  for (const text of document.pruned === undefined ? [] : describePruned(document.pruned, document.job_id))
    lines.push(`pruned    ${text}`);
  const arePruned = (document.pruned?.results_at ?? document.pruned?.answers_at ?? null) !== null;
  if (isFinal(document.state) && document.output_dir !== undefined && !arePruned) {
    lines.push(`results   ${document.output_dir}/results.jsonl`);
    if (countFailed(document) > 0) lines.push(`failed    ${document.output_dir}/failed.jsonl`);
  }
  if (document.batches.length > 0) lines.push('', formatTable(batchColumns(document), document.batches));
  return lines.join('\n');
}

function describeUnsent({ shards, of, requests, waits_for, max_in_flight }: UnsentDocument): string {
  const what = `${formatCount(shards)} of ${formatMany(of, 'batch', 'batches')} (${formatMany(requests, 'request')})`;
  const [waits, are] = shards === 1 ? ['waits', 'is'] : ['wait', 'are'];
  if (waits_for !== 'queue_room') return `${what} ${are} not sent yet`;
  return max_in_flight === null
    ? `${what} ${waits} for room in the account's queue`
    : `${what} ${waits} for room: --max-in-flight ${formatCount(max_in_flight)}`;
}

/** What was paid beside the answers that count. */
export function describeDuplicate({
  batch_id,
  shard,
  answers,
  cost_microusd,
  file,
}: LateDuplicateDocument): string {
  const what = `${batch_id}, a second batch of shard ${shard}, was paid too`;
  if (answers === null) return `${what}; its results are not here yet`;
  const cost =
    cost_microusd === null ? 'at a price that is not known' : `${formatUsd(cost_microusd)}, part of the cost`;
  return `${what}: ${formatMany(answers, 'answer')}, ${cost}; kept in ${file}`;
}

function describeRows(document: JobDocument): string {
  const { succeeded, errored, canceled, expired, missing, held } = document;
  const statuses = Object.entries({ succeeded, errored, canceled, expired, missing, held }).filter(
    ([, count]) => count > 0,
  );
  if (statuses.length === 0) return '';
  const text = statuses.map(([status, count]) => `${formatCount(count)} ${status}`).join(', ');
  const failures = Object.entries(document.failures).map(([name, count]) => `${formatCount(count)} ${name}`);
  return failures.length === 0 ? `: ${text}` : `: ${text} (no good: ${failures.join(', ')})`;
}

function batchColumns(document: JobDocument): readonly Column<BatchRow>[] {
  const hasGroups = document.batches.some((batch) => batch.group !== null);
  return [
    { title: 'SHARD', value: (batch) => `${batch.stage} ${batch.shard}` },
    ...(hasGroups ? [{ title: 'GROUP', value: (batch: BatchRow) => batch.group ?? '' }] : []),
    { title: 'BATCH', value: (batch) => batch.batch_id },
    { title: 'REQUESTS', value: (batch) => formatCount(batch.requests), align: 'right' },
    { title: 'STATUS', value: (batch) => batch.processing_status },
    { title: 'CREATED', value: (batch) => formatTime(batch.created_at) },
    { title: 'EXPIRES', value: (batch) => formatTime(batch.expires_at) },
  ];
}

interface Next {
  readonly command: string;
  readonly remark?: string;
  /** It makes another job, which does not know where this one was sent. */
  readonly isNewJob?: true;
}

/** What a user would type next; null when nothing is left to do. */
function nextCommand(document: JobDocument): Next | null {
  const { state, mode, job_id: id, failures, adopted, pruned, at_work, unsent } = document;
  const way = mode === 'real_time' ? '' : ' --use-batch';
  if ((pruned?.answers_at ?? null) !== null) return null;
  const stop = isCanceling(document) ? {} : { remark: `stop it: batchctl cancel ${id}` };
  // What carries the job on is at it. Neither of these needs its lock.
  if (at_work !== undefined) return { command: `batchctl watch ${id}`, ...stop };
  switch (state) {
    case 'built':
      return { command: `batchctl submit ${id} --use-batch` };
    case 'submitting':
    case 'in_doubt': {
      // It is kept with nothing: without it all that the API takes would go.
      const limit = unsent?.max_in_flight ?? null;
      return { command: `batchctl resume ${id}${limit === null ? '' : ` --max-in-flight ${limit}`}` };
    }
    case 'in_progress':
    case 'ended':
      return { command: `batchctl retrieve ${id} --wait`, ...stop };
    case 'done':
    case 'canceled':
    case 'failed': {
      const retriable = adopted === true ? 0 : countRetriable(failures);
      if (retriable > (pruned?.rows_without_retry ?? 0))
        return {
          command: `batchctl retry ${id}`,
          remark: `what went wrong: batchctl show ${id} <custom_id>`,
        };
      if (retriable > 0) {
        const remark = 'what retry would send again was pruned; this builds it anew from the job file';
        return { command: `batchctl submit${way} --changed`, remark, isNewJob: true };
      }
      return Object.keys(failures).length === 0
        ? { command: `batchctl verify ${id}` }
        : {
            command: `batchctl show ${id} <custom_id>`,
            remark: 'what went wrong with a row of failed.jsonl',
          };
    }
    // A job that is building, or a database that somebody wrote into.
    default:
      return null;
  }
}

/** That was asked for already, and some of it is still under way. */
function isCanceling({ batches }: JobDocument): boolean {
  return batches.some((batch) => batch.processing_status === 'canceling');
}

/** 0, 3 or 8 for the commands that carry a job on. */
export function verdictOf(document: JobDocument): Verdict {
  if (!isFinal(document.state)) return 'pending';
  return document.state === 'done' && isAllGood(document) ? 'done' : 'failed_rows';
}

function isAllGood(document: JobDocument): boolean {
  // A line that contradicts another one, or is nobody's, may be somebody's missing answer: a script must hear of it too.
  const isPlain = (document.strange_lines ?? 0) === 0;
  return isPlain && document.succeeded === document.requests && countFailed(document) === 0;
}

export function describePending(document: JobDocument): string {
  const open = document.batches.filter((batch) => batch.processing_status !== 'ended');
  const requests = open.reduce((sum, batch) => sum + batch.requests, 0);
  return `${formatMany(open.length, 'batch', 'batches')} (${formatMany(requests, 'request')})`;
}
