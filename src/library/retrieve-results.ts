import { DecisionError, StoreError, UsageError } from '../core/errors.ts';
import { isFinal, type Job as StoredJob } from '../core/job.ts';
import type { FailureClass, RowStatus } from '../core/result.ts';
import { carryOn, requireSubmitted } from './carry-on.ts';
import type { CallOptions, Job } from './job.ts';
import { depsOf, localDepsOf, readJob, type Session, sessionOf, working } from './session.ts';

/** What became of one request: a line of results.jsonl (docs/results.md). Keys are only ever added. */
export interface ResultRow {
  readonly custom_id: string;
  /** `main` unless the job names stages. */
  readonly stage: string;
  readonly group: string | null;
  /** The API's verdict; `missing`: the batch ended without a line for it; `held`: a stage that it needs failed. */
  readonly status: RowStatus;
  /** Null when the answer is good. Look here, not at `status`: a cut or refused answer has succeeded too. */
  readonly failure: FailureClass | null;
  /** The text blocks of the answer, joined; null without an answer. */
  readonly text: string | null;
  /** With a `schema`: the data of a good answer, checked against it; else null. */
  readonly json: unknown;
  /** All content blocks; only where there are others than text and thinking. */
  readonly content?: readonly Readonly<Record<string, unknown>>[];
  readonly stop_reason: string | null;
  readonly model: string | null;
  /** Tokens as the API counted them; `input_tokens` leaves out both cache figures. */
  readonly usage: {
    readonly input_tokens: number;
    readonly output_tokens: number;
    readonly cache_creation_input_tokens: number;
    readonly cache_read_input_tokens: number;
  } | null;
  /** What the last answer cost, in millionths of a dollar; null without an answer, or without a price for its model. */
  readonly cost_microusd: number | null;
  readonly error: {
    readonly type: string;
    readonly message: string;
    readonly request_id: string | null;
  } | null;
  /** From 1. */
  readonly attempt: number;
  /** Taken from an earlier job, which paid for it. */
  readonly reused: boolean;
  readonly batch_id: string | null;
  /** Where the answer was written, relative to the workspace; null when it was not. */
  readonly output: string | null;
}

export interface RetrieveOptions extends CallOptions {
  /** Only rows of this stage. */
  readonly stage?: string;
  /** Of a job that is not final yet, the rows that are known so far. */
  readonly partial?: boolean;
}

/**
 * The results of a submitted job, a row for every request, in input order (of several stages, one stage after another).
 * Fetches what has ended and is not here yet; does not wait. Streams: memory does not grow with the job. May be called
 * again at any time; a final job asks no server, unless its raw results are gone.
 *
 * Numbers in `json` and `content` are read as JavaScript reads them; results.jsonl has all their digits.
 *
 * @throws UsageError `job_not_submitted`; `job_pending` when the job is not final and `partial` is not set; and as
 *   pollUntilEnded. All are thrown when the first row is asked for.
 */
export async function* retrieveResults(
  job: Job,
  options: RetrieveOptions = {},
): AsyncGenerator<ResultRow, void, undefined> {
  const session = sessionOf(job.workspace);
  const { stage, partial = false, signal: given } = options;
  const stored = await working(`retrieving job ${job.jobId}`, given, async (signal) => {
    const before = await readJob(job);
    const fresh = await fetchResults(before, session, signal).catch((error: unknown) => {
      // What is to be sent further is for the user to decide; what was answered was paid, and is there.
      if (partial && error instanceof DecisionError && HOLDS_BACK.has(error.code)) return before;
      throw error;
    });
    if (!isFinal(fresh.state) && !partial) throw pending(fresh);
    return fresh;
  });
  const lines = resultLines(stored, session)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await working(`reading the results of ${job.jobId}`, given, () => lines.next());
      if (next.done === true) return;
      for (const row of next.value) if (stage === undefined || row.stage === stage) yield row;
    }
  } finally {
    await lines.return?.(undefined);
  }
}

/** Why unsent requests wait for a word of the user. */
const HOLDS_BACK: ReadonlySet<string> = new Set(['over_budget', 'price_unknown', 'pilot_undecided']);

/** What the API has of the job, taken in; of a final job, the files that are gone written again. */
async function fetchResults(job: StoredJob, session: Session, signal: AbortSignal): Promise<StoredJob> {
  requireSubmitted(job);
  if (!isFinal(job.state)) {
    return carryOn(job, { mode: job.mode ?? 'batch', until: 'once' }, {}, session, signal);
  }
  const local = await localDepsOf(session, job.jobId);
  const { RESULTS_FILE } = await import('../steps/write-results.ts');
  if (local.files.exists(`${local.files.resultsDir(job.jobId)}/${RESULTS_FILE}`)) return job;
  const { findGaps, retrieveAgain } = await import('../steps/retrieve-again.ts');
  const { restoreResults } = await import('../steps/restore-results.ts');
  const lock = local.locks.lockJob(job.jobId);
  try {
    const gaps = await findGaps(job, local);
    if (gaps.length === 0) await restoreResults(job, local, signal);
    else await retrieveAgain(job, gaps, await depsOf(session, job), signal);
  } finally {
    lock.release();
  }
  return local.store.jobById(job.id);
}

async function* resultLines(job: StoredJob, { wire }: Session): AsyncGenerator<readonly ResultRow[]> {
  const { PARTIAL_FILE, RESULTS_FILE } = await import('../steps/write-results.ts');
  const files = await wire.files();
  const path = `${files.resultsDir(job.jobId)}/${isFinal(job.state) ? RESULTS_FILE : PARTIAL_FILE}`;
  // Nothing is known yet of a job that has only just been sent.
  if (!isFinal(job.state) && !files.exists(path)) return;
  for await (const lines of files.lines(path)) yield lines.map(({ text }) => readRow(text, path));
}

function readRow(text: string, path: string): ResultRow {
  try {
    // Written by core/result-row.ts; `verify` holds each line against the raw results.
    return JSON.parse(text) as ResultRow;
  } catch (cause) {
    throw new StoreError(`${path} is damaged`, {
      code: 'results_damaged',
      why: 'a line of it is not JSON',
      next: 'remove the file and call again: it is made from the raw results',
      cause,
    });
  }
}

function pending({ jobId, state }: StoredJob): UsageError {
  return new UsageError(`job ${jobId} is ${state}, not final`, {
    code: 'job_pending',
    why: 'not every request has its outcome yet',
    next: 'await pollUntilEnded(job) first, or ask for what is there: {partial: true}',
  });
}
