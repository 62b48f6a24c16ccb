import { join } from 'node:path';
import type { JobFiles } from '../core/ports/files.ts';
import { journalPath } from '../core/ports/files.ts';
import type { Journal } from '../core/ports/journal.ts';
import { scanLines } from './scan-lines.ts';

/** The journals of the jobs in the workspace at `root`, one line an entry. */
export function openJournal(root: string, files: JobFiles): Journal {
  const pathOf = (jobId: string): string => journalPath(files.requestsDir(jobId));
  return {
    append: (jobId, entries) =>
      files.append(pathOf(jobId), entries.map((entry) => JSON.stringify(entry)).join('\n')),
    isOpen: (jobId) => files.exists(files.requestsDir(jobId)),
    last(jobId) {
      const last = new Map<string, string>();
      scanLines(join(root, pathOf(jobId)), (bytes) => {
        // Decoded one by one: a line that is kept must not hold what was read with it.
        const line = bytes.toString('utf8');
        const key = keyAtHead(line);
        if (key !== null) last.set(key, line);
        return false;
      });
      return last;
    },
  };
}

/** Without parsing it: the lines of a job of thousands of shards are compared as text. Null: about neither, or torn. */
function keyAtHead(line: string): string | null {
  if (!line.endsWith('}')) return null;
  if (line.startsWith('{"kind":"job"')) return 'job';
  return line.startsWith('{"kind":"shard"') ? (/"nonce":"([a-z2-7]{8})"/.exec(line)?.[1] ?? null) : null;
}
