import { fileURLToPath } from 'node:url';
import { isKnownError, UsageError } from '../core/errors.ts';

// What is ours: the built program, or src in the tests, and what it depends on.
const OURS = fileURLToPath(new URL('../..', import.meta.url));

/** The first line of a stack that is no part of Node: `at name (file:///dir/build.mjs:2:18)`. */
const FRAME = /^\s+at .*?(?:file:\/\/)?(\/[^:()]+|[A-Za-z]:[\\/][^:()]+):(\d+):\d+\)?$/m;

/**
 * An error that nobody waited for (a timer, a promise on its own) out of a module of the user's is no bug of batchctl;
 * everything else comes back as it was. A module that batchctl waits for is dealt with where it is called.
 */
export function explainForeignError(thrown: unknown): unknown {
  if (isKnownError(thrown) || !(thrown instanceof Error)) return thrown;
  const [, file, line] = FRAME.exec((thrown.stack ?? '').replaceAll('file:///', '/')) ?? [];
  if (file === undefined || file.startsWith(OURS) || file.includes('/node_modules/')) return thrown;
  return new UsageError('a module of the job failed where nobody waited for it', {
    code: 'module_failed',
    why: `${file}:${line}: ${thrown.name}: ${thrown.message}`,
    next: 'mend the module, then run the same command again; what was sent or saved before is safe',
    cause: thrown,
  });
}
