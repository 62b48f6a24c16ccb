import type { Account } from '../job.ts';
import type { InFlight, QueueRefusal, RoomWait } from '../queue.ts';

/** What a store knows of an account's queue, from the batches of all its jobs. */
export interface QueueStore {
  /**
   * What may be in the queue, counted for this job, and the last create that found no room there. Reads all batches: asked
   * when a run begins to wait and after it has looked, never once a shard.
   */
  queueOf(
    account: Account,
    jobId: number,
    nowMs: number,
  ): Promise<{ readonly inFlight: InFlight; readonly refusal: QueueRefusal | null }>;
  /** Said again of the same shard, it is kept once. */
  noteRoomWait(jobId: number, wait: RoomWait): Promise<void>;
  /** What was noted last, for whoever asks how the job stands. */
  roomWait(jobId: number): Promise<RoomWait | null>;
}
