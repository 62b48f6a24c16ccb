import { jobVariable, type OutputVariables, renderAfterRun } from '../core/after-run.ts';
import { isInRanges, readAppliedReports, rowsWithoutFile } from '../core/applied-report.ts';
import type { Job } from '../core/job.ts';
import type { JobDocument } from '../core/job-document.ts';
import type { GitCommit } from '../core/job-file.ts';
import type { GitCommitEnd } from '../core/ports/outside.ts';
import { TemplateError } from '../core/template.ts';
import type { AfterRunDeps } from './after-run.ts';
import { breathe } from './breathe.ts';
import type { LocalDeps } from './deps.ts';
import { isGood, outputPathOf } from './write-outputs.ts';
import { rowChunks } from './write-results.ts';

/** Commits the files that the job's good rows were written to, those of them that are new or changed. */
export async function commitOutputs(
  job: Job,
  git: GitCommit,
  document: JobDocument,
  deps: AfterRunDeps,
  signal: AbortSignal,
): Promise<string> {
  const { outside, report } = deps;
  const problem = (text: string): void => report({ kind: 'problem', text: `git of ${job.jobId}: ${text}` });
  const outputs = await writtenOutputs(job, deps, signal);
  const look = await outside.git.inspect([...outputs.keys()], signal);
  if (look.kind === 'unusable') {
    problem(`nothing was committed: ${look.why}`);
    return 'unusable';
  }
  if (look.ignored.length > 0) {
    problem(`git ignores ${count(look.ignored.length, 'output')}, not committed, first: ${look.ignored[0]}`);
  }
  if (look.changed.length === 0) {
    report({ kind: 'notice', text: 'git: no output has changed, nothing to commit' });
    return 'unchanged';
  }
  const commits = plan(git, jobVariable(document), look.changed, outputs);
  let committed = 0;
  let last = '';
  try {
    for (const { paths, message } of commits()) {
      signal.throwIfAborted();
      const end: GitCommitEnd = await outside.git.commit(paths, message, signal);
      if (end.kind === 'refused') {
        const left = look.changed.length - committed;
        problem(`${count(left, 'output')} not committed: ${end.why}`);
        return 'refused';
      }
      committed += paths.length;
      last = end.commit;
    }
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    problem(`${count(look.changed.length - committed, 'output')} not committed: ${error.message}`);
    return 'refused';
  }
  const as = git.per === 'job' ? `as ${last}` : `in ${count(committed, 'commit')}, the last is ${last}`;
  report({ kind: 'notice', text: `git: committed ${count(committed, 'output')} ${as}` });
  return 'done';
}

interface Planned {
  readonly paths: readonly string[];
  readonly message: string;
}

function plan(
  git: GitCommit,
  job: Readonly<Record<string, unknown>>,
  changed: readonly string[],
  outputs: ReadonlyMap<string, Omit<OutputVariables, 'output'>>,
): () => Iterable<Planned> {
  const render = (variables: Readonly<Record<string, unknown>>): string =>
    renderAfterRun(git.message, 'git.commit', { job, ...variables });
  return function* () {
    if (git.per === 'job') yield { paths: changed, message: render({}) };
    else
      for (const output of changed)
        yield { paths: [output], message: render({ output, ...outputs.get(output) }) };
  };
}

/** Output → its row, of all good rows whose file is there. A path that another thing stood on was never written. */
async function writtenOutputs(
  job: Job,
  deps: LocalDeps,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Omit<OutputVariables, 'output'>>> {
  const { store, files, clock } = deps;
  const dir = files.resultsDir(job.jobId);
  const withoutFile = rowsWithoutFile(readAppliedReports(await store.events(job.id)));
  const outputs = new Map<string, Omit<OutputVariables, 'output'>>();
  for (const stage of job.spec.stages) {
    for await (const rows of rowChunks(job, stage, deps)) {
      for (const row of rows) {
        if (!isGood(row) || isInRanges(withoutFile.get(row.shardId ?? 0) ?? [], row.seq)) continue;
        const path = outputPathOf(row, dir);
        if (files.exists(path)) outputs.set(path, { custom_id: row.customId, stage });
      }
      await breathe(clock, signal);
    }
  }
  return outputs;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
