import type { Account } from '../job.ts';
import type { Fence, Submission } from '../submission.ts';

/** How a store tells whether it is the newest one, or a copy that was put back or carried elsewhere. */
export interface StoreStanding {
  /** Random, made with the database; copies of it share it. */
  readonly lineage: string;
  /** Of the last seal. */
  readonly serial: number;
  /** So much of the log of seals is known, by the user's word. */
  readonly acceptedBytes: number;
  /** Its file is not the one that was made, or accepted, as this database: it was copied, restored or moved. */
  readonly isMoved: boolean;
  /** Of the job asked about. */
  readonly contentSha256: string | null;
}

/** A seal that this store has forgotten, as others know of it. */
export interface ForgottenSeal {
  readonly uploadStartedMs: number;
  readonly sealedMs: number;
  readonly fence: Fence;
  readonly reason: string;
}

export interface StandingStore {
  standing(jobId: number): Promise<StoreStanding>;
  /**
   * Reads all of the tables that say what was sent, with their indexes.
   *
   * @throws StoreError `store_damaged` when one of them does not agree with itself.
   */
  checkSent(): Promise<void>;
  /** `<nonce>/<number>` of every submission of the job that was sealed. */
  sealedSubmissions(jobId: number): Promise<ReadonlySet<string>>;
  /** The shard, `built` so far, becomes `live`, with a submission in doubt. */
  restoreSeal(shardId: number, account: Account, seal: ForgottenSeal): Promise<Submission>;
  /** So much of the receipts was there when the user last accepted this store. */
  acceptedReceiptBytes(): Promise<number>;
  /** From now on this database is the one that counts. */
  acceptStore(facts: { readonly serial: number; readonly logBytes: number }): Promise<void>;
}
