import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isKnownError } from '../../src/core/errors.ts';
import type { RenderedRequest, RenderItem } from '../../src/core/record.ts';
import { loadJobFile, requestsJob } from '../../src/files/load-job-file.ts';
import { renderRequests } from '../../src/steps/render-requests.ts';
import { resolveJob } from '../../src/steps/resolve-job.ts';
import { renderDeps } from '../support/render-deps.ts';

export type Files = Readonly<Record<string, string | Uint8Array>>;

export interface Outcome {
  readonly requests: readonly RenderedRequest[];
  /** `file:line: sentence`, in order. */
  readonly problems: readonly string[];
  /** Code of the error that stopped the job; null when nothing did. */
  readonly code: string | null;
  /** Everything that the error says: message, why, next, problems. */
  readonly said: string;
}

export function writeFiles(root: string, files: Files): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

/** Loads, opens and renders a job as `build` does, and gathers what came of it. Unknown errors are thrown. */
export async function runJob(root: string, path: string, sets: readonly string[] = []): Promise<Outcome> {
  const items: RenderItem[] = [];
  let code: string | null = null;
  let said = '';
  try {
    const load = path.endsWith('.jsonl') ? requestsJob : loadJobFile;
    const job = await load(join(root, path), { root, sets });
    const deps = renderDeps(root, job);
    const resolved = await resolveJob(job, deps);
    for await (const chunk of renderRequests(resolved, deps, new AbortController().signal))
      items.push(...chunk);
  } catch (error) {
    if (!isKnownError(error)) throw error;
    code = error.code;
    said = [error.message, error.why, error.next].filter((part) => part !== null).join('\n');
  }
  return {
    requests: items.filter((item) => item.kind === 'request'),
    problems: items
      .filter((item) => item.kind === 'problem')
      .map(({ at, problem }) => `${at.file}${at.line === null ? '' : `:${at.line}`}: ${problem}`),
    code,
    said,
  };
}
