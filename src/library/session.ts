import { explainSystemError } from '../cli/system-error.ts';
import type { Wire } from '../cli/wire.ts';
import { InterruptedError, UsageError } from '../core/errors.ts';
import { isInterruption } from '../core/interruption.ts';
import type { Job as StoredJob } from '../core/job.ts';
import type { WorkspaceLocks } from '../core/ports/locks.ts';
import type { Progress } from '../core/ports/progress.ts';
import type { Deps, LocalDeps } from '../steps/deps.ts';
import type { Job } from './job.ts';
import type { Workspace } from './open-workspace.ts';

/** What is behind a Workspace. */
export interface Session {
  readonly wire: Wire;
  readonly emulator: boolean;
  readonly tell: (progress: Progress, jobId: string | null) => void;
  readonly isClosed: () => boolean;
}

// Not a property: the types of the package would show all that is inside.
const sessions = new WeakMap<Workspace, Session>();

export function keepSession(workspace: Workspace, session: Session): void {
  sessions.set(workspace, session);
}

export function sessionOf(workspace: Workspace): Session {
  const session = sessions.get(workspace);
  if (session !== undefined && !session.isClosed()) return session;
  throw new UsageError('this workspace is not open', {
    code: 'workspace_closed',
    why: session === undefined ? 'it does not come from openWorkspace' : 'it was closed',
    next: 'open it: await openWorkspace({dir})',
  });
}

/** The job as the store has it now. @throws UsageError when there is none. */
export async function readJob({ workspace, jobId }: Job): Promise<StoredJob> {
  const { wire } = sessionOf(workspace);
  const store = await wire.existingStore();
  if (store !== null) return store.findJob(jobId);
  throw new UsageError(`there is no job ${jobId}`, {
    code: 'job_not_found',
    why: `no job was ever built in ${wire.root}`,
    next: 'build one, or open another workspace',
  });
}

export async function localDepsOf(
  { wire, tell }: Session,
  jobId: string | null,
): Promise<LocalDeps & { readonly locks: WorkspaceLocks }> {
  return { ...(await wire.localDeps()), report: (progress) => tell(progress, jobId) };
}

/** @throws AuthError without a key, UsageError when the job belongs elsewhere */
export async function depsOf({ wire, emulator, tell }: Session, job: StoredJob): Promise<Deps> {
  return {
    ...(await wire.deps(job, { emulator })),
    report: (progress) => tell(progress, job.jobId),
  };
}

/**
 * Runs the work of one call. Once the caller's signal aborts it rejects with an InterruptedError, whatever broke because
 * of that; what the system refused becomes a StoreError.
 */
export async function working<T>(
  what: string,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const abort = (): void => controller.abort(stopped(what, signal?.reason));
  if (signal?.aborted) abort();
  else signal?.addEventListener('abort', abort, { once: true });
  try {
    controller.signal.throwIfAborted();
    return await work(controller.signal);
  } catch (error) {
    throw isInterruption(error, controller.signal) ? controller.signal.reason : explainSystemError(error);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

function stopped(what: string, reason: unknown): InterruptedError {
  return new InterruptedError(`${what} was stopped`, {
    code: 'interrupted',
    signal: null,
    why: 'the AbortSignal of the call was aborted; batches that were sent already go on, and cost what they cost',
    next: 'make the same call again: it carries on',
    cause: reason,
  });
}
