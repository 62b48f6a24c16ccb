import { UsageError } from '../core/errors.ts';
import type { Db } from './open.ts';

/** How many of several jobs are named before «…». */
const NAMED_AT_MOST = 5;

interface FoundJob {
  readonly id: number;
  readonly jobId: string;
}

export type FindJob = ReturnType<typeof prepareFindJob>;

/**
 * What a user may call a job by, tried in this order: its id, a batch of it (also one that only may be its own),
 * `latest`, its name (the newest of that name), and the beginning of a job id or batch id. Jobs in `building` are no jobs
 * yet.
 */
export function prepareFindJob(db: Db) {
  const selectByJobId = db.prepare<{ text: string }, FoundJob>(`
    SELECT id, job_id AS jobId
    FROM jobs
    WHERE job_id = :text AND state <> 'building'
  `);
  // A candidate that was rejected is somebody else's.
  const selectByBatchId = db.prepare<{ from: string; to: string }, FoundJob>(`
    SELECT DISTINCT jobs.id, jobs.job_id AS jobId
    FROM batches
    LEFT JOIN candidates ON candidates.batch_id = batches.batch_id AND candidates.verdict <> 'rejected'
    JOIN submissions ON submissions.id IN (batches.submission_id, candidates.submission_id)
    JOIN shards ON shards.id = submissions.shard_id
    JOIN stages ON stages.id = shards.stage_id
    JOIN jobs ON jobs.id = stages.job_id
    WHERE batches.batch_id >= :from AND batches.batch_id <= :to
    LIMIT ${NAMED_AT_MOST + 1}
  `);
  const selectLatest = db.prepare<[], FoundJob>(`
    SELECT id, job_id AS jobId
    FROM jobs
    WHERE state <> 'building'
    ORDER BY id DESC
    LIMIT 1
  `);
  const selectByName = db.prepare<{ text: string }, FoundJob>(`
    SELECT id, job_id AS jobId
    FROM jobs
    WHERE name = :text AND state <> 'building'
    ORDER BY id DESC
    LIMIT 1
  `);
  const selectByPrefix = db.prepare<{ from: string; to: string }, FoundJob>(`
    SELECT id, job_id AS jobId
    FROM jobs
    WHERE job_id >= :from AND job_id <= :to AND state <> 'building'
    ORDER BY id DESC
    LIMIT ${NAMED_AT_MOST + 1}
  `);

  /** @throws UsageError `job_not_found`, `job_ambiguous` */
  return function findJobId(text: string): number {
    const byJobId = selectByJobId.get({ text });
    if (byJobId !== undefined) return byJobId.id;
    const byBatchId = selectByBatchId.all({ from: text, to: text });
    if (byBatchId.length > 0) return theOnly(text, byBatchId);
    const byName = text === 'latest' ? selectLatest.get() : selectByName.get({ text });
    if (byName !== undefined) return byName.id;

    // Text compares by its UTF-8 bytes, and nothing sorts after the last code point.
    const range = { from: text, to: `${text}\u{10ffff}` };
    const byPrefix = text === '' ? [] : [...selectByPrefix.all(range), ...selectByBatchId.all(range)];
    return theOnly(text, [...new Map(byPrefix.map((job) => [job.id, job])).values()]);
  };
}

function theOnly(text: string, found: readonly FoundJob[]): number {
  const [first, second] = found;
  if (first === undefined) {
    throw new UsageError(`no job is called "${text}"`, {
      code: 'job_not_found',
      why: 'it is no job id, batch id or job name of this workspace, nor the beginning of an id',
      next: 'batchctl list --all',
    });
  }
  if (second === undefined) return first.id;
  const named = found.slice(0, NAMED_AT_MOST).map((job) => job.jobId);
  throw new UsageError(`"${text}" may mean several jobs`, {
    code: 'job_ambiguous',
    why: `${named.join(', ')}${found.length > NAMED_AT_MOST ? ', …' : ''}`,
    next: 'use more of the job id',
  });
}
