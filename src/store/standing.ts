import { StoreError } from '../core/errors.ts';
import type { StandingStore } from '../core/ports/standing-store.ts';
import { DAMAGED_STORE } from '../core/store-remedies.ts';
import type { Connection } from './connection.ts';
import { changeSubmission, shardIn } from './settling.ts';

/** What says which shard was sent: a lost entry in one of their indexes could hide a seal. */
const SENT_TABLES = ['jobs', 'stages', 'shards', 'submissions', 'batches', 'candidates', 'identity'];

export function standing(connection: Connection): StandingStore {
  const { accounts, events, identity, jobs, shards, submissions, integrity, read, write } = connection;

  return {
    standing: (jobId) => read(() => identity.standing(jobId)),

    checkSent: () =>
      read(() => {
        const found = SENT_TABLES.flatMap((table) => integrity.problemsOf(table));
        if (found.length === 0) return;
        throw new StoreError('the store is damaged; nothing was sent', {
          code: 'store_damaged',
          why: found.slice(0, 3).join('; '),
          next: DAMAGED_STORE,
        });
      }),

    sealedSubmissions: (jobId) => read(() => new Set(identity.sealedOf(jobId))),

    restoreSeal: (shardId, account, { uploadStartedMs, sealedMs, fence, reason }) =>
      write(() => {
        const shard = shardIn(connection, shardId, ['built']);
        if (jobs.byId(shard.jobId).account === null)
          throw new RangeError(`shard ${shardId} is of a job nobody submitted`);
        const started = submissions.start(shardId, accounts.ensure(account), uploadStartedMs);
        submissions.seal(started.id, sealedMs, fence);
        shards.setState(shardId, 'live');
        const facts = submissions.facts(started.id);
        changeSubmission(connection, facts, { state: 'in_doubt', reason }, 'seal_restored');
        connection.foldJob(shard.jobId);
        const restored = submissions.doubts(shard.jobId).find(({ id }) => id === started.id);
        if (restored === undefined)
          throw new Error(`submission ${started.id} is not in doubt after its restoration`);
        return restored;
      }),

    acceptedReceiptBytes: () => read(() => events.acceptedReceiptBytes()),

    acceptStore: (facts) =>
      write(() => {
        identity.accept(facts);
      }),
  };
}
