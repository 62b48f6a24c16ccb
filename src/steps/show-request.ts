import { type Billing, costOfAnswer } from '../core/billing.ts';
import { isLegalCustomId } from '../core/custom-id.ts';
import { type Job, stageNamed } from '../core/job.ts';
import { writesNoFiles } from '../core/output-place.ts';
import { type JobFiles, shardPath } from '../core/ports/files.ts';
import type { RowView, ShardView } from '../core/ports/store-views.ts';
import { readPruned } from '../core/pruned.ts';
import { readRequestLine } from '../core/request-line.ts';
import type { FailureClass, RowStatus } from '../core/result.ts';
import { resultRow } from '../core/result-row.ts';
import { pricedAt } from '../core/shard-billing.ts';
import type { LocalDeps } from './deps.ts';
import { loadFrozen } from './frozen-job.ts';
import { groupsOf, heldFacts } from './held-facts.ts';
import { loadBilling } from './load-billing.ts';
import { openRawReaders, type RawReaders } from './raw-readers.ts';
import { refusePruned } from './refuse-pruned.ts';
import { isGood, outputPathOf } from './write-outputs.ts';

/** All that is known of one request. */
export interface RequestDetails {
  readonly customId: string;
  readonly stage: string;
  readonly group: string | null;
  /** Null while nothing is known. */
  readonly status: RowStatus | null;
  readonly failure: FailureClass | null;
  /** As it went, or will go, over the wire; null when there is no request yet, or the shard file is gone. */
  readonly wireId: string | null;
  /** JSON text, exactly as built. */
  readonly paramsJson: string | null;
  /** When `prune` removed the file with it; null: it did not. */
  readonly prunedAt: string | null;
  /** Its batch was made elsewhere: nobody here knows what was asked. */
  readonly isAdopted: boolean;
  /** The line of results.jsonl as JSON text; null while nothing is known. */
  readonly rowJson: string | null;
  /** In order; the last one is the one that counts. Empty for a row that is held. */
  readonly attempts: readonly AttemptDetails[];
  /** Where the answer is written, or would be if it were good; null: the job wants no file. */
  readonly outputPath: string | null;
  readonly isWritten: boolean;
}

/** One sending of the request. */
export interface AttemptDetails {
  readonly number: number;
  readonly shard: number;
  readonly route: 'batch' | 'real_time' | 'none';
  /** Null while no batch is known, and without a batch. */
  readonly batchId: string | null;
  readonly status: RowStatus | null;
  readonly failure: FailureClass | null;
  /** Why it failed, in the API's words or ours; null where there is nothing to say. */
  readonly error: string | null;
  readonly text: string | null;
}

/**
 * Null when the job has no request of this id. `stage` null: the first stage where this record failed, else the last that has come to it. Reads the shard
 * file up to the request.
 */
export async function showRequest(
  job: Job,
  customId: string,
  stage: string | null,
  deps: LocalDeps,
): Promise<RequestDetails | null> {
  const { store, files } = deps;
  await refusePruned(job, deps);
  const row = await store.rowByCustomId(job.id, customId, stage);
  if (row === null) return null;
  const views = await store.shards(job.id);
  const view = views.find((one) => one.shard.id === row.shardId);
  const dir = files.resultsDir(job.jobId);
  const made = (await loadFrozen(job, files))?.stages.find(({ name }) => name === row.stage);
  const outputPath = made !== undefined && writesNoFiles(made) ? null : outputPathOf(row, dir);
  const isWritten = outputPath !== null && isGood(row) && files.exists(outputPath);
  const held = row.status === 'held' ? await heldFacts(job, row, groupsOf(views), deps) : null;
  const facts = {
    group: held?.group ?? view?.shard.group ?? null,
    batchId: view?.batch?.id ?? null,
    output: isWritten ? outputPath : null,
    reused: view?.shard.origin === 'reused',
    why: held?.why ?? null,
  };
  const built = view === undefined ? null : await findBuilt(job, row, view.shard.nonce, files);
  const { requests } = readPruned(await store.events(job.id));
  const readers = await openRawReaders(job, files);
  const billing =
    view === undefined ? null : (await loadBilling(job, files))(view.shard, pricedAt(job, view.batch));
  try {
    return {
      customId: row.customId,
      stage: row.stage,
      group: facts.group,
      status: row.status,
      failure: row.failure,
      wireId: built?.wireId ?? (job.spec.adopted && isLegalCustomId(row.customId) ? row.customId : null),
      prunedAt: built === null ? (requests.get(view?.shard.nonce ?? '') ?? null) : null,
      isAdopted: job.spec.adopted === true,
      paramsJson: built?.paramsJson ?? null,
      rowJson: rowJson(row, facts, billing, readers),
      attempts: await attemptsOf(job, row, views, readers, deps),
      outputPath,
      isWritten,
    };
  } finally {
    readers.close();
  }
}

function rowJson(
  row: RowView,
  facts: Pick<Parameters<typeof resultRow>[0], 'group' | 'batchId' | 'output' | 'reused' | 'why'>,
  billing: Billing | null,
  readers: RawReaders,
): string | null {
  if (row.status === null) return null;
  const answer = readers.answerOf(row);
  const { customId, stage, status, failure, attempt } = row;
  const cost = answer === null || billing === null ? null : costOfAnswer(answer.judgement, billing);
  return resultRow(
    { customId, stage, status, failure, attempt, cost, ...facts },
    answer?.judgement ?? null,
    answer?.line ?? null,
  );
}

async function attemptsOf(
  job: Job,
  row: RowView,
  views: readonly ShardView[],
  readers: RawReaders,
  { store }: LocalDeps,
): Promise<readonly AttemptDetails[]> {
  const past = await store.pastAttempts(stageNamed(job, row.stage).id, row.seq);
  const sent = [...past, ...(row.shardId === null ? [] : [row])];
  return sent.map((one) => {
    const view = views.find(({ shard }) => shard.id === one.shardId);
    const shard = view?.shard.number ?? 0; // every attempt has its shard
    const answer = readers.answerOf({ ...one, stage: row.stage, shardNumber: shard });
    return {
      number: one.attempt,
      shard,
      route: view?.shard.route ?? 'batch',
      batchId: view?.batch?.id ?? null,
      status: one.status,
      failure: one.failure,
      error: answer?.judgement.error?.message ?? null,
      text: answer?.judgement.text ?? null,
    };
  });
}

/** The request's line in its shard file, found by nonce and number, which alone say whose a line is. */
async function findBuilt(
  job: Job,
  row: RowView,
  nonce: string,
  files: JobFiles,
): Promise<{ readonly wireId: string; readonly paramsJson: string } | null> {
  if (row.shardNumber === null) return null;
  const path = shardPath(files.requestsDir(job.jobId), row.stage, row.shardNumber);
  if (!files.exists(path)) return null;
  for await (const lines of files.lines(path)) {
    for (const { text } of lines) {
      const line = readRequestLine(text);
      if (line?.seq === row.seq && line.nonce === nonce) return line;
    }
  }
  return null;
}
