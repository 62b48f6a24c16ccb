import { InputError, UsageError } from '../core/errors.ts';
import type { JobMode } from '../core/job.ts';
import type { JobFile } from '../core/job-file.ts';
import { conditionsOf, type Narrowed, type Narrowing } from '../core/narrowing.ts';
import type { AttachmentReader } from '../core/ports/attachments.ts';
import type { OutputTexts, RecordSource, RenderItem, TextReader } from '../core/record.ts';
import { hasFixedColumns } from '../core/source.ts';
import type { GivenAnswers } from './given-answers.ts';
import { type LintOptions, refuseBadStages } from './lint-stages.ts';
import { createDoneCheck } from './missing-outputs.ts';
import { narrowRecords } from './narrow-records.ts';
import { attachmentsOf, readsAttachments } from './read-attachments.ts';
import { READ_AT_ONCE, readsTexts, readTextsOf } from './render-files.ts';
import { NO_ATTACHMENTS, NO_TEXTS, renderItem } from './render-item.ts';
import { type PlanOptions, planRendering } from './render-plan.ts';

export interface RenderDeps extends PlanOptions {
  readonly source: RecordSource;
  readonly texts: TextReader;
  readonly attachments: AttachmentReader;
  /** When the requests are made, for models that have a last day; not looked at when absent. */
  readonly at?: Date;
}

/** What one command asks beside the job file. */
export interface RenderOptions {
  readonly narrowing: Narrowing;
  /** For `narrowing.missing`: which output files are there. */
  readonly outputs: Pick<OutputTexts, 'exists'>;
  readonly given: GivenAnswers | null;
  /** How they will go; absent: not known yet, and what a batch refuses is refused. */
  readonly mode?: JobMode | null;
  /** Told once, when all records have been read. */
  readonly onNarrowed: (narrowed: Narrowed) => void;
}

/** Requests that wait to be taken: attachments make a chunk of thousands too large to be held. */
const HELD_CHARS = 8_000_000;

/** All that the job file keeps. */
export const WHOLE: RenderOptions = {
  narrowing: { conditions: [], missing: false, offset: 0, limit: null, sample: null },
  outputs: { exists: () => false },
  given: null,
  onNarrowed: () => {},
};

/**
 * Turns records into requests, in the order of the source, a chunk for each of its chunks or several. A record that cannot become
 * a request comes through as a problem and does not stop the others. The same job file over the same data gives the
 * same bytes. The job was resolved (resolve-job.ts). That ids are unique is for the store to check.
 *
 * Throws UsageError before the first record when no record could be rendered (a template, a prompt file, params),
 * and InputError from the source, or `no_records` when none is kept. When all that is kept has its outputs already
 * (`narrowing.missing`), nothing comes and nothing is thrown.
 */
export async function* renderRequests(
  job: JobFile,
  deps: RenderDeps,
  signal: AbortSignal,
  options: RenderOptions = WHOLE,
): AsyncGenerator<readonly RenderItem[]> {
  const plan = planRendering(job, deps);
  const lint: LintOptions = { mode: options.mode ?? null, at: deps.at ?? null };
  refuseBadStages(job, lint);
  const narrowing = { ...options.narrowing, conditions: conditionsFor(job, options.narrowing) };
  const sources = { plan, texts: deps.texts, given: options.given };
  const records = narrowRecords(deps.source, narrowing, {
    fixedColumns: hasFixedColumns(job.source),
    isDone: narrowing.missing ? createDoneCheck(job, sources, options.outputs) : () => Promise.resolve(false),
  });
  const reads = readsTexts(sources);
  const attaches = readsAttachments(plan);
  let seq = 0;
  let any = false;
  for await (const chunk of records.items(signal)) {
    let items: RenderItem[] = [];
    let heldChars = 0;
    for (const window of windows(chunk, reads || attaches ? READ_AT_ONCE : chunk.length)) {
      const texts = reads ? await readTextsOf(window, sources) : null;
      const attachments = attaches ? attachmentsOf(window, texts, plan, deps.attachments) : null;
      for (const [index, { item, position }] of window.entries()) {
        const rendered = renderItem(item, {
          job,
          plan,
          position,
          seq: seq + 1,
          texts: texts?.[index] ?? NO_TEXTS,
          attached: (await attachments?.next())?.value ?? NO_ATTACHMENTS,
          lint,
        });
        if (rendered.kind === 'request') seq += 1;
        items.push(rendered);
        heldChars += charsOf(rendered);
        if (heldChars < HELD_CHARS) continue;
        yield items;
        any = true;
        items = [];
        heldChars = 0;
      }
    }
    any = any || items.length > 0;
    if (items.length > 0) yield items;
  }
  const narrowed = records.narrowed();
  options.onNarrowed(narrowed);
  if (!any && narrowed.leftOut.done === 0) throw noneKept(job, narrowing, narrowed);
}

function conditionsFor(job: JobFile, { conditions }: Narrowing): Narrowing['conditions'] {
  if (conditions.length > 0 && job.source.kind === 'requests') {
    throw new UsageError('--select has no effect on ready-made requests', {
      code: 'select_without_columns',
      why: 'they have no columns',
      next: 'narrow them by --limit, --offset or --sample',
    });
  }
  return [...conditionsOf(job.select), ...conditions];
}

function charsOf(item: RenderItem): number {
  if (item.kind === 'problem') return 0;
  return item.stages.reduce((sum, { paramsJson }) => sum + (paramsJson?.length ?? 0), 0);
}

function* windows<T>(list: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < list.length; start += size) yield list.slice(start, start + size);
}

function noneKept(job: JobFile, { conditions, offset }: Narrowing, { records }: Narrowed): InputError {
  const said = conditions.map(({ column, values }) => `${column} = ${values.join(' or ')}`);
  if (offset > 0) said.push(`--offset ${offset}`);
  const isOnlyFile = offset === 0 && conditions.every(({ from }) => from === 'select');
  const problem = isOnlyFile
    ? `"select" keeps none of the ${records} records (${said.join(', ')})`
    : `none of the ${records} records is left (${said.join(', ')})`;
  return new InputError(`${job.path}: ${problem}`, {
    code: 'no_records',
    problems: [{ file: job.path, line: null, problem }],
    count: 1,
    next: 'check the values; they are compared as text',
  });
}
