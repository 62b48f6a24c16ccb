import { readAppliedReports } from '../core/applied-report.ts';
import type { Job } from '../core/job.ts';
import type { LocalDeps } from './deps.ts';
import { SUMMARY_FILE, writeSummary } from './finish-job.ts';
import { RawReaders } from './raw-readers.ts';
import { isGood, outputContent, outputPathOf, writeOutput } from './write-outputs.ts';
import { FAILED_FILE, RESULTS_FILE, rowChunks, writeResults } from './write-results.ts';

/**
 * Puts back the files of a final job that are gone, from the raw results and without the API. Files that are there are
 * left alone, whatever the user made of them.
 *
 * @returns how many files it wrote.
 */
export async function restoreResults(job: Job, deps: LocalDeps, signal: AbortSignal): Promise<number> {
  const { store, files } = deps;
  const dir = files.resultsDir(job.jobId);
  let restored = await restoreOutputs(job, deps, signal);
  if (![RESULTS_FILE, FAILED_FILE].every((name) => files.exists(`${dir}/${name}`))) {
    await writeResults(job, 'final', deps, signal);
    restored += 2;
  }
  if (!files.exists(`${dir}/${SUMMARY_FILE}`)) {
    await writeSummary(job, await store.shards(job.id), deps);
    restored += 1;
  }
  return restored;
}

async function restoreOutputs(job: Job, deps: LocalDeps, signal: AbortSignal): Promise<number> {
  const { store, files, clock } = deps;
  const dir = files.resultsDir(job.jobId);
  const refused = new Map(
    readAppliedReports(await store.events(job.id)).map((one) => [one.shardId, one.refusedOutputs]),
  );
  const readers = new RawReaders(files, dir);
  let restored = 0;
  try {
    for (const stage of job.spec.stages) {
      for await (const rows of rowChunks(job, stage, deps)) {
        for (const row of rows) {
          if (!isGood(row)) continue;
          const path = outputPathOf(row, dir);
          const isRefused =
            refused.get(row.shardId)?.some(([from, to]) => row.seq >= from && row.seq <= to) ?? false;
          if (isRefused || files.exists(path)) continue;
          const answer = readers.answerOf(row);
          if (answer === null) continue;
          const why = writeOutput(files, path, outputContent(answer.judgement, answer.line), job.spec);
          if (why === null) restored += 1;
          else deps.report({ kind: 'notice', text: `row ${row.customId}: ${why}` });
        }
        await clock.sleep(0, signal);
        signal.throwIfAborted();
      }
    }
  } finally {
    readers.close();
  }
  return restored;
}
