import { StoreError } from '../core/errors.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import type { LeftOut } from '../steps/left-out.ts';
import type { RestoredReport } from '../steps/restore-job.ts';
import { type Column, formatCount, formatMany, formatTable } from './output.ts';
import { formatDoubts, isInDoubt } from './print-doubt.ts';
import type { RebuildReport } from './rebuild.ts';

/** What `--json` prints of a rebuild. Keys are only ever added; docs/json.md describes each. */
export function rebuildDocument(report: RebuildReport) {
  const { rebuilt, asked, movedTo, copies } = report;
  return {
    jobs: rebuilt.restored.map((job) => {
      const views = viewsOf(job, report);
      return {
        job_id: job.jobId,
        state: job.state,
        shards: views.length,
        batches: views.flatMap(({ batch }) => (batch === null ? [] : [batch.id])),
        in_doubt: views.filter(isInDoubt).map(({ shard, submission, candidates }) => ({
          stage: shard.stage,
          shard: shard.number,
          requests: shard.requests,
          sealed_at: sealedAt(submission),
          candidates: candidates
            .filter(({ verdict }) => verdict !== 'rejected')
            .map(({ batchId }) => batchId),
        })),
        reopened: job.isReopened,
        not_asked: asked.notAsked.get(job.jobId) ?? null,
        remarks: job.remarks,
      };
    }),
    left_out: rebuilt.leftOut.map((job) => ({
      job_id: job.jobId,
      code: job.code,
      why: job.why,
      batches: job.batches.map(({ batchId, requests, createdAt }) => ({
        batch_id: batchId,
        requests,
        created_at: createdAt,
      })),
      unanswered: job.unanswered.map(({ requests, sealedAt }) => ({ requests, sealed_at: sealedAt })),
      next: nextFor(job),
    })),
    cut_off: rebuilt.cutOff,
    adopted: rebuilt.adopted.map(({ jobId, batchId }) => ({ job_id: jobId, batch_id: batchId })),
    moved_to: movedTo,
    copies,
    not_recovered: NOT_RECOVERED,
  };
}

/** What no file holds. */
const NOT_RECOVERED = [
  'the history of each job: what happened when',
  'why single rows of later stages are held; the next run finds it again',
  'the looks at the account that an open doubt was settled by so far; it begins anew',
] as const;

export function formatRebuild(report: RebuildReport): string {
  const { rebuilt, asked, movedTo, copies } = report;
  const lines = [formatTable(columns(report), rebuilt.restored)];
  for (const job of rebuilt.restored) {
    for (const remark of job.remarks) lines.push(`${job.jobId}: ${remark}`);
    for (const doubt of formatDoubts(viewsOf(job, report))) lines.push(`${job.jobId}: ${doubt}`);
    const notAsked = asked.notAsked.get(job.jobId);
    if (notAsked !== undefined)
      lines.push(`${job.jobId}: ${notAsked}; the next run settles what is in doubt`);
    if (job.isReopened)
      lines.push(`${job.jobId}: was final; batchctl retrieve ${job.jobId} gets the missing results again`);
  }
  for (const jobId of rebuilt.cutOff)
    lines.push(
      `batch_requests/${jobId} is of a build that was cut off: nothing of it was sent, it may be removed`,
    );
  for (const { jobId, batchId } of rebuilt.adopted)
    lines.push(`${jobId}: its batch was made elsewhere; batchctl retrieve ${batchId} takes it in again`);
  for (const job of rebuilt.leftOut) lines.push(...formatLeftOut(job));
  lines.push('', `rebuilt ${formatMany(rebuilt.restored.length, 'job')}; nothing was sent`);
  for (const path of movedTo) lines.push(`the old database is kept: ${path}`);
  for (const path of copies) lines.push(`a copy of results that may be had from nowhere else: ${path}`);
  lines.push('not recovered:', ...NOT_RECOVERED.map((text) => `  ${text}`));
  return lines.join('\n');
}

/** The error that a rebuild leaves with which is not whole, after it has printed its report. */
export function jobsLeftOut({ rebuilt }: RebuildReport): StoreError {
  const { restored, leftOut } = rebuilt;
  const jobs = leftOut.map(({ jobId }) => jobId).join(', ');
  return new StoreError(`the database is there again without ${formatMany(leftOut.length, 'job')}: ${jobs}`, {
    code: 'jobs_left_out',
    why: `${formatMany(restored.length, 'job')} could be made again; the files of the others do not suffice`,
    next: 'what is said above of each; a submission of the same content stops until you have decided',
  });
}

function formatLeftOut(job: LeftOut): readonly string[] {
  const lines = ['', `NOT RESTORED: job ${job.jobId}`, `  why: ${job.why}`];
  for (const { batchId, requests, createdAt } of job.batches) {
    const size = requests === null ? '' : `, ${formatMany(requests, 'request')}`;
    lines.push(`  paid for it: ${batchId}${size}, created ${createdAt}`);
  }
  for (const { requests, sealedAt } of job.unanswered)
    lines.push(
      `  may be paid for it: a batch of ${formatMany(requests, 'request')}, sent ${sealedAt}, whose id is not known`,
    );
  return [...lines, ...nextFor(job).map((text) => `  next: ${text}`)];
}

function nextFor(job: LeftOut): readonly string[] {
  const where = job.hasJournal ? 'batchctl -C ANOTHER_FOLDER retrieve' : 'batchctl retrieve';
  return [
    job.next,
    ...job.batches.map(({ batchId }) => `${where} ${batchId} gets the results of that batch, paid already`),
    ...(job.unanswered.length === 0
      ? []
      : ['batchctl list --remote shows the batches of the account, by time and count']),
  ];
}

function columns(report: RebuildReport): readonly Column<RestoredReport>[] {
  const count = (job: RestoredReport, is: (view: ShardView) => boolean): string =>
    formatCount(viewsOf(job, report).filter(is).length);
  return [
    { title: 'JOB', value: ({ jobId }) => jobId },
    { title: 'STATE', value: ({ state }) => state },
    { title: 'SHARDS', align: 'right', value: (job) => count(job, () => true) },
    { title: 'BATCHES', align: 'right', value: (job) => count(job, ({ batch }) => batch !== null) },
    { title: 'IN DOUBT', align: 'right', value: (job) => count(job, isInDoubt) },
    { title: 'UNSENT', align: 'right', value: (job) => count(job, ({ shard }) => shard.state === 'built') },
  ];
}

function viewsOf(job: RestoredReport, { asked }: RebuildReport): readonly ShardView[] {
  return asked.views.get(job.jobId) ?? job.views;
}

function sealedAt(submission: ShardView['submission']): string | null {
  const ms = submission?.sealedMs ?? null;
  return ms === null ? null : new Date(ms).toISOString();
}
