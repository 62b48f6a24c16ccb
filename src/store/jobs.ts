import { StoreError } from '../core/errors.ts';
import type { Job, JobMode, JobSpec, JobState } from '../core/job.ts';
import { SIDE } from './accounts.ts';
import { readSpec } from './json-columns.ts';
import type { Db } from './open.ts';
import type { Stages } from './stages.ts';

export type Jobs = ReturnType<typeof prepareJobs>;

interface JobRow extends Omit<Job, 'spec' | 'account' | 'stages'> {
  readonly specJson: string;
  readonly baseUrl: string | null;
  readonly keyFingerprint: string | null;
}

const SELECT_JOB = `
  SELECT jobs.id, jobs.job_id AS jobId, jobs.name, jobs.state, jobs.spec_json AS specJson, jobs.mode, jobs.records,
    jobs.created_at AS createdAt, jobs.submit_requested_at AS submitRequestedAt,
    jobs.cancel_requested_at AS cancelRequestedAt, jobs.final_at AS finalAt,
    accounts.base_url AS baseUrl, accounts.key_fingerprint AS keyFingerprint
  FROM jobs
  LEFT JOIN accounts ON accounts.id = jobs.account_id`;

/** `isTaken`: whether a job that the database may have forgotten has this id; its files must not become another job's. */
export function prepareJobs(db: Db, stages: Stages, isTaken: (jobId: string) => boolean = () => false) {
  const toJob = ({ specJson, baseUrl, keyFingerprint, ...job }: JobRow): Job => {
    const account = baseUrl === null || keyFingerprint === null ? null : { baseUrl, keyFingerprint };
    return { ...job, account, spec: readSpec(specJson), stages: stages.facts(job.id) };
  };

  const insertJob = db.prepare<{ jobId: string; name: string; specJson: string; createdAt: string }>(`
    INSERT INTO jobs (job_id, name, spec_json, state, created_at)
    VALUES (:jobId, :name, :specJson, 'building', :createdAt)
  `);
  const selectTaken = db.prepare<{ jobId: string }>(`
    SELECT 1
    FROM jobs
    WHERE job_id = :jobId
  `);
  const selectById = db.prepare<{ id: number }, JobRow>(`
    ${SELECT_JOB}
    WHERE jobs.id = :id
  `);
  const selectNewest = db.prepare<{ pendingOnly: number; limit: number }, JobRow>(`
    ${SELECT_JOB}
    WHERE jobs.state <> 'building' AND (NOT :pendingOnly OR jobs.final_at IS NULL)
    ORDER BY jobs.id DESC
    LIMIT :limit
  `);
  const selectFinalWithout = db.prepare<{ kind: string }, JobRow>(`
    ${SELECT_JOB}
    WHERE jobs.final_at IS NOT NULL
      AND NOT EXISTS (
        SELECT 1
        FROM events
        WHERE events.job_id = jobs.id
          AND events.kind = :kind
          AND events.detail_json ->> '$.final_at' = jobs.final_at
      )
    ORDER BY jobs.id
  `);
  const selectBuilding = db.prepare<[], JobRow>(`
    ${SELECT_JOB}
    WHERE jobs.state = 'building'
    ORDER BY jobs.id
  `);
  const selectUnfinished = db.prepare<
    { contentSha256: string; on: JobSpec['on']; exceptId: number },
    JobRow
  >(`
    ${SELECT_JOB}
    WHERE jobs.content_sha256 = :contentSha256
      AND jobs.id <> :exceptId
      AND jobs.state NOT IN ('building','done','canceled','failed')
      AND jobs.cancel_requested_at IS NULL
      AND ${SIDE} = :on
    ORDER BY jobs.id DESC
    LIMIT 1
  `);
  const selectFinished = db.prepare<{ id: number; on: JobSpec['on'] }, JobRow>(`
    ${SELECT_JOB}
    WHERE jobs.content_sha256 = (SELECT content_sha256 FROM jobs WHERE id = :id)
      AND jobs.id <> :id
      AND jobs.state = 'done'
      AND CASE WHEN accounts.base_url LIKE 'emulator:%' THEN 'emulator' ELSE 'api' END = :on
    ORDER BY jobs.id DESC
    LIMIT 1
  `);
  const updateWithdrawn = db.prepare<{ id: number }>(`
    UPDATE jobs
    SET submit_requested_at = NULL, account_id = NULL, mode = NULL
    WHERE id = :id
  `);
  const updateBuilt = db.prepare<{ id: number; records: number; contentSha256: string }>(`
    UPDATE jobs
    SET state = 'built', records = :records, content_sha256 = :contentSha256
    WHERE id = :id AND state = 'building'
  `);
  const updateState = db.prepare<{ id: number; state: JobState }>(`
    UPDATE jobs
    SET state = :state
    WHERE id = :id
  `);
  const updateUnbuilt = db.prepare<{ id: number }>(`
    UPDATE jobs
    SET state = 'building', final_at = NULL
    WHERE id = :id
  `);
  const updateFinal = db.prepare<{ id: number; state: JobState; finalAt: string }>(`
    UPDATE jobs
    SET state = :state, final_at = :finalAt
    WHERE id = :id
  `);
  const updateSubmitRequested = db.prepare<{ id: number; accountId: number; mode: JobMode; at: string }>(`
    UPDATE jobs
    SET account_id = :accountId, mode = :mode, submit_requested_at = :at
    WHERE id = :id
  `);
  const updateReopened = db.prepare<{ id: number }>(`
    UPDATE jobs
    SET state = 'ended', final_at = NULL
    WHERE id = :id AND state IN ('done','canceled','failed')
  `);
  const updateUncanceled = db.prepare<{ id: number }>(`
    UPDATE jobs
    SET cancel_requested_at = NULL
    WHERE id = :id
  `);
  const updateCancelRequested = db.prepare<{ id: number; at: string }>(`
    UPDATE jobs
    SET cancel_requested_at = :at
    WHERE id = :id
  `);
  const deleteJob = db.prepare<{ id: number }>(`
    DELETE FROM jobs
    WHERE id = :id
  `);

  function byId(id: number): Job {
    const row = selectById.get({ id });
    if (row !== undefined) return toJob(row);
    throw new StoreError('the job is gone from the store', {
      code: 'job_gone',
      why: 'another command has removed it meanwhile, such as prune --built a job that was not submitted yet',
      next: 'run the same command again; batchctl list --all shows what there is',
    });
  }

  return {
    insert({ name, spec, at }: { readonly name: string; readonly spec: JobSpec; readonly at: Date }): Job {
      const stem = `${name}-${stampOf(at)}`;
      let jobId = stem;
      for (let n = 2; selectTaken.get({ jobId }) !== undefined || isTaken(jobId); n += 1)
        jobId = `${stem}-${n}`;
      const { lastInsertRowid } = insertJob.run({
        jobId,
        name,
        specJson: JSON.stringify(spec),
        createdAt: at.toISOString(),
      });
      const id = Number(lastInsertRowid);
      stages.insert(id, spec.stages, spec.needs);
      return byId(id);
    },
    byId,
    finalWithout: (kind: string): readonly Job[] => selectFinalWithout.all({ kind }).map(toJob),
    building: (): readonly Job[] => selectBuilding.all().map(toJob),
    /** Without those in `building`. */
    newest: (pendingOnly: boolean, limit: number | null): readonly Job[] =>
      selectNewest.all({ pendingOnly: pendingOnly ? 1 : 0, limit: limit ?? -1 }).map(toJob),
    /** Another job of this content on the side that `job` was built for, the newest. */
    unfinished(contentSha256: string, { id, spec }: Job): Job | null {
      const row = selectUnfinished.get({ contentSha256, on: spec.on, exceptId: id });
      return row === undefined ? null : toJob(row);
    },
    finishedTwin({ id, spec }: Job): Job | null {
      const row = selectFinished.get({ id, on: spec.on });
      return row === undefined ? null : toJob(row);
    },
    /** False when the job is not `building`. */
    markBuilt: (id: number, records: number, contentSha256: string): boolean =>
      updateBuilt.run({ id, records, contentSha256 }).changes === 1,
    /** From here on the job does not count any more. */
    markUnbuilt: (id: number) => updateUnbuilt.run({ id }),
    setState: (id: number, state: JobState) => updateState.run({ id, state }),
    finish: (id: number, state: JobState, at: Date) =>
      updateFinal.run({ id, state, finalAt: at.toISOString() }),
    withdrawSubmission: (id: number) => updateWithdrawn.run({ id }),
    requestSubmission: (id: number, accountId: number, mode: JobMode, at: Date) =>
      updateSubmitRequested.run({ id, accountId, mode, at: at.toISOString() }),
    /** A final job has work again, or may have; its state is folded from its shards next. */
    reopen: (id: number) => updateReopened.run({ id }),
    /** What was canceled goes on. */
    forgetCancel: (id: number) => updateUncanceled.run({ id }),
    requestCancel: (id: number, at: Date) => updateCancelRequested.run({ id, at: at.toISOString() }),
    delete: (id: number) => deleteJob.run({ id }),
  };
}

/** `YYYYMMDD-HHMMSS`, UTC. */
function stampOf(at: Date): string {
  const [day = '', time = ''] = at.toISOString().split('T');
  return `${day.replaceAll('-', '')}-${time.slice(0, 8).replaceAll(':', '')}`;
}
