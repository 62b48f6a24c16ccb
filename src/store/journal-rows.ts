import type { JournalBatch, JournalJob, JournalShard, JournalSubmission } from '../core/journal.ts';
import { parseColumn } from '../core/json-fields.ts';
import type { Db } from './open.ts';

export type JournalRows = ReturnType<typeof prepareJournalRows>;

interface JobRow
  extends Omit<JournalJob, 'kind' | 'spec' | 'account' | 'final' | 'open_stages' | 'pilot' | 'estimate'> {
  readonly spec_json: string;
  readonly account_json: string | null;
  readonly state: string;
  readonly final_at: string | null;
  readonly open_json: string;
  readonly pilot_json: string | null;
  readonly estimate_json: string | null;
}

interface ShardRow extends Omit<JournalShard, 'kind' | 'sizes' | 'raw' | 'submissions'> {
  readonly id: number;
  readonly sizes_json: string | null;
  readonly raw_bytes: number | null;
  readonly raw_sha256: string | null;
}

interface SubmissionRow extends Omit<JournalSubmission, 'account' | 'fence' | 'batch' | 'candidates'> {
  readonly id: number;
  readonly account_json: string;
  readonly fence_json: string | null;
}

type CandidateRow = JournalBatch & {
  readonly verdict: JournalSubmission['candidates'][number]['verdict'];
  readonly rejected_by: JournalSubmission['candidates'][number]['rejected_by'];
};

const ACCOUNT = `json_object('base_url', accounts.base_url, 'key_fingerprint', accounts.key_fingerprint,
    'organization_id', accounts.organization_id, 'workspace_id', accounts.workspace_id)`;

const BATCH = `batches.batch_id, batches.processing_status, batches.processing, batches.succeeded, batches.errored,
    batches.canceled, batches.expired, batches.created_at, batches.expires_at, batches.ended_at,
    batches.cancel_initiated_at, batches.archived_at, batches.results_url, batches.described_json, batches.seen_at`;

/** What the store holds of a job and its shards, in the words of the journal. Within a transaction it sees what is not committed. */
export function prepareJournalRows(db: Db) {
  const selectJob = db.prepare<{ id: number }, JobRow>(`
    SELECT jobs.job_id, jobs.name, jobs.spec_json, jobs.records, jobs.content_sha256, jobs.created_at, jobs.mode,
      jobs.submit_requested_at, jobs.cancel_requested_at, jobs.state, jobs.final_at, jobs.max_microusd, jobs.pilot_json,
      jobs.estimate_json, iif(accounts.id IS NULL, NULL, ${ACCOUNT}) AS account_json,
      (SELECT json_group_array(name) FROM (
        SELECT name FROM stages WHERE job_id = jobs.id AND state = 'open' ORDER BY position)) AS open_json
    FROM jobs
    LEFT JOIN accounts ON accounts.id = jobs.account_id
    WHERE jobs.id = :id AND jobs.state <> 'building'
  `);
  const shardColumns = `
    SELECT shards.id, stages.name AS stage, shards.number, shards.nonce, shards.group_key AS "group", shards.origin,
      shards.route, shards.first, shards.requests, shards.body_bytes, shards.file_sha256, shards.sizes_json, shards.state,
      (SELECT nonce FROM shards AS parents WHERE parents.id = shards.split_from_id) AS split_from,
      shards.raw_bytes, shards.raw_sha256
    FROM shards
    JOIN stages ON stages.id = shards.stage_id`;
  const selectShard = db.prepare<{ id: number }, ShardRow>(
    `${shardColumns} WHERE shards.id = :id AND shards.state <> 'building'`,
  );
  const selectShards = db.prepare<{ jobId: number }, ShardRow>(
    `${shardColumns} WHERE stages.job_id = :jobId AND shards.state <> 'building' ORDER BY shards.id`,
  );
  const selectSubmissions = db.prepare<{ shardId: number }, SubmissionRow>(`
    SELECT submissions.id, submissions.number, submissions.state, submissions.upload_started_at, submissions.sealed_at,
      submissions.reason, submissions.answer_status, submissions.answer_request_id, submissions.watch_until_at,
      submissions.fence_json, ${ACCOUNT} AS account_json
    FROM submissions
    JOIN accounts ON accounts.id = submissions.account_id
    WHERE submissions.shard_id = :shardId AND submissions.sealed_at IS NOT NULL
    ORDER BY submissions.number
  `);
  const selectBatch = db.prepare<{ submissionId: number }, JournalBatch>(`
    SELECT ${BATCH}
    FROM batches
    WHERE batches.submission_id = :submissionId
  `);
  const selectCandidates = db.prepare<{ submissionId: number }, CandidateRow>(`
    SELECT ${BATCH}, candidates.verdict, candidates.rejected_by
    FROM candidates
    JOIN batches ON batches.batch_id = candidates.batch_id
    WHERE candidates.submission_id = :submissionId
    ORDER BY candidates.batch_id
  `);
  const selectOwner = db.prepare<
    { id: number },
    { id: number; jobId: number; nonce: string; number: number }
  >(`
    SELECT shards.id, stages.job_id AS jobId, shards.nonce, submissions.number
    FROM submissions
    JOIN shards ON shards.id = submissions.shard_id
    JOIN stages ON stages.id = shards.stage_id
    WHERE submissions.id = :id
  `);
  const selectBatchOwner = db
    .prepare<{ batchId: string }, number>(`
      SELECT submissions.shard_id
      FROM batches
      JOIN submissions ON submissions.id = batches.submission_id
      WHERE batches.batch_id = :batchId
    `)
    .pluck();
  const selectLastNumber = db
    .prepare<{ nonce: string }, number | null>(`
      SELECT coalesce(max(submissions.number), 0)
      FROM shards
      LEFT JOIN submissions ON submissions.shard_id = shards.id
      WHERE shards.nonce = :nonce
      GROUP BY shards.id
    `)
    .pluck();
  const selectJobOfShard = db
    .prepare<{ id: number }, number>(`
      SELECT stages.job_id
      FROM shards
      JOIN stages ON stages.id = shards.stage_id
      WHERE shards.id = :id
    `)
    .pluck();
  const selectUploading = db.prepare<{ id: number }, SubmissionRow>(`
    SELECT submissions.id, submissions.number, 'sealed' AS state, submissions.upload_started_at, '' AS sealed_at,
      NULL AS reason, NULL AS answer_status, NULL AS answer_request_id, NULL AS watch_until_at, NULL AS fence_json,
      ${ACCOUNT} AS account_json
    FROM submissions
    JOIN accounts ON accounts.id = submissions.account_id
    WHERE submissions.id = :id AND submissions.state = 'uploading'
  `);

  function submission({ id, account_json, fence_json, ...row }: SubmissionRow): JournalSubmission {
    return {
      ...row,
      account: JSON.parse(account_json) as JournalSubmission['account'], // made by ACCOUNT above
      fence: fence_json === null ? null : parseColumn('submissions.fence_json', fence_json),
      batch: selectBatch.get({ submissionId: id }) ?? null,
      candidates: selectCandidates
        .all({ submissionId: id })
        .map(({ verdict, rejected_by, ...batch }) => ({ verdict, rejected_by, batch })),
    };
  }

  function shard({ id, sizes_json, raw_bytes, raw_sha256, ...row }: ShardRow): JournalShard {
    return {
      kind: 'shard',
      ...row,
      sizes: sizes_json === null ? null : parseColumn('shards.sizes_json', sizes_json),
      raw: raw_bytes === null || raw_sha256 === null ? null : { bytes: raw_bytes, sha256: raw_sha256 },
      submissions: selectSubmissions.all({ shardId: id }).map(submission),
    };
  }

  return {
    /** Null while it is being built, and when it is gone. */
    job(id: number): JournalJob | null {
      const row = selectJob.get({ id });
      if (row === undefined) return null;
      const { spec_json, account_json, state, final_at, open_json, pilot_json, estimate_json, ...rest } = row;
      return {
        kind: 'job',
        ...rest,
        spec: parseColumn('jobs.spec_json', spec_json),
        account: account_json === null ? null : (JSON.parse(account_json) as JournalJob['account']), // made by ACCOUNT above
        // The table checks that a job has this time in its three final states alone.
        final: final_at === null ? null : { state: state as 'done' | 'canceled' | 'failed', at: final_at },
        open_stages: JSON.parse(open_json) as string[], // names, by json_group_array
        pilot: pilot_json === null ? null : parseColumn('jobs.pilot_json', pilot_json),
        estimate: estimate_json === null ? null : parseColumn('jobs.estimate_json', estimate_json),
      };
    },
    /** Null while it is being built. */
    shard(id: number): JournalShard | null {
      const row = selectShard.get({ id });
      return row === undefined ? null : shard(row);
    },
    shardsOf: (jobId: number): readonly JournalShard[] => selectShards.all({ jobId }).map(shard),
    jobOfShard: (id: number): number | null => selectJobOfShard.get({ id }) ?? null,
    /** Of the shard's last submission, sealed or not; 0: none; null: there is no such shard. */
    lastNumberOf: (nonce: string): number | null => selectLastNumber.get({ nonce }) ?? null,
    /** The shard of a submission, by ids; undefined when it is gone. */
    ownerOf: (submissionId: number) => selectOwner.get({ id: submissionId }),
    shardOfBatch: (batchId: string): number | null => selectBatchOwner.get({ batchId }) ?? null,
    /** The shard as the seal will make it; null when the submission is not to be sealed any more. */
    sealed(submissionId: number, sealedAt: string, fence: unknown): JournalShard | null {
      const owner = selectOwner.get({ id: submissionId });
      const uploading = selectUploading.get({ id: submissionId });
      const row = owner === undefined ? undefined : selectShard.get({ id: owner.id });
      if (uploading === undefined || row === undefined) return null;
      const now = shard(row);
      const sealed = { ...submission(uploading), sealed_at: sealedAt, fence };
      return { ...now, state: 'live', submissions: [...now.submissions, sealed] };
    },
  };
}
