import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobFiles } from '../core/ports/files.ts';
import { journalPath } from '../core/ports/files.ts';
import type { Journal } from '../core/ports/journal.ts';
import { errnoOf } from './job-disk-error.ts';

/** The journals of the jobs in the workspace at `root`, one line an entry. */
export function openJournal(root: string, files: JobFiles): Journal {
  const pathOf = (jobId: string): string => journalPath(files.requestsDir(jobId));
  return {
    append: (jobId, entries) =>
      files.append(pathOf(jobId), entries.map((entry) => JSON.stringify(entry)).join('\n')),
    isOpen: (jobId) => files.exists(files.requestsDir(jobId)),
    last(jobId) {
      const last = new Map<string, string>();
      for (const line of readIfThere(join(root, pathOf(jobId))).split('\n')) {
        const key = keyAtHead(line);
        if (key !== null) last.set(key, line);
      }
      return last;
    },
  };
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return '';
    throw error;
  }
}

/** Without parsing it: the lines of a job of thousands of shards are compared as text. Null: about neither, or torn. */
function keyAtHead(line: string): string | null {
  if (!line.endsWith('}')) return null;
  if (line.startsWith('{"kind":"job"')) return 'job';
  return line.startsWith('{"kind":"shard"') ? (/"nonce":"([a-z2-7]{8})"/.exec(line)?.[1] ?? null) : null;
}
