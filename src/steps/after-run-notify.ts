import { hash } from 'node:crypto';
import { backoffMs, READ_BACKOFF } from '../core/backoff.ts';
import type { JobDocument } from '../core/job-document.ts';
import type { AfterRunDeps } from './after-run.ts';

const TRIES = 4;
/** Nobody waits at the end of a job for a hook that asks for more than this. */
const LONGEST_WAIT_MS = 30_000;

/** Posts the job document, as `--json` prints it. A hook that does not take it is told as a problem, by its host alone. */
export async function postSummary(
  document: JobDocument,
  url: string,
  { outside, clock, report }: AfterRunDeps,
  signal: AbortSignal,
): Promise<'done' | 'failed'> {
  const body = JSON.stringify(document);
  for (let attempt = 1; ; attempt += 1) {
    const end = await outside.post(url, body, signal);
    signal.throwIfAborted();
    if (end.kind === 'taken') return 'done';
    const waitMs = backoffMs(READ_BACKOFF, attempt, clock.random(), end.retryAfterMs);
    if (!end.retryable || attempt === TRIES || waitMs > LONGEST_WAIT_MS) {
      // The path of a hook's URL is its password.
      const text = `${new URL(url).host} was not notified of ${document.job_id}: ${end.why}`;
      report({ kind: 'problem', text });
      return 'failed';
    }
    await clock.sleep(waitMs, signal);
    signal.throwIfAborted();
  }
}

/** What the store keeps of a URL. */
export function targetOf(url: string): string {
  return hash('sha256', url, 'hex').slice(0, 16);
}
