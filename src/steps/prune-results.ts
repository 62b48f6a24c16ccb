import type { Job } from '../core/job.ts';
import type { RowView } from '../core/ports/store-views.ts';
import { NOTHING, plus, type Size } from '../core/prune-rules.ts';
import { readPruned } from '../core/pruned.ts';
import { breathe } from './breathe.ts';
import { isRawDamaged } from './check-raw.ts';
import type { LocalDeps } from './deps.ts';
import { loadFrozen } from './frozen-job.ts';
import { groupsOf } from './held-facts.ts';
import { OutputWriter } from './output-writer.ts';
import { openRawReaders } from './raw-readers.ts';
import { isGood, outputPathOf } from './write-outputs.ts';
import { FAILED_FILE, RESULTS_FILE, rowChunks } from './write-results.ts';

const listsOf = (dir: string): readonly string[] =>
  [RESULTS_FILE, FAILED_FILE].map((name) => `${dir}/${name}`);
const outDir = (dir: string, stage: string): string => `${dir}/out/${stage}`;

/** What of a job is made from its raw results and stands in its own folder. Of outputs those that nobody has changed go. */
export async function sizeOfResults(job: Job, { files }: LocalDeps): Promise<Size> {
  const dir = files.resultsDir(job.jobId);
  let size: Size = NOTHING;
  for (const path of listsOf(dir)) if (files.exists(path)) size = plus(size, files.size(path));
  for (const { name } of job.stages)
    for await (const { kind, bytes } of files.entries(outDir(dir, name)))
      if (kind === 'file') size = plus(size, bytes);
  return size;
}

/**
 * Removes results.jsonl, failed.jsonl and the outputs in the job's own folder, which `retrieve` makes again from the raw
 * results. An output that is not as it was written is somebody's work, and stays; so does what a module has made, which may make
 * something else today.
 *
 * @returns what was removed, and why something, or all, was kept.
 */
export async function pruneResults(
  job: Job,
  deps: LocalDeps,
  signal: AbortSignal,
): Promise<{ readonly removed: Size; readonly kept: readonly string[] }> {
  const { store, files } = deps;
  let removed: Size = NOTHING;
  const keepAll = (why: string) => ({ removed, kept: [`the results of ${job.jobId}: ${why}`] });
  for (const { shard } of await store.shards(job.id)) {
    signal.throwIfAborted();
    if (shard.state === 'lost')
      return keepAll(
        `${shard.stage} ${shard.number} is lost, and to retrieve the job asks the API for it first`,
      );
    if (!(await isRawDamaged(job, shard, deps))) continue;
    const why = `the raw results of ${shard.stage} ${shard.number} are not as they came`;
    return keepAll(`${why}; batchctl retrieve ${job.jobId} gets them again`);
  }
  const { resultsAt } = readPruned(await store.events(job.id));
  if (resultsAt === null) await store.recordPruned(job.id, { results: true });
  const dir = files.resultsDir(job.jobId);
  const remove = (path: string): void => {
    removed = plus(removed, files.size(path));
    files.remove(path);
  };
  let changed = 0;
  for await (const { path, content } of outputsOf(job, deps, signal)) {
    const bytes = content === null ? null : files.removeIfSame(path, content);
    if (bytes === null) changed += 1;
    else removed = plus(removed, bytes);
  }
  for (const path of listsOf(dir)) if (files.exists(path)) remove(path);
  const folders = [...job.stages.map(({ name }) => outDir(dir, name)), `${dir}/out`];
  for (const folder of folders) if (files.exists(folder)) files.removeFolder(folder);
  const kept =
    changed === 0
      ? []
      : [
          `${changed === 1 ? '1 file' : `${changed} files`} in ${dir}/out: changed since, or made by a module`,
        ];
  return { removed, kept };
}

/** Those in the job's own folder that are there, with what they hold as long as nobody has changed them. */
async function* outputsOf(
  job: Job,
  deps: LocalDeps,
  signal: AbortSignal,
): AsyncGenerator<{ readonly path: string; readonly content: string | null }> {
  const { store, files, clock } = deps;
  const dir = files.resultsDir(job.jobId);
  const groups = groupsOf(await store.shards(job.id));
  const readers = await openRawReaders(job, files);
  const outputs = new OutputWriter(job, await loadFrozen(job, files), deps, signal);
  const isThere = (row: RowView, path: string): boolean =>
    isGood(row) && path.startsWith(`${outDir(dir, row.stage)}/`) && files.exists(path);
  try {
    for (const stage of job.spec.stages) {
      for await (const rows of rowChunks(job, stage, deps)) {
        for (const row of rows) {
          const path = outputPathOf(row, dir);
          const answer = isThere(row, path) ? readers.answerOf(row) : null;
          if (answer === null) continue;
          const group = groups.get(row.shardId ?? 0) ?? null;
          yield { path, content: await outputs.contentOf({ ...row, ...answer, group }) };
        }
        await breathe(clock, signal);
      }
    }
  } finally {
    outputs.close();
    readers.close();
  }
}
