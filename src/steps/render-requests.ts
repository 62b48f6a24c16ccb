import { InputError } from '../core/errors.ts';
import type { JobFile } from '../core/job-file.ts';
import type { RecordSource, RenderItem, TextReader } from '../core/record.ts';
import { READ_AT_ONCE, readFilesOf } from './render-files.ts';
import { NO_VARIABLES, renderItem } from './render-item.ts';
import { planRendering } from './render-plan.ts';

export interface RenderDeps {
  readonly source: RecordSource;
  readonly texts: TextReader;
}

/**
 * Turns records into requests, in the order of the source, a chunk for each of its chunks. A record that cannot become
 * a request comes through as a problem and does not stop the others. The same job file over the same data gives the
 * same bytes. That ids are unique is for the store to check.
 *
 * Throws UsageError before the first record when no record could be rendered (a template, a prompt file, params),
 * and InputError from the source, or `no_records` when `select` keeps none.
 */
export async function* renderRequests(
  job: JobFile,
  deps: RenderDeps,
  signal: AbortSignal,
): AsyncGenerator<readonly RenderItem[]> {
  const plan = await planRendering(job, deps.texts);
  let position = 0;
  let seq = 0;
  let any = false;
  for await (const chunk of deps.source.items(signal)) {
    const items: RenderItem[] = [];
    for (const window of windows(chunk, plan.files.length === 0 ? chunk.length : READ_AT_ONCE)) {
      const variables = plan.files.length === 0 ? null : await readFilesOf(window, plan, deps.texts);
      for (const [index, item] of window.entries()) {
        position += 1;
        const rendered = renderItem(item, {
          job,
          plan,
          position,
          seq: seq + 1,
          variables: variables?.[index] ?? NO_VARIABLES,
        });
        if (rendered === null) continue;
        if (rendered.kind === 'request') seq += 1;
        items.push(rendered);
      }
    }
    any = any || items.length > 0;
    if (items.length > 0) yield items;
  }
  if (!any) throw noneSelected(job, position);
}

function* windows<T>(list: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < list.length; start += size) yield list.slice(start, start + size);
}

function noneSelected(job: JobFile, records: number): InputError {
  const conditions = Object.entries(job.select).map(
    ([column, values]) => `${column} = ${values.join(' or ')}`,
  );
  const problem = `"select" keeps none of the ${records} records (${conditions.join(', ')})`;
  return new InputError(`${job.path}: ${problem}`, {
    code: 'no_records',
    problems: [{ file: job.path, line: null, problem }],
    count: 1,
    next: 'check the values; they are compared as text',
  });
}
