import { InterruptedError, UsageError } from '../core/errors.ts';
import { requestsInFlight } from '../core/shard.ts';
import { type BuildOptions, buildHeld } from './build-requests.ts';
import type { GivenRequest, Values } from './job-definition.ts';
import type { Workspace } from './open-workspace.ts';
import { type ResultRow, retrieveResults } from './retrieve-results.ts';
import { submitHeld, type WaitOptions } from './run-job.ts';

export interface RunBatchOptions extends WaitOptions, Pick<BuildOptions, 'changed'> {
  readonly model: string;
  /** The most tokens an answer may have, thinking included. */
  readonly maxTokens: number;
  readonly system?: string;
  /** Further parameters of each message, such as `{output_config: {effort: 'low'}}`. */
  readonly params?: Readonly<Record<string, unknown>>;
  /** The job's name. Default `prompts`. */
  readonly name?: string;
  /** Default `batch`. */
  readonly mode?: 'batch' | 'real_time';
}

/**
 * Prompts in, answers out: builds a job of one user message each, sends it, waits, and returns a row for every prompt, in
 * the order of the prompts. Texts go as they are; nothing in them is a template. Called again with the same prompts while
 * that job is unfinished, in this process or another, it carries the job on; once it is finished, a new job is made and
 * paid, unless `changed` reuses the answers.
 *
 * @throws InterruptedError `still_pending` when `maxWaitMs` came first; and as buildRequests and submitJob.
 */
export async function runBatch(
  workspace: Workspace,
  prompts: Values<string>,
  options: RunBatchOptions,
): Promise<readonly ResultRow[]> {
  const { name = 'prompts', changed = false, signal } = options;
  const { job, lock } = await buildHeld(
    workspace,
    { name, requests: toRequests(prompts, options) },
    { changed, signal, maxShardRequests: requestsInFlight(options.maxInFlight) },
  );
  const { state } = await submitHeld(job, lock, { ...options, until: 'ended' }).finally(() =>
    lock?.release(),
  );
  if (state !== 'done' && state !== 'canceled' && state !== 'failed') {
    throw new InterruptedError(`job ${job.jobId} is ${state} after the longest wait`, {
      code: 'still_pending',
      signal: null,
      why: `maxWaitMs is ${options.maxWaitMs ?? 'not set, and its batches are past their end'}; what was sent goes on`,
      next: 'make the same call again: it carries on',
    });
  }
  const rows: ResultRow[] = [];
  for await (const row of retrieveResults(job, { signal })) rows.push(row);
  return rows;
}

async function* toRequests(
  prompts: Values<string>,
  { model, maxTokens, system, params = {} }: RunBatchOptions,
): AsyncGenerator<GivenRequest> {
  // Callers without types: a text would be a prompt for each of its characters.
  if (typeof prompts === 'string') throw noPrompt('prompts');
  let number = 0;
  for await (const content of prompts) {
    number += 1;
    if (typeof content !== 'string') throw noPrompt(`prompt ${number}`);
    yield {
      custom_id: `row-${number}`,
      params: {
        model,
        max_tokens: maxTokens,
        ...params,
        ...(system === undefined ? {} : { system }),
        messages: [{ role: 'user', content }],
      },
    };
  }
}

function noPrompt(what: string): UsageError {
  return new UsageError(`${what} cannot be sent`, {
    code: 'wrong_option',
    why: what === 'prompts' ? 'it is a text, not a list of texts' : 'it is not a text',
    next: 'give a list of texts; buildRequests takes messages of any form',
  });
}
