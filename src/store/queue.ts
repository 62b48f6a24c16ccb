import type { Account } from '../core/job.ts';
import { parseFields } from '../core/json-fields.ts';
import type { QueueStore } from '../core/ports/queue-store.ts';
import type { InFlight, OtherBatch, QueueRefusal, RoomWait } from '../core/queue.ts';
import type { Connection } from './connection.ts';
import type { Db } from './open.ts';
import { fromTime, toTime } from './times.ts';
import { IS_UNSETTLED, UNSETTLED } from './unsettled.ts';

/** A batch ends 24 hours after its creation at the latest, and a create takes 15 minutes at most. */
const LONGEST_MS = 24 * 60 * 60_000 + 15 * 60_000;
const PAST_EXPIRY_SECONDS = 15 * 60;
/** A run has found no room for a shard. */
const ROOM_AWAITED = 'room_awaited';

/**
 * Limits are an organization's, whatever the key. Where it is not known whose a key is, its batches count.
 */
const OF_ACCOUNT = `
  accounts.base_url = :baseUrl
    AND coalesce(accounts.organization_id = (
      SELECT mine.organization_id
      FROM accounts AS mine
      WHERE mine.base_url = :baseUrl AND mine.key_fingerprint = :keyFingerprint
    ), 1)`;

export function prepareQueue(db: Db) {
  const selectOpen = db.prepare<Account & { seconds: number }, OtherBatch & { readonly owner: number }>(`
    SELECT batches.batch_id AS id, batches.created_at AS createdAt, shards.requests, stages.job_id AS owner,
      jobs.job_id AS jobId,
      CASE
        WHEN accounts.key_fingerprint = :keyFingerprint THEN 'same'
        ELSE coalesce((
          SELECT CASE WHEN mine.workspace_id = accounts.workspace_id THEN 'same' ELSE 'other' END
          FROM accounts AS mine
          WHERE mine.base_url = :baseUrl AND mine.key_fingerprint = :keyFingerprint
            AND mine.workspace_id IS NOT NULL AND accounts.workspace_id IS NOT NULL
        ), 'unknown')
      END AS workspace
    FROM batches
    JOIN accounts ON accounts.id = batches.account_id
    JOIN submissions ON submissions.id = batches.submission_id
    JOIN shards ON shards.id = submissions.shard_id
    JOIN stages ON stages.id = shards.stage_id
    JOIN jobs ON jobs.id = stages.job_id
    WHERE batches.processing_status <> 'ended'
      AND shards.state = 'live'
      AND unixepoch(batches.expires_at) + ${PAST_EXPIRY_SECONDS} > :seconds
      AND ${OF_ACCOUNT}
  `);
  // What may have become a batch counts as one, unless each that it may be has ended: whose it is is then another question.
  const selectUnproven = db.prepare<
    Account & { since: string },
    { readonly owner: number; readonly jobId: string; readonly requests: number }
  >(`
    SELECT stages.job_id AS owner, jobs.job_id AS jobId, sum(shards.requests) AS requests
    FROM ${UNSETTLED}
    JOIN shards ON shards.id = submissions.shard_id
    JOIN stages ON stages.id = shards.stage_id
    JOIN jobs ON jobs.id = stages.job_id
    JOIN accounts ON accounts.id = submissions.account_id
    WHERE submissions.state IN ('sealed','in_doubt','stuck')
      AND ${IS_UNSETTLED}
      AND submissions.sealed_at > :since
      AND ${OF_ACCOUNT}
      AND coalesce((
        SELECT min(batches.processing_status = 'ended')
        FROM candidates
        JOIN batches ON batches.batch_id = candidates.batch_id
        WHERE candidates.submission_id = submissions.id AND candidates.verdict <> 'rejected'
      ), 0) = 0
    GROUP BY stages.job_id
  `);
  const selectRefused = db.prepare<Account, { sealedAt: string; detailJson: string }>(`
    SELECT submissions.sealed_at AS sealedAt, events.detail_json AS detailJson
    FROM ${UNSETTLED}
    JOIN accounts ON accounts.id = submissions.account_id
    JOIN shards ON shards.id = submissions.shard_id
    JOIN stages ON stages.id = shards.stage_id
    JOIN events ON events.job_id = stages.job_id
      AND events.submission_id = submissions.id
      AND events.kind = 'submission_rejected'
    WHERE submissions.state = 'rejected'
      AND ${IS_UNSETTLED}
      AND submissions.answer_status = 429
      AND ${OF_ACCOUNT}
    ORDER BY submissions.id DESC
    LIMIT 1
  `);
  // A seal ends it. The index of events is by job, so that the last ones are read first.
  const selectRoomWait = db.prepare<{ jobId: number }, { kind: string; detailJson: string }>(`
    SELECT kind, detail_json AS detailJson
    FROM events
    WHERE job_id = :jobId AND kind IN ('${ROOM_AWAITED}','sealed')
    ORDER BY id DESC
    LIMIT 1
  `);

  return {
    inFlight({ baseUrl, keyFingerprint }: Account, jobId: number, nowMs: number): InFlight {
      const account = { baseUrl, keyFingerprint };
      let own = 0;
      const others: OtherBatch[] = [];
      const doubts: { jobId: string; requests: number }[] = [];
      for (const { owner, ...doubt } of selectUnproven.all({
        ...account,
        since: toTime(nowMs - LONGEST_MS),
      })) {
        if (owner === jobId) own += doubt.requests;
        else doubts.push(doubt);
      }
      for (const { owner, ...batch } of selectOpen.iterate({ ...account, seconds: nowMs / 1000 })) {
        if (owner === jobId) own += batch.requests;
        else others.push(batch);
      }
      return { own, others, doubts };
    },
    /** The last one, whatever has happened since. */
    refusal({ baseUrl, keyFingerprint }: Account): QueueRefusal | null {
      const row = selectRefused.get({ baseUrl, keyFingerprint });
      if (row === undefined) return null;
      const detail = parseFields('events.detail_json', row.detailJson);
      // One that came while nothing was in flight, or was written by a version that learnt nothing from it.
      if (!detail.has('queue') || detail.isNull('queue')) return null;
      const queue = detail.object('queue');
      return {
        atMs: fromTime('submissions.sealed_at', row.sealedAt),
        inFlight: queue.number('in_flight'),
        pauseMs: queue.number('pause_ms'),
        times: queue.number('times'),
        about: queue.choice('about', ['queue', 'calls']),
      };
    },
    roomWait(jobId: number): RoomWait | null {
      const row = selectRoomWait.get({ jobId });
      if (row === undefined || row.kind !== ROOM_AWAITED) return null;
      const detail = parseFields('events.detail_json', row.detailJson);
      return { shardId: detail.number('shard_id'), limit: detail.numberOrNull('limit') };
    },
  };
}

export function queueing({ queue, events, read, write }: Connection): QueueStore {
  return {
    queueOf: (account, jobId, nowMs) =>
      read(() => ({ inFlight: queue.inFlight(account, jobId, nowMs), refusal: queue.refusal(account) })),
    noteRoomWait: (jobId, { shardId, limit }) =>
      write(() => {
        const before = queue.roomWait(jobId);
        if (before?.shardId === shardId && before.limit === limit) return;
        events.record({ jobId, shardId, kind: ROOM_AWAITED, detail: { shard_id: shardId, limit } });
      }),
    roomWait: (jobId) => read(() => queue.roomWait(jobId)),
  };
}

/** As the event of the refusal keeps it. */
export function refusalDetail({ inFlight, pauseMs, times, about }: Omit<QueueRefusal, 'atMs'>) {
  return { in_flight: inFlight, pause_ms: pauseMs, times, about };
}
