/**
 * batchctl as a library: what the command line does with a workspace, as functions. docs/library.md shows each in use.
 *
 * What is exported here is all that is public; keys and kinds are added, never renamed or removed in a minor version.
 */

export {
  AuthError,
  DecisionError,
  InputError,
  type InputProblem,
  InterruptedError,
  isKnownError,
  type KnownError,
  ProviderError,
  StoreError,
  UsageError,
} from './core/errors.ts';
export type { JobState } from './core/job.ts';
export type { BatchDocument, JobDocument, UsageDocument } from './core/job-document.ts';
export type { Progress } from './core/ports/progress.ts';
export type { FailureClass, RowStatus } from './core/result.ts';
export type { VerifyDocument } from './core/verify-document.ts';
export { type BuildOptions, buildRequests } from './library/build-requests.ts';
export {
  type CallOptions,
  cancelJob,
  checkStatus,
  findJob,
  type Job,
  type ListOptions,
  listJobs,
  verifyJob,
} from './library/job.ts';
export type { GivenRequest, JobDefinition, Values } from './library/job-definition.ts';
export { openWorkspace, type Workspace, type WorkspaceOptions } from './library/open-workspace.ts';
export { type ResultRow, type RetrieveOptions, retrieveResults } from './library/retrieve-results.ts';
export { type RunBatchOptions, runBatch } from './library/run-batch.ts';
export {
  pollUntilEnded,
  type RetryOptions,
  retryJob,
  type SubmitOptions,
  submitJob,
  type WaitOptions,
} from './library/run-job.ts';
