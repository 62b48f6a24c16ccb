import { APPLIED_EVENT } from '../core/applied-event.ts';
import { StoreError } from '../core/errors.ts';
import { BATCH_ADOPTED, type JournalEntry, type JournalEvent, journalKey } from '../core/journal.ts';
import type { Journal } from '../core/ports/journal.ts';
import type { JobStore } from '../core/ports/store.ts';
import { PRUNED_EVENT } from '../core/pruned.ts';
import { KEPT } from './events.ts';
import { type JournalRows, prepareJournalRows } from './journal-rows.ts';
import { keptDetail } from './kept-detail.ts';
import type { Db } from './open.ts';
import { preparePrunedDetail } from './pruned-detail.ts';
import { toTime } from './times.ts';

/**
 * The store, with a line in the job's journal for each change that cannot be had again from other files.
 *
 * Of what must never be forgotten the line comes first: a shard that is sealed may be paid, and a job that was canceled
 * must not go on. When that line cannot be written, nothing is committed and nothing sent. Any other line follows its
 * commit; one that fails, or is cut off by a crash, is made up for by the next run that works on the job (`settleAfterCrash`).
 * The other way round it would name shards of a round that never counted, and their rows would be sent twice.
 */
export function journaled(store: JobStore, db: Db, journal: Journal, now: () => Date): JobStore {
  let prepared: JournalRows | null = null;
  // Not at once: `list` and `status` write nothing.
  const rows = (): JournalRows => {
    prepared ??= prepareJournalRows(db);
    return prepared;
  };

  function write(jobId: number | null, entries: () => readonly (JournalEntry | null)[]): void {
    const job = jobId === null ? null : rows().job(jobId);
    // Nothing of an adopted batch was ever sent from here: its id is all that it takes to have it again.
    if (job === null || isAdopted(job.spec) || !journal.isOpen(job.job_id)) return;
    const lines = entries().filter((entry) => entry !== null);
    if (lines.length > 0) journal.append(job.job_id, lines);
  }

  function after(jobId: number | null, entries: () => readonly (JournalEntry | null)[]): void {
    try {
      write(jobId, entries);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
  }

  const noteJob = (jobId: number): void => after(jobId, () => [rows().job(jobId)]);
  const noteShard = (shardId: number | null): void =>
    after(shardId === null ? null : rows().jobOfShard(shardId), () => [
      shardId === null ? null : rows().shard(shardId),
    ]);
  const noteOwner = (submissionId: number): void => noteShard(rows().ownerOf(submissionId)?.id ?? null);

  /** Whether the journal tells of a shard, or of a submission of one, that this database never had: it is an older copy. */
  function isAhead(last: ReadonlyMap<string, string>): boolean {
    return [...last].some(([nonce, line]) => {
      if (nonce === 'job') return false;
      const number = rows().lastNumberOf(nonce);
      return number === null || lastNumberIn(line) > number;
    });
  }

  /** All that the journal has not, or has otherwise. The job last: without it nothing of a build counts. */
  function sync(jobId: number): void {
    after(jobId, () => {
      const job = rows().job(jobId);
      if (job === null) return [];
      const last = journal.last(job.job_id);
      // The user is told so before anything is sent; until then a rebuild may need what the journal knows better.
      if (isAhead(last)) return [];
      return [...rows().shardsOf(jobId), job].filter(
        (entry) => last.get(journalKey(entry)) !== JSON.stringify(entry),
      );
    });
  }

  function noteEvent(
    jobId: number | null,
    facts: Pick<JournalEvent, 'event' | 'detail'> & Partial<Pick<JournalEvent, 'nonce' | 'submission'>>,
  ): void {
    const { event, detail, nonce = null, submission = null } = facts;
    after(jobId, () => [{ kind: 'event', at: now().toISOString(), event, nonce, submission, detail }]);
  }

  /** The same call, and then what it changed. */
  function then<A extends readonly unknown[], R>(
    call: (...args: A) => Promise<R>,
    note: (args: A, result: R) => void,
  ): (...args: A) => Promise<R> {
    return async (...args) => {
      const result = await call(...args);
      note(args, result);
      return result;
    };
  }

  const ofSubmission = <A extends readonly [number, ...unknown[]], R>(call: (...args: A) => Promise<R>) =>
    then(call, ([submissionId]) => noteOwner(submissionId));
  const ofShard = <A extends readonly [number, ...unknown[]], R>(call: (...args: A) => Promise<R>) =>
    then(call, ([shardId]) => noteShard(shardId));
  const ofJob = <A extends readonly [number, ...unknown[]], R>(call: (...args: A) => Promise<R>) =>
    then(call, ([jobId]) => noteJob(jobId));
  const all = <A extends readonly [number, ...unknown[]], R>(call: (...args: A) => Promise<R>) =>
    then(call, ([jobId]) => sync(jobId));

  return {
    ...store,
    // From the first moment on: a folder without a journal has lost it, and is not one of a build that was cut off.
    async createJob(job) {
      const created = await store.createJob(job);
      const event = { kind: 'event', event: 'job_created', nonce: null, submission: null } as const;
      journal.append(created.jobId, [{ ...event, at: now().toISOString(), detail: null }]);
      return created;
    },
    adoptBatch: then(store.adoptBatch, ([{ batch }], { job, isNew }) => {
      const event = { kind: 'event', event: BATCH_ADOPTED, nonce: null, submission: null } as const;
      const detail = { batch_id: batch.id };
      if (isNew) journal.append(job.jobId, [{ ...event, at: now().toISOString(), detail }]);
    }),
    finishBuild: all(store.finishBuild),
    commitRound: all(store.commitRound),
    carveShards: all(store.carveShards),
    takeBackRows: all(store.takeBackRows),
    settleAfterCrash: all(store.settleAfterCrash),
    requestSubmission: all(store.requestSubmission),
    withdrawSubmission: all(store.withdrawSubmission),
    splitShard: then(store.splitShard, ([shardId]) => {
      const jobId = rows().jobOfShard(shardId);
      if (jobId !== null) sync(jobId);
    }),

    async seal(submissionId, facts) {
      const jobId = rows().ownerOf(submissionId)?.jobId ?? null;
      write(jobId, () => [rows().sealed(submissionId, toTime(facts.sealedMs), facts.fence)]);
      try {
        await store.seal(submissionId, facts);
      } catch (error) {
        noteOwner(submissionId);
        throw error;
      }
    },
    abortSubmission: ofSubmission(store.abortSubmission),
    recordBatch: ofSubmission(store.recordBatch),
    rejectSubmission: ofSubmission(store.rejectSubmission),
    doubtSubmission: ofSubmission(store.doubtSubmission),
    addCandidate: ofSubmission(store.addCandidate),
    rejectCandidate: ofSubmission(store.rejectCandidate),
    adopt: ofSubmission(store.adopt),
    disown: ofSubmission(store.disown),
    judgeAbsent: ofSubmission(store.judgeAbsent),
    judgeStuck: ofSubmission(store.judgeStuck),
    restoreSeal: ofShard(store.restoreSeal),
    recordLateDuplicate: then(store.recordLateDuplicate, ([submissionId, batchId]) => {
      const owner = rows().ownerOf(submissionId);
      noteEvent(owner?.jobId ?? null, {
        event: 'late_duplicate',
        nonce: owner?.nonce ?? null,
        submission: owner?.number ?? null,
        detail: { batch_id: batchId },
      });
      noteOwner(submissionId);
    }),
    keepLateDuplicate: then(store.keepLateDuplicate, ([submissionId, batchId, kept]) => {
      const owner = rows().ownerOf(submissionId);
      const { nonce = null, number = null } = owner ?? {};
      const detail = keptDetail(batchId, kept);
      noteEvent(owner?.jobId ?? null, { event: KEPT, nonce, submission: number, detail });
    }),

    setShardState: ofShard(store.setShardState),
    recordDownload: ofShard(store.recordDownload),
    finishShard: ofShard(store.finishShard),
    finishJob: ofJob(store.finishJob),
    async requestCancel(jobId, at) {
      write(jobId, () => {
        const job = rows().job(jobId);
        return [
          job === null || job.final !== null ? null : { ...job, cancel_requested_at: at.toISOString() },
        ];
      });
      const canceled = await store.requestCancel(jobId, at);
      sync(jobId);
      return canceled;
    },

    keepEstimate: ofJob(store.keepEstimate),
    setLimit: ofJob(store.setLimit),
    setPilot: ofJob(store.setPilot),
    keepLostAnswer: then(store.keepLostAnswer, ([shardId, most]) => {
      const jobId = rows().jobOfShard(shardId);
      const nonce = rows().shard(shardId)?.nonce ?? null;
      noteEvent(jobId, { event: 'answer_lost', nonce, detail: { most_microusd: most } });
    }),
    async recordPruned(jobId, parts) {
      // First: once the database is lost, it is all that tells a file that was removed from one that is missing.
      const event = { kind: 'event', event: PRUNED_EVENT, nonce: null, submission: null } as const;
      write(jobId, () => [
        { ...event, at: now().toISOString(), detail: preparePrunedDetail(db)(jobId, parts) },
      ]);
      await store.recordPruned(jobId, parts);
    },
    recordEvent: then(store.recordEvent, ([{ jobId, kind, detail }]) => {
      // That one is said again when the raw results are applied again.
      if (kind !== APPLIED_EVENT) noteEvent(jobId, { event: kind, detail: detail ?? null });
    }),
  };
}

function isAdopted(spec: unknown): boolean {
  return typeof spec === 'object' && spec !== null && 'adopted' in spec && spec.adopted === true;
}

/** Of the last submission in a line about a shard; a damaged line tells of none. */
function lastNumberIn(line: string): number {
  try {
    // Any JSON may stand there.
    const { submissions } = JSON.parse(line) as { readonly submissions?: unknown };
    if (!Array.isArray(submissions)) return 0;
    return submissions.reduce((most: number, one: { readonly number?: unknown } | null) => {
      return typeof one?.number === 'number' ? Math.max(most, one.number) : most;
    }, 0);
  } catch {
    return 0;
  }
}
