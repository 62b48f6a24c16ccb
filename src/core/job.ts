import type { RetryRule } from './job-file.ts';
import { isSettledShard, type ShardLimits, type ShardState } from './shard.ts';
import type { SpendingRules } from './spending-rules.ts';

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
  /** Null until the first submission. */
  readonly mode: JobMode | null;
  /** In the order of the spec. */
  readonly stages: readonly StageFacts[];
  readonly records: number;
  readonly createdAt: string;
  readonly submitRequestedAt: string | null;
  readonly cancelRequestedAt: string | null;
  readonly finalAt: string | null;
}

/** How its requests go: as batches, or one by one and answered at once. */
export type JobMode = 'batch' | 'real_time';

/** Where a stage of a job has got to. */
export interface StageFacts {
  readonly id: number;
  readonly name: string;
  /** waiting: its requests cannot be made before the stages it needs are final. Left once they were made. */
  readonly state: 'waiting' | 'open';
  /** Rows without a request because a need of theirs failed; 0 while it is waiting. */
  readonly held: number;
}

/** What later processes need to know of the job file. Stored as JSON. */
export interface JobSpec {
  /** The `anthropic-version` sent on every call of this job. */
  readonly apiVersion: string;
  /** Values of `anthropic-beta`, sent with every create, token count and message. */
  readonly betas: readonly string[];
  /** Of the first stage; null for ready-made requests, which name their own. */
  readonly model: string | null;
  readonly stages: readonly string[];
  /** Stage → the stages it needs; one that needs none is left out. */
  readonly needs: Readonly<Record<string, readonly string[]>>;
  readonly retry: RetryRule | null;
  /** Its answers are judged, or written, by the job file as it was built. */
  readonly needsFrozen: boolean;
  /** Where shards are cut, those of later stages and retries too. */
  readonly limits: ShardLimits;
  /** Requests that were answered before in this workspace take their answers from there. */
  readonly changedOnly: boolean;
  readonly spending: SpendingRules;
  /** Files with prompts and answers get mode 0600. */
  readonly private: boolean;
  /** Where it was built to run; once submitted, its account says. A rehearsal must not become a bill by a lost flag. */
  readonly on: 'api' | 'emulator';
  /** Where the job file stands, relative to the workspace; null when there is none. */
  readonly file: string | null;
  /** Its batch was made elsewhere: there are no request files, and its rows come from the results (core/adopted.ts). */
  readonly adopted?: true;
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

/** Where a job is; one that was never submitted is where it was built to run. */
export function sideOf({ account, spec }: Pick<Job, 'account' | 'spec'>): JobSpec['on'] {
  if (account === null) return spec.on;
  return isEmulatorAccount(account) ? 'emulator' : 'api';
}

/** A stage by its name, which comes from the job itself. */
export function stageNamed({ stages }: Pick<Job, 'stages'>, name: string): StageFacts {
  const stage = stages.find((one) => one.name === name);
  if (stage === undefined) throw new RangeError(`the job has no stage ${name}`);
  return stage;
}

/** The stages whose answers a stage is made from, in the order in which it names them. */
export function neededStages(job: Pick<Job, 'stages' | 'spec'>, stage: string): readonly StageFacts[] {
  return (job.spec.needs[stage] ?? []).map((name) => stageNamed(job, name));
}

/** What messages call a stage beside the number of a shard; null in a job of one stage. */
export function shownStage({ stages }: Pick<Job, 'stages'>, stage: string): string | null {
  return stages.length > 1 ? stage : null;
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
