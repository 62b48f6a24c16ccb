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

    async compact() {
      const before = sizeBytes();
      await write(() => void contents.forgetRowless());
      if (pragma('freelist_count') < pragma('page_count') * WORTH_IT) return 0;
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
