import type { JobFile } from '../core/job-file.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { JobFiles } from '../core/ports/files.ts';
import type { WorkspaceLocks } from '../core/ports/locks.ts';
import type { ReportProgress } from '../core/ports/progress.ts';
import type { BatchProvider } from '../core/ports/provider.ts';
import type { JobStore } from '../core/ports/store.ts';
import type { PollBudgets } from './poll-budget.ts';
import type { RenderDeps } from './render-requests.ts';

/** What a step works with on this machine. */
export interface LocalDeps {
  readonly store: JobStore;
  readonly files: JobFiles;
  readonly clock: Clock;
  readonly report: ReportProgress;
}

/** What a step works with when it talks to the API. */
export interface Deps extends LocalDeps {
  /** What it takes to make requests of later stages from a job file. */
  readonly rendering: (job: JobFile) => Promise<Omit<RenderDeps, 'source'>>;
  readonly provider: BatchProvider;
  readonly locks: WorkspaceLocks;
  /** What looking at batches has cost each account so far; shared by all that this process does. */
  readonly polls: PollBudgets;
}
