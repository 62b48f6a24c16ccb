import { isFinal } from '../core/job.ts';
import type { PruningStore } from '../core/ports/pruning-store.ts';
import { PRUNED_EVENT } from '../core/pruned.ts';
import { dropRows, unbuild } from './building.ts';
import type { Connection } from './connection.ts';
import type { Db } from './open.ts';
import { preparePrunedDetail } from './pruned-detail.ts';
import { toStoreError } from './sqlite-errors.ts';

/** Of its pages so many are empty before a database is written anew: less is used again by the next jobs. */
const WORTH_IT = 1 / 4;

export function pruning(connection: Connection, db: Db): PruningStore {
  const { jobs, contents, events, read, write } = connection;
  const detailOf = preparePrunedDetail(db);
  const requireFinal = (jobId: number): void => {
    const { jobId: name, state } = jobs.byId(jobId);
    if (!isFinal(state)) throw new RangeError(`job ${name} is ${state}`);
  };
  const pragma = (name: string): number => Number(db.pragma(name, { simple: true }));
  const sizeBytes = (): number => pragma('page_count') * pragma('page_size');
  const isWorthIt = (): boolean => pragma('freelist_count') >= pragma('page_count') * WORTH_IT;

  return {
    recordPruned: (jobId, parts) =>
      write(() => {
        requireFinal(jobId);
        events.record({ jobId, kind: PRUNED_EVENT, detail: detailOf(jobId, parts) });
      }),

    async dropRows(jobId) {
      await read(() => requireFinal(jobId));
      await dropRows(connection, jobId);
    },

    unbuildJob: (jobId) => write(() => unbuild(connection, jobId)),

    async isCompactable() {
      // Seconds at 1,000,000 requests, as other writes take them; the copy takes longer, and so whoever makes it waits its turn.
      await write(() => void contents.forgetRowless());
      return read(isWorthIt);
    },

    async compact() {
      // Another process may have done it meanwhile.
      if (!(await read(isWorthIt))) return 0;
      const before = sizeBytes();
      try {
        // By a copy, of which the last commit makes the database: killed at any moment, it is one of the two.
        db.exec('VACUUM');
        db.pragma('wal_checkpoint(TRUNCATE)');
      } catch (error) {
        throw toStoreError(error, db.name);
      }
      return before - sizeBytes();
    },
  };
}
