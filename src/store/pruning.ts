import { isFinal } from '../core/job.ts';
import type { PruningStore } from '../core/ports/pruning-store.ts';
import { PRUNED_EVENT } from '../core/pruned.ts';
import type { Connection } from './connection.ts';

export function pruning({ jobs, events, write }: Connection): PruningStore {
  return {
    recordPruned: (jobId, detail) =>
      write(() => {
        const { jobId: name, state } = jobs.byId(jobId);
        if (!isFinal(state)) throw new RangeError(`job ${name} is ${state}`);
        events.record({ jobId, kind: PRUNED_EVENT, detail });
      }),
  };
}
