import { resolve } from 'node:path';
import { UsageError } from '../core/errors.ts';
import type { JobFile } from '../core/job-file.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { JobFiles } from '../core/ports/files.ts';
import type { StoreInspection } from '../core/ports/inspection.ts';
import type { WorkspaceLocks } from '../core/ports/locks.ts';
import type { Outside } from '../core/ports/outside.ts';
import type { RebuiltFile } from '../core/ports/restoring.ts';
import type { CreateTable, ResultsTable } from '../core/ports/results-table.ts';
import type { ScratchIds } from '../core/ports/scratch.ts';
import type { JobStore } from '../core/ports/store.ts';
import type { OutputTexts, RecordSource } from '../core/record.ts';
import type { Source } from '../core/source.ts';
import { watchHome } from '../files/home.ts';
import { ensureStateDir, findWorkspace, isFolder, isStateThere, statePath } from '../files/workspace.ts';
import type { SourcePlace } from '../sources/source-path.ts';
import type { Deps, LocalDeps } from '../steps/deps.ts';
import type { RenderDeps } from '../steps/render-requests.ts';
import type { ResolveDeps } from '../steps/resolve-job.ts';
import type { ApiJob, Apis } from './apis.ts';
import { withoutApiVariables } from './program-env.ts';
import type { Talk } from './progress.ts';

/**
 * The adapters of one workspace. Each is imported and made when it is first asked for: `list` must not wait for the
 * SDK, nor a dry run make a store.
 */
export interface Wire {
  /** The workspace's folder, absolute. */
  readonly root: string;
  /** Null where no job was ever built: looking must not make anything. `leaveModes`: nor take rights from others. */
  existingStore(options?: { readonly leaveModes: boolean }): Promise<JobStore | null>;
  /** A look at an existing store that is closed again after it, for what replaces the file. */
  glanceAtStore<T>(look: (store: JobStore) => Promise<T>): Promise<T>;
  /** Makes the workspace's state when there is none. */
  store(): Promise<JobStore>;
  files(): Promise<JobFiles>;
  /** `leaveModes`: to look at them only. */
  locks(options?: { readonly leaveModes: boolean }): Promise<WorkspaceLocks>;
  /** Looks at the database without changing it, whatever it is like. */
  inspectStore(): Promise<StoreInspection>;
  /** An empty store that is to replace the one of the workspace. */
  rebuiltStore(): Promise<RebuiltFile>;
  localDeps(): Promise<LocalDeps & { readonly locks: WorkspaceLocks }>;
  /** What a dry run checks ids in; close it. */
  scratch(): Promise<ScratchIds>;
  /** The records of a job file, and the texts it names; `given` are those of a source of that kind. */
  records(jobFile: JobFile, given?: SourcePlace['given']): Promise<RenderDeps & ResolveDeps>;
  /** The records of a source that no job file names yet. `dir` is relative to the root, which paths must not leave. */
  source(source: Source, place: { readonly root: string; readonly dir: string }): Promise<RecordSource>;
  /** Makes a table of results at an absolute path, which may be anywhere. */
  tables(): Promise<(path: string, ...table: Parameters<CreateTable>) => ResultsTable>;
  /** Output files of the workspace, of any job. */
  outputs(): Promise<OutputTexts>;
  /** Which API a job talks to, and what it takes to talk to it. */
  apis(): Promise<Apis>;
  /** What a job does once it is final: programs, git, a notification. */
  outside(): Promise<Outside>;
  /** @throws AuthError without a key, UsageError when the job belongs elsewhere */
  deps(job: ApiJob, options: { readonly emulator: boolean }): Promise<Deps>;
  close(): Promise<void>;
}

export interface WireOptions {
  readonly startFolder: string;
  readonly isWorkspaceGiven: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly version: string;
  readonly commandLine: string;
  readonly clock: Clock;
  readonly talk: Pick<Talk, 'report' | 'warn'>;
}

export function makeWire(options: WireOptions): Wire {
  const { env, talk, clock, version, commandLine } = options;
  const programEnv = withoutApiVariables(env);
  const root = findRoot(options);
  const storePath = statePath(root, 'state.db');
  const home = watchHome(root);
  // Promises, so that two callers at once get the same one.
  let openedStore: Promise<JobStore> | null = null;
  let openedApis: Promise<Apis> | null = null;
  const polls: Deps['polls'] = new Map();

  /** Where a new store, or none, would hide what was sent. */
  const refuseNoStore = async (): Promise<void> => {
    const { refuseCutOff } = await import('../files/rebuild-marker.ts');
    refuseCutOff(storePath);
    const { refuseLostStore } = await import('../files/lost-store.ts');
    refuseLostStore(root, storePath);
  };

  const openStoreHere = async (leaveModes: boolean): Promise<JobStore> => {
    home.require();
    if (!leaveModes) ensureStateDir(root, talk.warn);
    const { openStore } = await import('../store/open.ts');
    await refuseNoStore();
    const { openJournal } = await import('../files/job-journal.ts');
    const journal = openJournal(root, await files());
    try {
      return await openStore(storePath, {
        programVersion: version,
        now: () => clock.now(),
        journal,
        leaveModes,
      });
    } catch (error) {
      const { explainForeignStore } = await import('../files/lost-store.ts');
      throw explainForeignStore(error, root);
    }
  };

  const store = (leaveModes = false): Promise<JobStore> => {
    openedStore ??= openStoreHere(leaveModes).catch((error: unknown) => {
      openedStore = null;
      throw error;
    });
    return openedStore;
  };

  const files = async (): Promise<JobFiles> => {
    const { openJobFiles } = await import('../files/job-files.ts');
    return openJobFiles(root, home);
  };

  const locks: Wire['locks'] = async ({ leaveModes } = { leaveModes: false }) => {
    const { makeLocks } = await import('./locks.ts');
    home.require();
    const stateDir = leaveModes ? statePath(root, '') : ensureStateDir(root, talk.warn);
    return makeLocks({ stateDir, commandLine, clock, before: home.require });
  };

  const localDeps: Wire['localDeps'] = async () => ({
    store: await store(),
    files: await files(),
    clock,
    report: talk.report,
    locks: await locks(),
  });

  const records: Wire['records'] = async (jobFile, given) => {
    const { openSource } = await import('../sources/open-source.ts');
    const { createTextReader } = await import('../files/text-files.ts');
    const place = {
      root,
      dir: jobFile.dir,
      stdin: () => process.stdin,
      programEnv,
      ...(given === undefined ? {} : { given }),
    };
    const { createSchemaReader } = await import('../files/schema-reader.ts');
    const { createModuleLoader } = await import('../files/load-module.ts');
    const { toApiSchema } = await import('../providers/anthropic/api-schema.ts');
    const { createAttachmentReader } = await import('../files/attachments.ts');
    return {
      source: openSource(jobFile.source, place),
      texts: createTextReader(place),
      attachments: createAttachmentReader(place),
      at: clock.now(),
      schemas: createSchemaReader(place),
      modules: createModuleLoader(place),
      toApiSchema,
    };
  };

  const apis = (): Promise<Apis> => {
    openedApis ??= import('./apis.ts').then(({ makeApis }) => makeApis({ root, env, version, talk }));
    return openedApis;
  };

  return {
    root,
    async existingStore({ leaveModes } = { leaveModes: false }) {
      if (isStateThere(root, 'state.db')) return store(leaveModes);
      await refuseNoStore();
      return null;
    },
    async glanceAtStore(look) {
      const glanced = await openStoreHere(true);
      try {
        return await look(glanced);
      } finally {
        glanced.close();
      }
    },
    store: () => store(),
    async inspectStore() {
      const { inspectStore } = await import('../store/inspect.ts');
      return inspectStore(storePath);
    },
    async rebuiltStore() {
      ensureStateDir(root);
      const { openRebuilt } = await import('../store/rebuilt-file.ts');
      return openRebuilt(storePath, { programVersion: version, now: () => clock.now() });
    },
    files,
    locks,
    localDeps,
    async scratch() {
      const { openScratch } = await import('../store/scratch.ts');
      return openScratch();
    },
    records,
    async outputs() {
      const { createTextReader } = await import('../files/text-files.ts');
      const { exists } = await files();
      const texts = createTextReader({ root, dir: '', maxCachedBytes: 0 });
      return { exists, read: (path) => texts.read(path) };
    },
    async source(source, place) {
      const { openSource } = await import('../sources/open-source.ts');
      return openSource(source, { ...place, programEnv });
    },
    async tables() {
      const { createResultsTable } = await import('../store/results-table.ts');
      return createResultsTable;
    },
    apis,
    async outside() {
      const { createCommandRunner } = await import('../files/run-command.ts');
      const { openGitRepository } = await import('../files/git-repository.ts');
      const { createPost } = await import('./post-summary.ts');
      return {
        runCommand: createCommandRunner(root, programEnv),
        git: openGitRepository(root, programEnv),
        post: createPost(version),
      };
    },
    // The provider first: without a key nothing is made in the workspace.
    async deps(job, wants) {
      const provider = await (await apis()).provider(job, wants);
      return { ...(await localDeps()), provider, polls, rendering: (jobFile) => records(jobFile) };
    },
    async close() {
      await (await openedApis)?.close();
      // The last one to close a database removes its log by its path, where another workspace may stand by now.
      if (home.isThere()) (await openedStore)?.close();
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
