import type { Candidate, Look, Rejector } from '../core/submission.ts';
import type { Db } from './open.ts';
import { fromTime, toTime } from './times.ts';

/** Batches that may be a submission's, and the looks that found none: what a doubt is settled by. */
export function prepareCandidates(db: Db) {
  const insertCandidate = db.prepare<{ submissionId: number; batchId: string }>(`
    INSERT INTO candidates (submission_id, batch_id, verdict)
    VALUES (:submissionId, :batchId, 'provisional')
    ON CONFLICT DO NOTHING
  `);
  const upsertVerdict = db.prepare<{
    submissionId: number;
    batchId: string;
    verdict: Candidate['verdict'];
    rejectedBy: Rejector | null;
  }>(`
    INSERT INTO candidates (submission_id, batch_id, verdict, rejected_by)
    VALUES (:submissionId, :batchId, :verdict, :rejectedBy)
    ON CONFLICT (submission_id, batch_id) DO UPDATE
    SET verdict = :verdict, rejected_by = :rejectedBy
  `);
  // A batch has one submission and a submission one batch. What was rejected before keeps its stronger reason.
  const rejectRivals = db.prepare<{ submissionId: number; batchId: string }>(`
    UPDATE candidates
    SET verdict = 'rejected', rejected_by = 'rival'
    WHERE verdict <> 'rejected'
      AND ((submission_id = :submissionId AND batch_id <> :batchId)
        OR (batch_id = :batchId AND submission_id <> :submissionId))
  `);
  // Of the batch's other submissions only those that are still looked for: one that is created has its own.
  const restoreRivals = db.prepare<{ submissionId: number; batchId: string }>(`
    UPDATE candidates
    SET verdict = 'provisional', rejected_by = NULL
    WHERE rejected_by = 'rival'
      AND ((submission_id = :submissionId AND batch_id <> :batchId
          AND NOT EXISTS (
            SELECT 1
            FROM batches
            WHERE batches.batch_id = candidates.batch_id AND batches.submission_id IS NOT NULL
          )
          AND NOT EXISTS (
            SELECT 1
            FROM candidates AS others
            WHERE others.batch_id = candidates.batch_id AND others.verdict = 'verified'
          ))
        OR (batch_id = :batchId AND submission_id <> :submissionId
          AND EXISTS (
            SELECT 1
            FROM submissions
            WHERE submissions.id = candidates.submission_id
              AND submissions.state IN ('in_doubt','stuck','absent','rejected')
          )))
  `);
  const rejectOpen = db.prepare<{ submissionId: number }>(`
    UPDATE candidates
    SET verdict = 'rejected', rejected_by = 'user'
    WHERE submission_id = :submissionId AND verdict <> 'rejected'
  `);
  const selectOfSubmission = db.prepare<{ submissionId: number }, Candidate>(`
    SELECT batch_id AS batchId, verdict, rejected_by AS rejectedBy
    FROM candidates
    WHERE submission_id = :submissionId
    ORDER BY batch_id
  `);
  const selectOfJob = db.prepare<{ jobId: number }, Candidate & { readonly submissionId: number }>(`
    SELECT candidates.submission_id AS submissionId, candidates.batch_id AS batchId, candidates.verdict,
      candidates.rejected_by AS rejectedBy
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
    verify: (submissionId: number, batchId: string) =>
      upsertVerdict.run({ submissionId, batchId, verdict: 'verified', rejectedBy: null }),
    rejectByResults: (submissionId: number, batchId: string) =>
      upsertVerdict.run({ submissionId, batchId, verdict: 'rejected', rejectedBy: 'results' }),
    /** The submission's other candidates, and this batch wherever else it was one. */
    rejectRivals: (submissionId: number, batchId: string) => rejectRivals.run({ submissionId, batchId }),
    /** Undoes `rejectRivals`, as far as nothing else stands against it. The batch is nobody's by then. */
    restoreRivals: (submissionId: number, batchId: string) => restoreRivals.run({ submissionId, batchId }),
    /** By the user's word that none of them is the submission's. */
    rejectOpen: (submissionId: number) => rejectOpen.run({ submissionId }),
    /** Whether its results have proven some submission's nonce, be it too late. */
    isVerified: (batchId: string): boolean => selectVerified.get({ batchId }) !== undefined,
    of: (submissionId: number): readonly Candidate[] => selectOfSubmission.all({ submissionId }),
    /** By submission. */
    ofJob(jobId: number): ReadonlyMap<number, readonly Candidate[]> {
      const found = new Map<number, Candidate[]>();
      for (const { submissionId, ...candidate } of selectOfJob.all({ jobId })) {
        found.set(submissionId, [...(found.get(submissionId) ?? []), candidate]);
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
        serverMs: fromTime('looks.server_at', serverAt),
        clean: clean === 1,
        knownSeen: knownSeen === 1,
      })),
  };
}
