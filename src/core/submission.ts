/** One POST of one shard, numbered from 1. The state machine is drawn in docs/states.md. */
export interface Submission {
  readonly id: number;
  readonly shardId: number;
  readonly number: number;
  readonly state: SubmissionState;
  /** Server time where it was known, else this machine's; milliseconds. */
  readonly uploadStartedMs: number;
  readonly sealedMs: number | null;
  readonly fence: Fence | null;
  readonly reason: string | null;
  /** Until then every listing is also searched for it, though it was judged absent or refused. */
  readonly watchUntilMs: number | null;
}

/** One that is in doubt or stuck, with the key that it was sent with. */
export interface Doubt extends Submission {
  readonly keyFingerprint: string;
}

/**
 * - uploading: not sealed, so nothing can exist.  - aborted: ended before the seal.
 * - sealed: the two last bytes may have left.  - created: its batch is known.
 * - rejected: sealed, and the API said no.  - in_doubt: sealed, and nobody knows.
 * - stuck: only the user can settle it.  - absent: proven not to exist; under watch for a day.
 */
export type SubmissionState =
  | 'uploading'
  | 'aborted'
  | 'sealed'
  | 'created'
  | 'rejected'
  | 'in_doubt'
  | 'stuck'
  | 'absent';

/** The account's newest batches, listed after the upload and before the seal. */
export interface Fence {
  /**
   * None of them can be this submission's: every batch dated since ten minutes before the upload began (a day and ten
   * minutes without a `Date`) that was nobody's in this store, and the ten newest of the others. `fenceIds` in doubt.ts says
   * why.
   */
  readonly batchIds: readonly string[];
  /** Of the listing's answer; null when it carried no usable `Date`. */
  readonly serverMs: number | null;
  /** By how much that `Date` was ahead of this machine's clock; absent where they agreed. */
  readonly skewMs?: number | undefined;
  readonly workspaceId: string | null;
  readonly organizationId: string | null;
}

/** One look at the account's batches while a submission was in doubt: the evidence of absence. */
export interface Look {
  readonly serverMs: number;
  /** Every page was whole and came from the workspace of the fence. */
  readonly clean: boolean;
  /** A batch that must be there was there, or the workspace is known to have none. */
  readonly knownSeen: boolean;
}

export interface Candidate {
  readonly batchId: string;
  readonly verdict: 'provisional' | 'verified' | 'rejected';
  /** Null unless it is rejected. */
  readonly rejectedBy: Rejector | null;
}

/**
 * - results: they bear another nonce, so it is somebody else's for good.  - user: the word that nothing was created.
 * - rival: its submission took another batch, or its batch another submission. Says nothing once that was a mistake.
 */
export type Rejector = 'results' | 'rival' | 'user';
