import {
  AFTER_RUN_EVENT,
  type AfterRunDetail,
  type AfterRunPart,
  jobFacts,
  jobVariable,
  PART_EVENT,
  readAfterRun,
  renderAfterRun,
} from '../core/after-run.ts';
import { StoreError } from '../core/errors.ts';
import { isFinal, type Job } from '../core/job.ts';
import type { JobDocument } from '../core/job-document.ts';
import type { JobFile } from '../core/job-file.ts';
import type { Outside } from '../core/ports/outside.ts';
import { TemplateError } from '../core/template.ts';
import { commitOutputs } from './after-run-git.ts';
import { postSummary, targetOf } from './after-run-notify.ts';
import type { LocalDeps } from './deps.ts';
import { describeJob } from './describe-job.ts';
import { loadFrozen } from './frozen-job.ts';

export interface AfterRunDeps extends LocalDeps {
  readonly outside: Outside;
}

/**
 * What a final job asks for, each part once for each time that the job became final: the commit, then the command, then the
 * notification. A part is recorded when it has ended, well or not; killed before that, the next call begins it again.
 * Nothing that goes wrong here changes the job: it is told as a problem.
 *
 * The caller holds the job's lock. Costs one read of the job's events when nothing is due.
 */
export async function afterRun(
  job: Job,
  notifyUrl: string | null,
  deps: AfterRunDeps,
  signal: AbortSignal,
): Promise<void> {
  const { finalAt } = job;
  if (!isFinal(job.state) || finalAt === null) return;
  const { store } = deps;
  const done = readAfterRun(await store.events(job.id), finalAt);
  const record = (kind: string, detail: Omit<AfterRunDetail, 'final_at'>): Promise<void> =>
    store.recordEvent({ jobId: job.id, kind, detail: { final_at: finalAt, ...detail } });

  if (!done.some((detail) => detail.part === undefined)) {
    const wanted = await wantedParts(job, deps);
    for (const { part, run } of wanted ?? []) {
      if (done.some((detail) => detail.part === part)) continue;
      signal.throwIfAborted();
      await record(PART_EVENT, { part, outcome: await run(signal) });
    }
    if (wanted !== null) await record(AFTER_RUN_EVENT, {});
  }

  if (notifyUrl === null) return;
  const target = targetOf(notifyUrl);
  if (done.some((detail) => detail.part === 'notify' && detail.target === target)) return;
  const outcome = await postSummary(await describeJob(job, deps), notifyUrl, deps, signal);
  // One that nobody took may be asked for again; the URL is given each time.
  if (outcome === 'done') await record(PART_EVENT, { part: 'notify', target, outcome });
}

/** Whether a final job asks for something that was not begun, or cut off. A notification is not known before it is asked for. */
export async function isAfterRunDue({ id, state, finalAt }: Job, { store }: LocalDeps): Promise<boolean> {
  if (!isFinal(state) || finalAt === null) return false;
  return !readAfterRun(await store.events(id), finalAt).some((detail) => detail.part === undefined);
}

interface Part {
  readonly part: AfterRunPart;
  /** Returns how it ended, for the record. */
  readonly run: (signal: AbortSignal) => Promise<string>;
}

/** Null when what the job asks for cannot be read: a later run may. */
async function wantedParts(job: Job, deps: AfterRunDeps): Promise<readonly Part[] | null> {
  let frozen: JobFile | null;
  try {
    frozen = await loadFrozen(job, deps.files);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const text = `what comes after job ${job.jobId} was left out: ${error.message}`;
    deps.report({ kind: 'problem', text });
    return null;
  }
  if (frozen === null) return [];
  const { dir, git, onEnd } = frozen;
  const parts: Part[] = [];
  if (git !== null) {
    parts.push({
      part: 'git',
      run: async (signal) => commitOutputs(job, git, await describeJob(job, deps), deps, signal),
    });
  }
  if (onEnd !== null) {
    parts.push({
      part: 'on_end',
      run: async (signal) => runOnEnd(job, { dir, onEnd }, await describeJob(job, deps), deps, signal),
    });
  }
  return parts;
}

async function runOnEnd(
  job: Job,
  { onEnd, dir }: Pick<JobFile, 'dir'> & { readonly onEnd: readonly string[] },
  document: JobDocument,
  deps: AfterRunDeps,
  signal: AbortSignal,
): Promise<string> {
  const tell = (text: string): void =>
    deps.report({ kind: 'problem', text: `on_end of ${job.jobId}: ${text}` });
  let argv: readonly string[];
  try {
    argv = onEnd.map((text, index) =>
      renderAfterRun(text, `on_end.${index}`, { job: jobVariable(document) }),
    );
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    tell(`not run, ${error.message}`);
    return 'failed';
  }
  const program = argv[0] ?? '';
  const end = await deps.outside.runCommand(
    {
      argv,
      dir,
      facts: jobFacts(document),
      paths: { BATCHCTL_WORKSPACE: '', BATCHCTL_RESULTS_DIR: deps.files.resultsDir(job.jobId) },
      stdin: `${JSON.stringify(document)}\n`,
    },
    signal,
  );
  switch (end.kind) {
    case 'exited':
      if (end.exitCode === 0) return 'done';
      tell(`${program} left with exit code ${end.exitCode}; the job is ${job.state} all the same`);
      return `exit_${end.exitCode}`;
    case 'killed':
      tell(`${program} was ended by ${end.signal}; the job is ${job.state} all the same`);
      return `killed_${end.signal}`;
    case 'not_started':
      tell(`${program} could not be started: ${end.why}`);
      return 'not_started';
  }
}
