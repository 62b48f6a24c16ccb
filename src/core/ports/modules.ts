/** What a JS or TS module exports, or why it cannot be used; a sentence. */
export type LoadedModule =
  | { readonly ok: true; readonly exports: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly why: string };

/** Loads modules of the user, confined to the workspace. A module runs once a process, however often it is asked for. */
export interface ModuleLoader {
  /** `path` is relative to the job file. */
  load(path: string): Promise<LoadedModule>;
}
