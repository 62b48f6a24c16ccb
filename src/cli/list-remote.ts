import { hasEnded, sumCounts } from '../core/batch.ts';
import type { RemoteBatch } from '../steps/list-remote.ts';
import type { Context } from './context.ts';
import { noJob } from './find-or-adopt.ts';
import { type Column, formatCount, formatMany, formatTable, formatTime } from './output.ts';

const DEFAULT_LIMIT = 100;

/** The account's batches on stdout, newest first, as they come page by page. */
export async function listRemoteHere(limit: number | null, context: Context): Promise<void> {
  const { listRemote } = await import('../steps/list-remote.ts');
  const { wire, clock, signal, talk } = context;
  const provider = await (await wire.apis()).provider(noJob('list --remote', context), {
    emulator: context.emulator,
    isDryRun: true,
  });
  const store = await wire.existingStore();
  const print = context.json ? jsonPrinter(context) : tablePrinter(context);
  let count = 0;
  let unreadable = 0;
  let hasMore = false;
  for await (const page of listRemote(limit ?? DEFAULT_LIMIT, { provider, clock, store }, signal)) {
    await print.add(page.batches);
    count += page.batches.length;
    unreadable += page.unreadable;
    hasMore = page.hasMore;
  }
  await print.end();
  if (count === 0) talk.say('the account has no batches');
  if (hasMore) talk.say(`older ones are left out; --limit ${count * 10} shows more than the newest ${count}`);
  if (unreadable > 0)
    talk.warn(
      `${formatMany(unreadable, 'batch', 'batches')} left out: of a form that this version does not know`,
    );
}

interface Printer {
  add(batches: readonly RemoteBatch[]): Promise<void>;
  end(): Promise<void>;
}

function tablePrinter({ output }: Context): Printer {
  let isFirst = true;
  return {
    async add(batches) {
      if (batches.length === 0) return;
      const table = formatTable(COLUMNS, batches);
      await output.line(isFirst ? table : table.slice(table.indexOf('\n') + 1));
      isFirst = false;
    },
    async end() {},
  };
}

/** One list, in pieces: an account may have more batches than memory should hold. */
function jsonPrinter({ output }: Context): Printer {
  let isFirst = true;
  return {
    async add(batches) {
      for (const one of batches) {
        await output.write(isFirst ? '[\n' : ',\n');
        await output.jsonPiece(remoteDocument(one));
        isFirst = false;
      }
    },
    end: () => output.write(isFirst ? '[]\n' : '\n]\n'),
  };
}

/** What `list --remote --json` prints of a batch; docs/json.md describes it. */
function remoteDocument({ batch, owner, resultsUntil }: RemoteBatch): object {
  return {
    batch_id: batch.id,
    processing_status: batch.processingStatus,
    requests: sumCounts(batch.counts),
    request_counts: batch.counts,
    created_at: batch.createdAt,
    expires_at: batch.expiresAt,
    ended_at: batch.endedAt,
    archived_at: batch.archivedAt,
    results_until: resultsUntil,
    job_id: owner?.jobId ?? null,
    stage: owner?.stage ?? null,
    shard: owner?.shard ?? null,
    candidate: owner?.isCandidate ?? false,
  };
}

const COLUMNS: readonly Column<RemoteBatch>[] = [
  { title: 'BATCH', value: ({ batch }) => batch.id },
  { title: 'STATUS', value: ({ batch }) => batch.processingStatus },
  { title: 'REQUESTS', value: ({ batch }) => formatCount(sumCounts(batch.counts)), align: 'right' },
  { title: 'CREATED', value: ({ batch }) => formatTime(batch.createdAt) },
  { title: 'ENDS', value: ({ batch }) => describeEnd(batch) },
  { title: 'RESULTS UNTIL', value: ({ batch, resultsUntil }) => describeUntil(batch, resultsUntil) },
  { title: 'JOB', value: ({ owner }) => describeOwner(owner) },
];

function describeEnd(batch: RemoteBatch['batch']): string {
  return hasEnded(batch) ? `ended ${formatTime(batch.endedAt ?? '')}` : `by ${formatTime(batch.expiresAt)}`;
}

function describeUntil(batch: RemoteBatch['batch'], until: string | null): string {
  if (until !== null) return formatTime(until);
  return hasEnded(batch) ? 'gone' : '–';
}

function describeOwner(owner: RemoteBatch['owner']): string {
  if (owner === null) return '–';
  const shard = `${owner.jobId} ${owner.stage} ${owner.shard}`;
  return owner.isCandidate ? `${shard}?` : shard;
}
