import type { Job, JobSpec } from '../job.ts';
import type { ClosedShard, NewRow, NewShard, RowClash } from './store-views.ts';

/** What the store does for a build. A job in state `building` does not count: any later run may drop it once its lock is free. */
export interface BuildingStore {
  createJob(job: { readonly name: string; readonly spec: JobSpec; readonly at: Date }): Promise<Job>;
  /** A final job is unfinished again from then on. */
  openShard(stageId: number, shard: NewShard): Promise<number>;
  /**
   * Inserts what does not clash and names what does; a clashing row is not there. A row without a shard is held, until
   * its request can be made. One transaction. `elsewhere`: one whose output is taken goes to another place before any later
   * row takes it, so that nothing depends on how many come at once.
   */
  addRows<Row extends NewRow & { readonly shardId: number | null }>(
    stageId: number,
    rows: readonly Row[],
    elsewhere?: (row: Row) => Row,
  ): Promise<readonly RowClash[]>;
  closeShard(shardId: number, facts: Omit<ClosedShard, 'id'>): Promise<void>;
  /**
   * The one commit that makes a build count. With `reuse` it happens only when there is no unfinished job of the same
   * content on the same side (API or emulator) that was never asked to cancel; else nothing changes and that job comes
   * back. In one transaction, so that two builds of the same content cannot both count.
   */
  finishBuild(
    jobId: number,
    facts: { readonly records: number; readonly contentSha256: string; readonly reuse: boolean },
  ): Promise<Job | null>;
  /** The newest final job of the same content on the same side: what sending this one again would pay for again. */
  finishedTwin(jobId: number): Promise<Job | null>;
  /** Forgets a job that was never submitted. @throws StoreError when it was. */
  dropJob(jobId: number): Promise<void>;
  /** Jobs still in state `building`: under way, or left by a build that was cut off. */
  buildingJobs(): Promise<readonly Job[]>;
}
