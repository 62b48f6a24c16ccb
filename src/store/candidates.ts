import type { Candidate, Look } from '../core/submission.ts';
import type { Db } from './open.ts';
import { toTime } from './submissions.ts';

export type Candidates = ReturnType<typeof prepareCandidates>;

/** Batches that may be a submission's, and the looks that found none: what a doubt is settled by. */
export function prepareCandidates(db: Db) {
  const insertCandidate = db.prepare<{ submissionId: number; batchId: string }>(`
    INSERT INTO candidates (submission_id, batch_id, verdict)
    VALUES (:submissionId, :batchId, 'provisional')
    ON CONFLICT DO NOTHING
  `);
  const upsertVerdict = db.prepare<{ submissionId: number; batchId: string; verdict: Candidate['verdict'] }>(`
    INSERT INTO candidates (submission_id, batch_id, verdict)
    VALUES (:submissionId, :batchId, :verdict)
    ON CONFLICT (submission_id, batch_id) DO UPDATE
    SET verdict = :verdict
  `);
  // A batch has one submission and a submission one batch.
  const rejectRivals = db.prepare<{ submissionId: number; batchId: string }>(`
    UPDATE candidates
    SET verdict = 'rejected'
    WHERE (submission_id = :submissionId AND batch_id <> :batchId)
      OR (batch_id = :batchId AND submission_id <> :submissionId)
  `);
  const rejectAll = db.prepare<{ submissionId: number }>(`
    UPDATE candidates
    SET verdict = 'rejected'
    WHERE submission_id = :submissionId
  `);
  const selectOfSubmission = db.prepare<{ submissionId: number }, Candidate>(`
    SELECT batch_id AS batchId, verdict
    FROM candidates
    WHERE submission_id = :submissionId
    ORDER BY batch_id
  `);
  const selectOfJob = db.prepare<{ jobId: number }, Candidate & { readonly submissionId: number }>(`
    SELECT candidates.submission_id AS submissionId, candidates.batch_id AS batchId, candidates.verdict
    FROM stages
    JOIN shards ON shards.stage_id = stages.id
    JOIN submissions ON submissions.shard_id = shards.id
    JOIN candidates ON candidates.submission_id = submissions.id
    WHERE stages.job_id = :jobId
    ORDER BY candidates.submission_id, candidates.batch_id
  `);
  const selectVerified = db.prepare<{ batchId: string }>(`
    SELECT 1
    FROM candidates
    WHERE batch_id = :batchId AND verdict = 'verified'
    LIMIT 1
  `);
  const insertLook = db.prepare<{
    submissionId: number;
    serverAt: string;
    clean: number;
    knownSeen: number;
  }>(`
    INSERT INTO looks (submission_id, server_at, clean, known_seen)
    VALUES (:submissionId, :serverAt, :clean, :knownSeen)
  `);
  const selectLooks = db.prepare<
    { submissionId: number },
    { serverAt: string; clean: 0 | 1; knownSeen: 0 | 1 }
  >(`
    SELECT server_at AS serverAt, clean, known_seen AS knownSeen
    FROM looks
    WHERE submission_id = :submissionId
    ORDER BY id
  `);

  return {
    /** False when it was one already; a rejected one stays rejected. */
    add: (submissionId: number, batchId: string): boolean =>
      insertCandidate.run({ submissionId, batchId }).changes === 1,
    judge: (submissionId: number, batchId: string, verdict: Candidate['verdict']) =>
      upsertVerdict.run({ submissionId, batchId, verdict }),
    /** The submission's other candidates, and this batch wherever else it was one. */
    rejectRivals: (submissionId: number, batchId: string) => rejectRivals.run({ submissionId, batchId }),
    rejectAll: (submissionId: number) => rejectAll.run({ submissionId }),
    /** Whether its results have proven some submission's nonce, be it too late. */
    isVerified: (batchId: string): boolean => selectVerified.get({ batchId }) !== undefined,
    of: (submissionId: number): readonly Candidate[] => selectOfSubmission.all({ submissionId }),
    /** By submission. */
    ofJob(jobId: number): ReadonlyMap<number, readonly Candidate[]> {
      const found = new Map<number, Candidate[]>();
      for (const { submissionId, batchId, verdict } of selectOfJob.all({ jobId })) {
        found.set(submissionId, [...(found.get(submissionId) ?? []), { batchId, verdict }]);
      }
      return found;
    },

    addLook(submissionId: number, { serverMs, clean, knownSeen }: Look): void {
      insertLook.run({
        submissionId,
        serverAt: toTime(serverMs),
        clean: clean ? 1 : 0,
        knownSeen: knownSeen ? 1 : 0,
      });
    },
    looks: (submissionId: number): readonly Look[] =>
      selectLooks.all({ submissionId }).map(({ serverAt, clean, knownSeen }) => ({
        serverMs: Date.parse(serverAt),
        clean: clean === 1,
        knownSeen: knownSeen === 1,
      })),
  };
}
