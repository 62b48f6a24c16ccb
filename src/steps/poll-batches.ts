import { type Batch, hasEnded } from '../core/batch.ts';
import { AuthError, ProviderError } from '../core/errors.ts';
import { STRANGER_CODES } from '../core/owner.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import type { OtherBatch } from '../core/queue.ts';
import { EMPTY_TALLY } from '../core/result.ts';
import { makeAdoptedRows } from './adopted-rows.ts';
import { countNotFound } from './count-not-found.ts';
import type { PollBudget } from './poll-budget.ts';
import type { Run } from './run.ts';
import { seeBatches } from './see-batches.ts';
import type { Walk } from './walk-batches.ts';

const YOUNG_MS = 15 * 60_000;

/**
 * Takes what one listing says of the job's open batches; asks for those that it did not show one by one, as many as the
 * budget of calls allows. Counts are stored, never judged: only `ended` ends the wait. `run` counts its calls.
 *
 * @throws AuthError, once all batches were asked for, when one is not found and the key is of another workspace.
 */
export async function pollBatches(
  run: Run,
  views: readonly ShardView[],
  walk: Walk,
  budget: PollBudget,
  signal: AbortSignal,
): Promise<void> {
  const shown = await seeBatches(run, openBatches(views), walk, budget, signal);
  const asked = views.map((view) => ({ run, view }));
  await askOneByOne(asked, shown, budget, signal);
}

/** Batches of the job of which a look could tell something new. */
export function openBatches(views: readonly ShardView[]): readonly Batch[] {
  return views.flatMap(({ batch, shard }) =>
    batch === null || shard.state !== 'live' || hasEnded(batch) ? [] : [batch],
  );
}

/** What no page has shown, of one job or several. What there are no calls left for has its turn with a later look. */
export async function askOneByOne(
  asked: readonly { readonly run: Run; readonly view: ShardView }[],
  shown: ReadonlySet<string>,
  budget: PollBudget,
  signal: AbortSignal,
): Promise<void> {
  const hidden = asked.flatMap(({ run, view }) =>
    openBatches([view]).flatMap((batch) => (shown.has(batch.id) ? [] : [{ run, view, batch }])),
  );
  const strangers: AuthError[] = [];
  for (const { run, view, batch: known } of budget.turns(hidden, ({ batch }) => batch.id)) {
    const { id, createdAt } = known;
    try {
      const batch = await retrieve(run, id, signal);
      if (batch !== null) await run.deps.store.recordSeen(batch);
      else if (await countNotFound(run, { id, madeMs: Date.parse(createdAt) }, signal))
        await loseShard(run, view, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof AuthError && STRANGER_CODES.includes(error.code)) strangers.push(error);
      // What may pass is met again by the next listing.
      else if (!(error instanceof ProviderError)) throw error;
    }
  }
  if (strangers[0] !== undefined) throw strangers[0];
}

/**
 * The same for batches of other jobs, as far as calls are left: only for the room that they take, so that nothing is concluded
 * about the jobs. A young batch may be not found for a while, and one of another workspace is never found: it counts until
 * its 24 hours are over.
 *
 * @returns those that are gone.
 */
export async function askForOthers(
  run: Run,
  others: readonly OtherBatch[],
  shown: ReadonlySet<string>,
  budget: PollBudget,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const hidden = others.filter(({ id, workspace }) => !shown.has(id) && workspace !== 'other');
  const gone: string[] = [];
  for (const { id, createdAt, workspace } of budget.turns(hidden, (one) => one.id)) {
    try {
      const batch = await retrieve(run, id, signal);
      if (batch !== null) await run.deps.store.recordSeen(batch);
      else if (workspace === 'same' && Date.parse(createdAt) + YOUNG_MS < run.time.nowMs()) gone.push(id);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ProviderError)) throw error;
    }
  }
  return gone;
}

/** Null: not found. */
async function retrieve(run: Run, id: string, signal: AbortSignal): Promise<Batch | null> {
  try {
    const { batch, stamp } = await run.deps.provider.retrieveBatch(id, signal);
    run.time.note(stamp);
    return batch;
  } catch (error) {
    if (error instanceof ProviderError && error.status === 404) return null;
    throw error;
  }
}

/** The batch or its results are gone for good. Nothing is sent again: what was done was paid. */
export async function loseShard(run: Run, view: ShardView, signal: AbortSignal): Promise<void> {
  const { job, deps } = run;
  if (job.spec.adopted) await makeAdoptedRows(job, view.shard, false, deps, signal);
  const missing = await run.deps.store.settleRest(view.shard.id, 'missing', 'missing');
  // Rows that have gone out again since are another shard's.
  const tally = { ...EMPTY_TALLY, requests: missing, missing, failures: missing === 0 ? {} : { missing } };
  await run.deps.store.finishShard(view.shard.id, 'lost', tally);
}
