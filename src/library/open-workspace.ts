import { resolve } from 'node:path';
import { systemClock } from '../cli/system-clock.ts';
import { readVersion } from '../cli/version.ts';
import { makeWire } from '../cli/wire.ts';
import type { Progress } from '../core/ports/progress.ts';
import { keepSession } from './session.ts';

/** A folder with its data, jobs and results: the same one that the command line works in. */
export interface Workspace {
  /** Absolute. */
  readonly dir: string;
  /**
   * Lets go of the database and of an emulator that was started. Call it when every call on the workspace has settled;
   * without it an emulator keeps the process alive. May be called twice.
   */
  close(): Promise<void>;
}

export interface WorkspaceOptions {
  /** Relative to the current folder. Default: the nearest folder from there upward that holds `.batchctl/`, else that folder. */
  readonly dir?: string;
  /** Default: `ANTHROPIC_API_KEY` from the environment, else from the workspace's `.env`. Never stored. */
  readonly apiKey?: string;
  /** https, or http on this machine. Default: `ANTHROPIC_BASE_URL`, else the API itself. */
  readonly baseUrl?: string;
  /** New jobs go to the built-in emulator, which costs nothing and needs no key. A submitted job stays where it is. */
  readonly emulator?: boolean;
  /**
   * Told what goes on; `jobId` is null while a job is being built. Listen at least to `kind: 'problem'`, which is what a
   * user should hear of although the job goes on. What it throws is ignored: it must not disturb a submission.
   */
  readonly onProgress?: (progress: Progress, jobId: string | null) => void;
}

/**
 * Opens a workspace. Makes nothing in it and asks nobody; several may be open in one process.
 *
 * @throws UsageError `workspace_not_found` when `dir` is not a folder.
 */
export async function openWorkspace(options: WorkspaceOptions = {}): Promise<Workspace> {
  const { dir, apiKey, baseUrl, emulator = false, onProgress } = options;
  const tell = (progress: Progress, jobId: string | null): void => {
    try {
      onProgress?.(progress, jobId);
    } catch {
      // See WorkspaceOptions.onProgress.
    }
  };
  const wire = makeWire({
    startFolder: resolve(dir ?? '.'),
    isWorkspaceGiven: dir !== undefined,
    env: {
      ...process.env,
      ...(apiKey === undefined ? {} : { ANTHROPIC_API_KEY: apiKey }),
      ...(baseUrl === undefined ? {} : { ANTHROPIC_BASE_URL: baseUrl }),
    },
    version: readVersion(),
    commandLine: 'as a library',
    clock: systemClock,
    talk: {
      report: (progress) => tell(progress, null),
      warn: (text) => tell({ kind: 'problem', text }, null),
    },
  });
  let closing: Promise<void> | null = null;
  const workspace: Workspace = {
    dir: wire.root,
    close() {
      closing ??= wire.close();
      return closing;
    },
  };
  keepSession(workspace, { wire, emulator, tell, isClosed: () => closing !== null });
  return workspace;
}
