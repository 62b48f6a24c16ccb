import { promptTokens } from '../core/billing.ts';
import { estimatedCost } from '../core/cost-report.ts';
import type { Job } from '../core/job.ts';
import { type MicroUsd, sumOrUnknown } from '../core/money.ts';
import type { PilotTokens, PilotVerdict } from '../core/pilot.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import { addTallies, EMPTY_TALLY } from '../core/result.ts';
import { budgetOf } from './budget.ts';
import { type EstimateDeps, estimateJob } from './estimate-job.ts';
import { openRawReaders } from './raw-readers.ts';

const CHUNK_ROWS = 500;
/** Of the sample answer; who wants all of it looks into the results. */
const SAMPLE_CHARS = 2_000;

/** Judges a pilot whose shards are settled. Reads, counts tokens, and changes nothing. */
export async function judgePilot(job: Job, deps: EstimateDeps, signal: AbortSignal): Promise<PilotVerdict> {
  const { store } = deps;
  const all = await store.shards(job.id);
  const views = all.filter(({ shard }) => shard.first === 'pilot');
  const tally = views.map((view) => view.tally ?? EMPTY_TALLY).reduce(addTallies, EMPTY_TALLY);
  const requests = views.reduce((sum, { shard }) => sum + shard.requests, 0);
  const failed = Object.values(tally.failures).reduce((sum, count) => sum + count, 0);
  // One that was sent again by hand meanwhile is in the tally no more, and was no good.
  const good = tally.requests - failed;
  const successRate = requests === 0 ? 0 : good / requests;
  const minSuccess = (await store.pilotOf(job.id))?.minSuccess ?? null;
  const estimate = await estimateJob(job, deps, signal, { unsentOnly: true });
  const rest = estimatedCost(estimate.total, job)?.likely ?? null;
  return {
    jobId: job.jobId,
    requests,
    good,
    failures: tally.failures,
    successRate,
    minSuccess,
    ...(await readAnswers(job, views, deps, signal)),
    cost: sumOrUnknown(views.map(({ cost }) => cost)),
    estimate,
    rest,
    holds: minSuccess !== null && successRate >= minSuccess,
    overBudget: isOver(await budgetOf(job, store), all, rest),
  };
}

/** By what is likely: the most that it may cost is kept shard by shard, as they go out. */
function isOver(max: MicroUsd | null, views: readonly ShardView[], rest: MicroUsd | null): boolean {
  if (max === null) return false;
  const paid = views.filter(({ shard }) => shard.state === 'applied' && shard.origin !== 'reused');
  const sum = sumOrUnknown([...paid.map(({ cost }) => cost), rest]);
  return sum === null || sum > max;
}

async function readAnswers(
  job: Job,
  views: readonly ShardView[],
  { store, files }: EstimateDeps,
  signal: AbortSignal,
): Promise<Pick<PilotVerdict, 'tokens' | 'sample'>> {
  const answers = await openRawReaders(job, files);
  const sums = { answers: 0, input: 0, output: 0, most: 0 };
  let sample: PilotVerdict['sample'] = null;
  try {
    for (const { shard } of views) {
      const seqs = await store.shardSeqs(shard.id);
      for (let from = 0; from < seqs.length; from += CHUNK_ROWS) {
        signal.throwIfAborted();
        for (const row of await store.rowsOf(shard.stageId, seqs.slice(from, from + CHUNK_ROWS))) {
          const judgement = row.shardId === shard.id ? answers.answerOf(row)?.judgement : undefined;
          if (judgement?.billed == null) continue;
          sums.answers += 1;
          sums.input += promptTokens(judgement.billed);
          sums.output += judgement.billed.output;
          sums.most = Math.max(sums.most, judgement.billed.output);
          const text = judgement.jsonText ?? judgement.text;
          if (row.failure === null && text !== null)
            sample ??= { customId: row.customId, text: text.slice(0, SAMPLE_CHARS) };
        }
      }
    }
  } finally {
    answers.close();
  }
  return { tokens: meansOf(sums), sample };
}

function meansOf(sums: {
  readonly answers: number;
  readonly input: number;
  readonly output: number;
  readonly most: number;
}): PilotTokens | null {
  if (sums.answers === 0) return null;
  return {
    meanInput: Math.round(sums.input / sums.answers),
    meanOutput: Math.round(sums.output / sums.answers),
    mostOutput: sums.most,
  };
}
