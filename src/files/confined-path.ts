import { realpath } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';

/** Where a path leads that must stay inside the workspace. */
export type ConfinedPath =
  | { readonly ok: true; readonly path: string }
  | { readonly ok: false; readonly reason: 'outside' }
  | { readonly ok: false; readonly reason: 'errno'; readonly error: unknown };

/**
 * Resolves a path and every symbolic link in it, and refuses what leads out of the workspace. The result is a real
 * path, so that opening it follows no further link.
 */
export async function confinePath(root: string, dir: string, path: string): Promise<ConfinedPath> {
  if (path.includes('\0'))
    return { ok: false, reason: 'errno', error: new Error('its name holds a NUL character') };
  const wanted = resolve(root, dir, path);
  if (!isInside(resolve(root), wanted)) return { ok: false, reason: 'outside' };
  try {
    const [realRoot, real] = await Promise.all([realpath(root), realpath(wanted)]);
    return isInside(realRoot, real) ? { ok: true, path: real } : { ok: false, reason: 'outside' };
  } catch (error) {
    return { ok: false, reason: 'errno', error };
  }
}

/** Whether `path` is `root` or below it; both absolute. */
export function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
