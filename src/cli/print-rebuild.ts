import type { ShardView } from '../core/ports/store-views.ts';
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
  lines.push('', `rebuilt ${formatMany(rebuilt.restored.length, 'job')}; nothing was sent`);
  for (const path of movedTo) lines.push(`the old database is kept: ${path}`);
  for (const path of copies) lines.push(`a copy of results that may be had from nowhere else: ${path}`);
  lines.push('not recovered:', ...NOT_RECOVERED.map((text) => `  ${text}`));
  return lines.join('\n');
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
