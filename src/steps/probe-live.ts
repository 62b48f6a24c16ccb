import { type Batch, sumCounts } from '../core/batch.ts';
import { ProviderError } from '../core/errors.ts';
import type { LiveRecord } from '../core/live-record.ts';
import { customIdInHead } from '../core/result-line.ts';
import { type LiveDeps, LiveProbe, TailKept } from './live-probe.ts';

/** Counts that tell the batches of one question from those of another, and mostly from other people's. */
const COUNTS = { V1: 6, V11: 5, V2: 3, V4: 4 } as const;

/** Requests that may be answered, and so paid. */
export const LIVE_REQUESTS = COUNTS.V2 + COUNTS.V4;

const CUT_TRIES = 20;
/** While the tail is held back: enough to tell both ends of the upload apart by times of whole seconds. */
const HOLD_MS = 4_000;
const LIST_WITHIN_MS = 30_000;
const END_WITHIN_MS = 5 * 60_000;
const LOOKS_BEFORE_CANCEL = 8;
const LOOK_MS = 300;

/**
 * Asks the API the questions of which recovery depends on the answers, with batches of a few tokens that are canceled at
 * once. Every batch stands in the record before it is sent.
 *
 * @throws ProviderError, AuthError; the record says then what may be left.
 */
export async function probeLive(
  record: LiveRecord,
  deps: LiveDeps,
  signal: AbortSignal,
): Promise<LiveRecord> {
  const probe = new LiveProbe(record, deps, signal);
  try {
    await askAll(probe);
  } catch (error) {
    await probe.cancelLeft();
    throw error;
  }
  for (const [name, question, why] of NOT_ASKED) probe.notAsked(name, question, why);
  const isLeft = probe.record.batches.some(({ state }) => state === 'created' || state === 'in_doubt');
  if (!isLeft) probe.change({ finished_at: deps.clock.now().toISOString() });
  return probe.record;
}

async function askAll(probe: LiveProbe): Promise<void> {
  const before = await listAll(probe);
  await askDate(probe);
  await askCuts(probe);
  await askRefusal(probe);
  const first = await askVisibility(probe);
  const second = await askCreatedAt(probe);
  if (first !== null && second !== null) await askOrder(probe, first, second);
  await askCursor(probe);
  if (first !== null) await askAfterCancel(probe, first);
  if (second !== null) await probe.untilEnded(second.id, END_WITHIN_MS, () => undefined);
  await askStrays(probe, before);
}

const NOT_ASKED = [
  ['V2', 'Does a second host see a batch as soon as the first?', 'it takes a second host'],
  ['V6', 'Is a body that takes 10 minutes accepted?', 'it takes 10 minutes'],
  ['V7', 'Range, ETag and gzip on results?', 'results are read whole, and nothing depends on it'],
  ['V8', 'What is the exact limit of size?', 'it takes bodies of 256 MB; shards stay below both readings'],
  ['V10', 'Which errors come at the limit of the queue and of spending?', 'it takes an account at its limit'],
] as const;

async function listAll(probe: LiveProbe): Promise<ReadonlySet<string>> {
  const { batches, stamp } = await probe.provider.listBatches({ limit: 1000, afterId: null }, probe.signal);
  probe.time.note(stamp);
  probe.change({ workspace_id: stamp.workspaceId });
  return new Set(batches.map(({ id }) => id));
}

async function list(probe: LiveProbe): Promise<readonly Batch[]> {
  const { batches, stamp } = await probe.provider.listBatches({ limit: 100, afterId: null }, probe.signal);
  probe.time.note(stamp);
  return batches;
}

async function askDate(probe: LiveProbe): Promise<void> {
  await probe.ask('V4', 'Is there a Date on answers?', async () => {
    let dated = 0;
    for (let n = 0; n < 3; n += 1) {
      const { stamp } = await probe.provider.listBatches({ limit: 1, afterId: null }, probe.signal);
      if (stamp.serverMs !== null) dated += 1;
    }
    return {
      answer: dated === 3 ? 'yes' : 'no',
      detail: `${dated} of 3 listings had one`,
      as_assumed: dated === 3,
    };
  });
}

/** What they made, if anything, is looked for at the end. */
async function askCuts(probe: LiveProbe): Promise<void> {
  await probe.ask('V1', 'What answers a create that is cut before its last two bytes?', async () => {
    let answered = 0;
    for (let n = 0; n < CUT_TRIES; n += 1) {
      const outcome = await probe.create({
        probe: 'V1',
        requests: COUNTS.V1,
        beforeTail: () => Promise.reject(new TailKept('kept back')),
      });
      if (outcome !== null) answered += 1;
    }
    const answer = answered === 0 ? 'nothing' : `something, ${answered} times`;
    return { answer, detail: `${CUT_TRIES} tries`, as_assumed: answered === 0 };
  });
}

async function askRefusal(probe: LiveProbe): Promise<void> {
  await probe.ask('V11', 'How is a whole create with a bad request refused?', async () => {
    const outcome = await probe.create({ probe: 'V11', requests: COUNTS.V11, params: 'not an object' });
    if (outcome?.kind === 'created') {
      await probe.cancel(outcome.batch.id);
      return { answer: 'it is taken', detail: `batch ${outcome.batch.id}, canceled`, as_assumed: null };
    }
    if (outcome?.kind !== 'not_created') {
      return { answer: 'unclear', detail: outcome?.reason ?? 'no answer', as_assumed: false };
    }
    const { error } = outcome;
    const status = error instanceof ProviderError ? error.status : 401;
    return { answer: `with ${status ?? 'no status'}`, detail: error.message, as_assumed: outcome.tailSent };
  });
}

async function askVisibility(probe: LiveProbe): Promise<Batch | null> {
  let made: Batch | null = null;
  await probe.ask('V2', 'How long after create is a batch listed, and found by its id?', async () => {
    const outcome = await probe.create({ probe: 'V2', requests: COUNTS.V2 });
    if (outcome?.kind !== 'created') return notCreated(outcome);
    made = outcome.batch;
    const { id } = outcome.batch;
    const startedMs = probe.clock.monotonicMs();
    const since = (): number => probe.clock.monotonicMs() - startedMs;
    let [listedMs, foundMs]: [number | null, number | null] = [null, null];
    while ((listedMs === null || foundMs === null) && since() < LIST_WITHIN_MS) {
      foundMs ??= (await isFound(probe, id)) ? since() : null;
      listedMs ??= (await list(probe)).some((batch) => batch.id === id) ? since() : null;
      if (listedMs === null || foundMs === null) await probe.clock.sleep(100, probe.signal);
      probe.signal.throwIfAborted();
    }
    const answer = `listed after ${inSeconds(listedMs)}, found after ${inSeconds(foundMs)}`;
    return { answer, detail: `batch ${id}`, as_assumed: listedMs !== null };
  });
  if (made !== null) await askCounts(probe, made);
  return made;
}

async function isFound(probe: LiveProbe, id: string): Promise<boolean> {
  try {
    await probe.provider.retrieveBatch(id, probe.signal);
    return true;
  } catch (error) {
    if (error instanceof ProviderError && error.status === 404) return false;
    throw error;
  }
}

/** It runs on for so long, then it is canceled. */
async function askCounts(probe: LiveProbe, { id }: Batch): Promise<void> {
  await probe.ask('V5', 'Do counts move before the end?', async () => {
    let [looks, moved] = [0, 0];
    for (; looks < LOOKS_BEFORE_CANCEL; looks += 1) {
      const { batch } = await probe.provider.retrieveBatch(id, probe.signal);
      if (batch.processingStatus === 'ended') break;
      if (batch.counts.processing !== sumCounts(batch.counts)) moved += 1;
      await probe.clock.sleep(LOOK_MS, probe.signal);
      probe.signal.throwIfAborted();
    }
    await probe.cancel(id);
    if (looks === 0)
      return { answer: 'not seen', detail: 'it had ended before the first look', as_assumed: null };
    return { answer: moved > 0 ? 'yes' : 'no', detail: `${moved} of ${looks} looks`, as_assumed: null };
  });
}

async function askCreatedAt(probe: LiveProbe): Promise<Batch | null> {
  let made: Batch | null = null;
  await probe.ask('V4', 'Is created_at the time of the first byte or of the last?', async () => {
    let headLeftMs = 0;
    const outcome = await probe.create({
      probe: 'V4',
      requests: COUNTS.V4,
      beforeTail: async () => {
        headLeftMs = probe.time.nowMs();
        await probe.clock.sleep(HOLD_MS, probe.signal);
        probe.signal.throwIfAborted();
      },
    });
    if (outcome?.kind !== 'created') return notCreated(outcome);
    made = outcome.batch;
    probe.time.note(outcome.stamp);
    await probe.cancel(made.id);
    const { serverMs } = outcome.stamp;
    if (serverMs === null) {
      return {
        answer: 'cannot be told',
        detail: 'without a Date the clocks cannot be compared',
        as_assumed: null,
      };
    }
    const isLast = Date.parse(made.createdAt) - headLeftMs > HOLD_MS / 2;
    const detail = `created_at ${made.createdAt}, all but two bytes sent ${new Date(headLeftMs).toISOString()}, those ${HOLD_MS / 1000} s later`;
    return { answer: isLast ? 'of the last byte' : 'of the first byte', detail, as_assumed: null };
  });
  return made;
}

async function askOrder(probe: LiveProbe, older: Batch, newer: Batch): Promise<void> {
  await probe.ask('F3', 'Does the list begin with the newest?', async () => {
    const deadlineMs = probe.clock.monotonicMs() + LIST_WITHIN_MS;
    for (;;) {
      const ids = (await list(probe)).map(({ id }) => id);
      const [at, after] = [ids.indexOf(newer.id), ids.indexOf(older.id)];
      if (at !== -1 && after !== -1) {
        const detail = `${newer.id} stands ${at < after ? 'before' : 'after'} ${older.id}`;
        return { answer: at < after ? 'yes' : 'no', detail, as_assumed: at < after };
      }
      if (probe.clock.monotonicMs() > deadlineMs)
        return { answer: 'not seen', detail: 'the list lacks one of the two', as_assumed: false };
      await probe.clock.sleep(LOOK_MS, probe.signal);
      probe.signal.throwIfAborted();
    }
  });
}

async function askCursor(probe: LiveProbe): Promise<void> {
  await probe.ask('V3', 'What does a list after an unknown id give?', async () => {
    const afterId = 'msgbatch_01batchctlLiveProbeUnknown';
    try {
      const { batches } = await probe.provider.listBatches({ limit: 10, afterId }, probe.signal);
      const answer = batches.length === 0 ? 'an empty page' : `a page of ${batches.length}`;
      return { answer, detail: `after_id=${afterId}`, as_assumed: null };
    } catch (error) {
      if (!(error instanceof ProviderError) || error.status === null) throw error;
      return { answer: String(error.status), detail: error.message, as_assumed: null };
    }
  });
}

async function askAfterCancel(probe: LiveProbe, { id }: Batch): Promise<void> {
  await probe.ask('V9', 'Do the results of a canceled batch name every request?', async () => {
    const ended = await probe.untilEnded(id, END_WITHIN_MS, () => undefined);
    if (ended === null)
      return { answer: 'not seen', detail: `batch ${id} has not ended yet`, as_assumed: null };
    const ids = new Set<string>();
    const chunks: Uint8Array[] = [];
    const { bytes } = await probe.provider.openResults(ended, probe.signal);
    for await (const chunk of bytes) chunks.push(Buffer.from(chunk));
    for (const line of Buffer.concat(chunks).toString('utf8').split('\n')) {
      const customId = customIdInHead(line);
      if (customId !== null) ids.add(customId);
    }
    const all = ids.size === COUNTS.V2;
    const { canceled, succeeded } = ended.counts;
    const detail = `${ids.size} of ${COUNTS.V2} ids; ${canceled} canceled, ${succeeded} succeeded`;
    return { answer: all ? 'yes' : 'no', detail, as_assumed: null };
  });
}

/** Last, so that whatever was slow to appear is there. */
async function askStrays(probe: LiveProbe, before: ReadonlySet<string>): Promise<void> {
  const known = new Set(probe.record.batches.flatMap(({ batch_id }) => batch_id ?? []));
  const batches = await list(probe);
  const strays = (count: number): readonly string[] =>
    batches
      .filter(({ id, counts }) => !before.has(id) && !known.has(id) && sumCounts(counts) === count)
      .map(({ id }) => id);
  for (const [name, question, count] of [
    ['V1', 'Does a create that is cut before its last two bytes make a batch?', COUNTS.V1],
    ['V11', 'Does a whole create that is refused make a batch?', COUNTS.V11],
  ] as const) {
    await probe.ask(name, question, async () => {
      const found = strays(count);
      const detail = found.length === 0 ? `no new batch of ${count} in the list` : found.join(', ');
      return { answer: found.length === 0 ? 'no' : 'it seems so', detail, as_assumed: found.length === 0 };
    });
  }
}

function notCreated(outcome: Awaited<ReturnType<LiveProbe['create']>>) {
  const why =
    outcome?.kind === 'not_created'
      ? outcome.error.message
      : outcome?.kind === 'unknown'
        ? outcome.reason
        : '';
  return { answer: 'not seen', detail: `no batch was created: ${why}`, as_assumed: null };
}

function inSeconds(ms: number | null): string {
  return ms === null ? `more than ${LIST_WITHIN_MS / 1000} s` : `${(ms / 1000).toFixed(1)} s`;
}
