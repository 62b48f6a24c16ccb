import { pathToFileURL } from 'node:url';
import { errnoOf, errnoWords } from '../core/input-failure.ts';
import type { LoadedModule, ModuleLoader } from '../core/ports/modules.ts';
import { confinePath } from './confined-path.ts';

/** Modules named relative to the job file in `dir`, which is relative to the workspace `root`. */
export function createModuleLoader(place: { readonly root: string; readonly dir: string }): ModuleLoader {
  return { load: (path) => loadModule(place.root, place.dir, path) };
}

/** Node itself reads TypeScript by leaving its types out, so that no enum and no parameter property may be in it. */
export async function loadModule(root: string, dir: string, path: string): Promise<LoadedModule> {
  const confined = await confinePath(root, dir, path);
  if (!confined.ok) {
    const why = confined.reason === 'outside' ? 'it is outside the workspace' : errnoWords(confined.error);
    return { ok: false, why };
  }
  try {
    // A namespace of exports, whatever they are.
    const exports = (await import(pathToFileURL(confined.path).href)) as Readonly<Record<string, unknown>>;
    return { ok: true, exports };
  } catch (error) {
    return { ok: false, why: loadingProblem(error) };
  }
}

function loadingProblem(error: unknown): string {
  if (errnoOf(error) === 'EISDIR') return errnoWords(error);
  if (!(error instanceof Error)) return 'it threw while it was loaded';
  // The position of a syntax error stands in the first line of its stack, as path:line.
  const line = error instanceof SyntaxError ? /:(\d+)\n/.exec(error.stack ?? '')?.[1] : undefined;
  return `${line === undefined ? '' : `line ${line}: `}${error.message.split('\n')[0] ?? ''}`;
}
