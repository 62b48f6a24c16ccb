import type { Job } from '../core/job.ts';
import type { Deps } from './deps.ts';
import { createServerTime, type ServerTime } from './server-time.ts';

/** One process at work on one job, which it has locked. */
export interface Run {
  /** As it was when the run began; its state is read anew where it matters. */
  readonly job: Job;
  readonly deps: Deps;
  readonly time: ServerTime;
  /** Nonces at the head of ended batches that were read in this run and are none of ours, by id. */
  readonly heads: Map<string, ReadonlySet<string>>;
  /** How long absence takes to prove, in server time. */
  readonly settleMs: number;
}

/** A run that has seen nothing yet: neither the time of the server nor a batch. */
export function startRun(job: Job, deps: Deps, settleMs: number): Run {
  return { job, deps, time: createServerTime(deps.clock), heads: new Map(), settleMs };
}
