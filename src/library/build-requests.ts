import { resolve } from 'node:path';
import { UsageError } from '../core/errors.ts';
import { specOf } from '../core/job-spec.ts';
import type { Lock } from '../core/ports/locks.ts';
import { DEFAULT_SHARD_LIMITS } from '../core/shard.ts';
import { checkWhole } from './carry-on.ts';
import { type DefinedJob, toJobFile } from './define-job.ts';
import type { CallOptions, Job } from './job.ts';
import type { JobDefinition } from './job-definition.ts';
import type { Workspace } from './open-workspace.ts';
import { localDepsOf, type Session, sessionOf, working } from './session.ts';

export interface BuildOptions extends CallOptions {
  /** Send only what has no answer in this workspace yet, and reuse the other answers. */
  readonly changed?: boolean;
  /** Make a new job even if an unfinished one has the same content. */
  readonly new?: boolean;
  /** Close a shard, and so a batch, before this many requests. Default 100,000, the API's limit. */
  readonly maxShardRequests?: number;
}

/**
 * Makes the requests of a job and writes them to the workspace. Sends nothing, needs no key, and streams: memory does not
 * grow with the data. An unfinished job of the same content is carried on: it is returned, and no other is made.
 *
 * `definition`: the path of a job file (`.yaml`) or of ready-made requests (`.jsonl`), relative to the workspace; or the
 * job itself.
 *
 * @throws UsageError for a job that is not valid; InputError with the bad records in `problems`, and nothing is left
 *   behind. What `records` or `requests` throw comes out as it is; an error of the file system as a
 *   StoreError with it as `cause`.
 */
export async function buildRequests(
  workspace: Workspace,
  definition: string | JobDefinition,
  options: BuildOptions = {},
): Promise<Job> {
  const { job, lock } = await buildHeld(workspace, definition, options);
  lock?.release();
  return job;
}

/** The same, for a caller that goes on with the job and lets its lock go then; null where another run has it. */
export async function buildHeld(
  workspace: Workspace,
  definition: string | JobDefinition,
  options: BuildOptions,
): Promise<{ readonly job: Job; readonly lock: Lock | null }> {
  const session = sessionOf(workspace);
  return working('building the requests', options.signal, async (signal) => {
    const maxRequests = options.maxShardRequests ?? DEFAULT_SHARD_LIMITS.maxRequests;
    checkWhole('maxShardRequests', maxRequests, 1, DEFAULT_SHARD_LIMITS.maxRequests);
    const { jobFile, given } = await define(definition, session);
    const { renderRequests } = await import('../steps/render-requests.ts');
    const { resolveJob } = await import('../steps/resolve-job.ts');
    const { buildJob } = await import('../steps/build-requests.ts');
    const rendering = await session.wire.records(jobFile, given);
    const resolved = await resolveJob(jobFile, rendering);
    const { job, lock } = await buildJob(
      {
        name: jobFile.name,
        spec: specOf(resolved, {
          on: session.emulator ? 'emulator' : 'api',
          limits: { ...DEFAULT_SHARD_LIMITS, maxRequests },
          changedOnly: options.changed === true,
          file: typeof definition === 'string' && !isRequestsFile(definition) ? jobFile.path : null,
        }),
        frozen: resolved,
        items: renderRequests(resolved, rendering, signal),
        reuse: options.new !== true,
      },
      await localDepsOf(session, null),
      signal,
    );
    return { job: { workspace, jobId: job.jobId }, lock };
  });
}

async function define(definition: string | JobDefinition, { wire }: Session): Promise<DefinedJob> {
  if (typeof definition === 'string') {
    const { loadJobFile, requestsJob } = await import('../files/load-job-file.ts');
    const path = resolve(wire.root, definition);
    const load = isRequestsFile(definition) ? requestsJob : loadJobFile;
    return { jobFile: await load(path, { root: wire.root }), given: undefined };
  }
  if (typeof definition === 'object' && definition !== null) return toJobFile(definition);
  throw new UsageError(`a job cannot be built from ${typeof definition}`, {
    code: 'wrong_option',
    next: 'give the path of a job file, or a job as an object',
  });
}

function isRequestsFile(path: string): boolean {
  return path.endsWith('.jsonl');
}
