import type { JobStore } from '../core/ports/store.ts';
import { adopting } from './adopting.ts';
import { building } from './building.ts';
import { openConnection } from './connection.ts';
import { prepareFindJob } from './find-job.ts';
import type { Db } from './open.ts';
import { pruning } from './pruning.ts';
import { queueing } from './queue.ts';
import { reading } from './reading.ts';
import { reconciling } from './reconciling.ts';
import { retrieving } from './retrieving.ts';
import { reusing } from './reusing.ts';
import { rounds } from './rounds.ts';
import { spending } from './spending.ts';
import { standing } from './standing.ts';
import { submitting } from './submitting.ts';

/** The port on one open database of the newest schema. `isTaken`: see prepareJobs. */
export function assembleJobStore(db: Db, now: () => Date, isTaken?: (jobId: string) => boolean): JobStore {
  const connection = openConnection(db, now, isTaken);
  return {
    ...building(connection),
    ...reading(connection, prepareFindJob(db)),
    ...submitting(connection),
    ...reconciling(connection),
    ...adopting(connection, db),
    ...retrieving(connection),
    ...rounds(connection),
    ...reusing(connection),
    ...spending(connection),
    ...standing(connection),
    ...pruning(connection, db),
    ...queueing(connection),
    close: () => {
      db.close();
    },
  };
}
