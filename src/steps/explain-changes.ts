import { contentHash } from '../core/content-hash.ts';
import { type Job, type JobSpec, sideOf } from '../core/job.ts';
import type { JobFile } from '../core/job-file.ts';
import { recordsPath } from '../core/ports/files.ts';
import type { ContentMatch, RowView } from '../core/ports/store-views.ts';
import type { RenderedRequest, RenderedStage, RenderItem } from '../core/record.ts';
import { recordLine } from '../core/record-line.ts';
import type { Stage } from '../core/stage.ts';
import type { LocalDeps } from './deps.ts';
import { loadFrozen } from './frozen-job.ts';
import { indexContents } from './index-contents.ts';
import { RangeReaders } from './range-readers.ts';
import { hasAnswer } from './reuse-answers.ts';

/** Why a request would be sent, or why not, held against what this workspace has sent before. */
export type Change =
  | 'new'
  | 'prompt_changed'
  | 'data_changed'
  | 'model_changed'
  | 'failed_before'
  | 'in_flight'
  /** These two have an answer, which is reused; of the first one the file is gone and is written again. */
  | 'output_deleted'
  | 'unchanged';

export interface ExplainedRequest {
  readonly customId: string;
  readonly stage: string;
  readonly changes: readonly Change[];
  /** The class of failure, or the batch or job that has it under way; null where there is nothing to add. */
  readonly detail: string | null;
  /** Whether `submit --changed` would send it. */
  readonly isSent: boolean;
}

/**
 * Tells `note` of each request that can be made now why it would be sent by `submit --changed`, and lets through the records
 * of which something would be. Requests of later stages depend on answers, so nothing is said of them.
 */
export async function* explainChanges(
  items: AsyncIterable<readonly RenderItem[]>,
  job: { readonly resolved: JobFile; readonly spec: Pick<JobSpec, 'apiVersion' | 'betas' | 'on'> },
  deps: LocalDeps,
  note: (explained: ExplainedRequest) => void,
  signal: AbortSignal,
): AsyncGenerator<readonly RenderItem[]> {
  await indexContents(job.spec.on, deps, signal);
  const earlier = await earlierJob(job.resolved.name, job.spec.on, deps);
  const readers = new RangeReaders(deps.files);
  try {
    for await (const chunk of items) {
      const matchOf = await findMatches(chunk, job.spec, deps);
      const kept: RenderItem[] = [];
      for (const item of chunk) {
        if (item.kind === 'problem') {
          kept.push(item);
          continue;
        }
        const explained = await explainRecord(item, job.resolved, matchOf, earlier, deps, readers);
        for (const one of explained) note(one);
        if (explained.some((one) => one.isSent)) kept.push(item);
      }
      if (kept.length > 0) yield kept;
    }
  } finally {
    readers.close();
  }
}

type MatchOf = (stage: RenderedStage) => ContentMatch | null;

/** One look at the store for all requests of a chunk. */
async function findMatches(
  chunk: readonly RenderItem[],
  spec: Pick<JobSpec, 'apiVersion' | 'betas' | 'on'>,
  { store }: LocalDeps,
): Promise<MatchOf> {
  const stages = chunk.flatMap((item) => (item.kind === 'request' ? item.stages : []));
  const made = stages.flatMap((stage) =>
    stage.paramsJson === null ? [] : [{ stage, hash: contentHash(spec, stage.paramsJson) }],
  );
  const matches = await store.matchContents(
    spec.on,
    made.map(({ hash }) => hash),
    0,
  );
  const byStage = new Map(made.map(({ stage }, index) => [stage, matches[index] ?? null]));
  return (stage) => byStage.get(stage) ?? null;
}

interface Earlier {
  readonly job: Job;
  readonly frozen: JobFile | null;
}

/** The newest job of the name on this side. */
async function earlierJob(
  name: string,
  on: JobSpec['on'],
  { store, files }: LocalDeps,
): Promise<Earlier | null> {
  const jobs = await store.listJobs({ pendingOnly: false, limit: null });
  const job = jobs.find((one) => one.name === name && sideOf(one) === on);
  return job === undefined ? null : { job, frozen: await loadFrozen(job, files) };
}

async function explainRecord(
  item: RenderedRequest,
  resolved: JobFile,
  matchOf: MatchOf,
  earlier: Earlier | null,
  deps: LocalDeps,
  readers: RangeReaders,
): Promise<readonly ExplainedRequest[]> {
  const explained: ExplainedRequest[] = [];
  for (const [index, stage] of resolved.stages.entries()) {
    const rendered = item.stages[index];
    if (rendered === undefined || rendered.paramsJson === null) continue;
    const match = matchOf(rendered);
    const what =
      match === null
        ? { changes: await compare(item, stage, earlier, deps, readers), detail: null, isSent: true }
        : explainMatch(match, rendered.outputPath, deps);
    explained.push({ customId: item.customId, stage: stage.name, ...what });
  }
  return explained;
}

type Explanation = Pick<ExplainedRequest, 'changes' | 'detail' | 'isSent'>;

function explainMatch(match: ContentMatch, outputPath: string | null, { files }: LocalDeps): Explanation {
  if (hasAnswer(match, files)) {
    const isGone = outputPath !== null && !files.exists(outputPath);
    return { changes: [isGone ? 'output_deleted' : 'unchanged'], detail: match.jobId, isSent: false };
  }
  if (match.isInFlight)
    return { changes: ['in_flight'], detail: match.batchId ?? match.jobId, isSent: false };
  if (match.status === null) return { changes: ['new'], detail: null, isSent: true };
  return { changes: ['failed_before'], detail: match.failure, isSent: true };
}

/** What is different from the earlier request of the same id; each change that applies. */
async function compare(
  item: RenderedRequest,
  stage: Stage,
  earlier: Earlier | null,
  { store, files }: LocalDeps,
  readers: RangeReaders,
): Promise<readonly Change[]> {
  const row = earlier === null ? null : await store.rowByCustomId(earlier.job.id, item.customId, stage.name);
  if (earlier === null || row === null) return ['new'];
  const changes: Change[] = [];
  const before = earlier.frozen?.stages.find(({ name }) => name === stage.name);
  if (before !== undefined && before.model !== stage.model) changes.push('model_changed');
  if (before !== undefined && promptOf(before) !== promptOf(stage)) changes.push('prompt_changed');
  if (recordOf(earlier.job, row, files, readers) !== recordLine(item)) changes.push('data_changed');
  // The same words about the same record: a file that it names has changed.
  return changes.length === 0 ? ['data_changed'] : changes;
}

function promptOf({ model: _model, output: _output, ...rest }: Stage): string {
  return JSON.stringify(rest);
}

/** The line of records.jsonl; null when it is gone. */
function recordOf(job: Job, row: RowView, files: LocalDeps['files'], readers: RangeReaders): string | null {
  const path = recordsPath(files.requestsDir(job.jobId));
  return files.exists(path) ? readers.read(path, row.recordOffset, row.recordLength) : null;
}
