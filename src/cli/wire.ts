import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { UsageError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import type { JobFile } from '../core/job-file.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { JobFiles } from '../core/ports/files.ts';
import type { WorkspaceLocks } from '../core/ports/locks.ts';
import type { ScratchIds } from '../core/ports/scratch.ts';
import type { JobStore } from '../core/ports/store.ts';
import type { RecordSource, TextReader } from '../core/record.ts';
import { ensureStateDir, findWorkspace, isFolder, statePath } from '../files/workspace.ts';
import type { Deps, LocalDeps } from '../steps/deps.ts';
import type { Apis } from './apis.ts';
import type { Talk } from './progress.ts';

/**
 * The adapters of one workspace. Each is imported and made when it is first asked for: `list` must not wait for the
 * SDK, nor a dry run make a store.
 */
export interface Wire {
  /** The workspace's folder, absolute. */
  readonly root: string;
  /** Null where no job was ever built: looking must not make anything. */
  existingStore(): Promise<JobStore | null>;
  /** Makes the workspace's state when there is none. */
  store(): Promise<JobStore>;
  files(): Promise<JobFiles>;
  localDeps(): Promise<LocalDeps & { readonly locks: WorkspaceLocks }>;
  /** What a dry run checks ids in; close it. */
  scratch(): Promise<ScratchIds>;
  /** The records of a job file, and the texts it names. */
  records(jobFile: JobFile): Promise<{ readonly source: RecordSource; readonly texts: TextReader }>;
  /** Which API a job talks to, and what it takes to talk to it. */
  apis(): Promise<Apis>;
  /** @throws AuthError without a key, UsageError when the job belongs elsewhere */
  deps(job: Job, options: { readonly emulator: boolean }): Promise<Deps>;
  close(): Promise<void>;
}

export interface WireOptions {
  readonly startFolder: string;
  readonly isWorkspaceGiven: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly version: string;
  readonly commandLine: string;
  readonly clock: Clock;
  readonly talk: Talk;
}

export function makeWire(options: WireOptions): Wire {
  const { env, talk, clock, version, commandLine } = options;
  const root = findRoot(options);
  const storePath = statePath(root, 'state.db');
  let openedStore: JobStore | null = null;
  let openedApis: Apis | null = null;

  const store = async (): Promise<JobStore> => {
    if (openedStore !== null) return openedStore;
    ensureStateDir(root);
    const { openStore } = await import('../store/open.ts');
    openedStore = await openStore(storePath, { programVersion: version, now: () => clock.now() });
    return openedStore;
  };

  const files = async (): Promise<JobFiles> => {
    const { openJobFiles } = await import('../files/job-files.ts');
    return openJobFiles(root);
  };

  const locks = async (): Promise<WorkspaceLocks> => {
    const { makeLocks } = await import('./locks.ts');
    return makeLocks({ stateDir: ensureStateDir(root), commandLine, clock });
  };

  const localDeps: Wire['localDeps'] = async () => ({
    store: await store(),
    files: await files(),
    clock,
    report: talk.report,
    locks: await locks(),
  });

  const apis = async (): Promise<Apis> => {
    const { makeApis } = await import('./apis.ts');
    openedApis ??= makeApis({ root, env, version, talk });
    return openedApis;
  };

  return {
    root,
    existingStore: async () => (existsSync(storePath) ? store() : null),
    store,
    files,
    localDeps,
    async scratch() {
      const { openScratch } = await import('../store/scratch.ts');
      return openScratch();
    },
    async records(jobFile) {
      const { openSource } = await import('../sources/open-source.ts');
      const { createTextReader } = await import('../files/text-files.ts');
      const place = { root, dir: jobFile.dir };
      return { source: openSource(jobFile.source, place), texts: createTextReader(place) };
    },
    apis,
    // The provider first: without a key nothing is made in the workspace.
    async deps(job, wants) {
      const provider = await (await apis()).provider(job, wants);
      return { ...(await localDeps()), provider };
    },
    async close() {
      await openedApis?.close();
      openedStore?.close();
    },
  };
}

function findRoot(options: WireOptions): string {
  if (!isFolder(options.startFolder)) {
    throw new UsageError(`${options.startFolder} is not a folder`, {
      code: 'workspace_not_found',
      next: 'give -C a folder that is there',
    });
  }
  if (options.isWorkspaceGiven) return resolve(options.startFolder);
  return findWorkspace(options.startFolder) ?? resolve(options.startFolder);
}
