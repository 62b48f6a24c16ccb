import { isSettledShard, type ShardState } from './shard.ts';

/** What the user asked for: all requests of one build with one configuration. */
export interface Job {
  readonly id: number;
  /** `<name>-<YYYYMMDD>-<HHMMSS>`, UTC; `-2` and so on when that is taken. */
  readonly jobId: string;
  readonly name: string;
  readonly state: JobState;
  /** Null until the first submission. */
  readonly account: Account | null;
  readonly spec: JobSpec;
  readonly records: number;
  readonly createdAt: string;
  readonly submitRequestedAt: string | null;
  readonly cancelRequestedAt: string | null;
  readonly finalAt: string | null;
}

/** What later processes need to know of the job file. Stored as JSON. */
export interface JobSpec {
  /** The `anthropic-version` sent on every call of this job. */
  readonly apiVersion: string;
  /** Null for ready-made requests, which name their own. */
  readonly model: string | null;
  readonly stages: readonly string[];
  /** Files with prompts and answers get mode 0600. */
  readonly private: boolean;
  /** Where it was built to run; once submitted, its account says. A rehearsal must not become a bill by a lost flag. */
  readonly on: 'api' | 'emulator';
  /** Where the job file stands, relative to the workspace; null when there is none. */
  readonly file: string | null;
}

/** Whose batches they are. A «not found» from another account says nothing about ours. */
export interface Account {
  /** The origin that was dialled, or `emulator:<uuid>`. */
  readonly baseUrl: string;
  /** Of the key and the base URL together: 16 hex characters of SHA-256. The key itself is never stored. */
  readonly keyFingerprint: string;
}

export function isEmulatorAccount(account: Pick<Account, 'baseUrl'>): boolean {
  return account.baseUrl.startsWith('emulator:');
}

export const JOB_STATES = [
  'building',
  'built',
  'submitting',
  'in_doubt',
  'in_progress',
  'ended',
  'done',
  'canceled',
  'failed',
] as const;
export type JobState = (typeof JOB_STATES)[number];

export function isFinal(state: JobState): boolean {
  return state === 'done' || state === 'canceled' || state === 'failed';
}

/** What the fold needs to know of a shard. */
export interface ShardFacts {
  readonly state: ShardState;
  /** A sealed submission without a verified answer. */
  readonly inDoubt: boolean;
  readonly batchEnded: boolean;
}

/**
 * How several shards fold into one state: the one that most needs the user comes first. Drawn in docs/states.md.
 * `building` and the final states are set by the steps that reach them, never folded.
 */
export function foldJobState(shards: readonly ShardFacts[], submitRequested: boolean): JobState {
  if (shards.some((shard) => shard.inDoubt)) return 'in_doubt';
  if (shards.some((shard) => shard.state === 'built')) return submitRequested ? 'submitting' : 'built';
  if (shards.some((shard) => shard.state === 'live' && !shard.batchEnded)) return 'in_progress';
  return 'ended';
}

/** Every request has its verdict; only then may a job become done, canceled or failed. */
export function isSettledJob(shards: readonly Pick<ShardFacts, 'state'>[]): boolean {
  return shards.every((shard) => isSettledShard(shard.state));
}
