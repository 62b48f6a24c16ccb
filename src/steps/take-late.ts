import type { StageFacts } from '../core/job.ts';
import { type NewFile, rawPath } from '../core/ports/files.ts';
import type { RowView } from '../core/ports/store-views.ts';
import { FAILURE_CLASSES } from '../core/result.ts';
import { wireId } from '../core/wire-id.ts';
import { breathe } from './breathe.ts';
import { type LateAnswer, openLateAnswers } from './late-answers.ts';
import type { PackedPlace, PackedRequest } from './pack-shards.ts';
import { RangeReaders } from './range-readers.ts';
import { SentRequests } from './retry-stage.ts';
import { withId } from './reuse-answers.ts';
import { commitRound, openRound } from './round.ts';
import type { Run } from './run.ts';

const CHUNK_ROWS = 500;
const ANY_FAILURE = { classes: FAILURE_CLASSES, maxAttempt: Number.MAX_SAFE_INTEGER, answeredToo: true };

/**
 * Gives rows that ended without a good answer the one that came too late: from a second batch of their shard, or from an
 * attempt that was given up before they went out again. It was paid already. A row with a good answer keeps it.
 *
 * The rows go to shards of a round that is never sent, as answers of earlier jobs do, with the lines in their raw results;
 * whoever retrieves next applies them. A canceled job is left as the user wanted it, as long as nothing of it is to be sent
 * again (`isWanted`).
 *
 * @returns how many rows.
 */
export async function takeLate(
  run: Run,
  signal: AbortSignal,
  { isWanted = false }: { readonly isWanted?: boolean } = {},
): Promise<number> {
  const { store, report } = run.deps;
  const job = await store.jobById(run.job.id);
  if ((job.cancelRequestedAt !== null && !isWanted) || job.spec.adopted) return 0;
  let taken = 0;
  for (const stage of job.stages) {
    if (stage.state === 'waiting') continue;
    const rows = await takeOfStage({ ...run, job }, stage, signal);
    taken += rows;
    if (rows === 0) continue;
    const text = `stage ${stage.name}: ${rows === 1 ? '1 row that failed takes an answer' : `${rows} rows that failed take answers`} of an earlier attempt that came late; nothing is sent for it`;
    report({ kind: 'notice', text });
  }
  return taken;
}

async function takeOfStage(run: Run, stage: StageFacts, signal: AbortSignal): Promise<number> {
  const { store, clock } = run.deps;
  if ((await store.failedRows(stage.id, ANY_FAILURE, 0, 1)).length === 0) return 0;
  const views = (await store.shards(run.job.id)).filter(({ shard }) => shard.stageId === stage.id);
  const late = await openLateAnswers(run, views, signal);
  const taker = new LateTaker(run, stage, signal);
  try {
    for (let after = 0; ; ) {
      const rows = await store.failedRows(stage.id, ANY_FAILURE, after, CHUNK_ROWS);
      const last = rows.at(-1);
      if (last === undefined) break;
      const found: LateRow[] = [];
      for (const row of rows) {
        const answer = late.ofDuplicate(row.seq) ?? (await late.ofPast(row));
        if (answer !== null) found.push({ row, answer });
      }
      await taker.add(found);
      after = last.seq;
      await breathe(clock, signal);
    }
    return await taker.commit();
  } finally {
    taker.close();
  }
}

interface LateRow {
  readonly row: RowView;
  readonly answer: LateAnswer;
}

/** Puts rows and their answers into shards of a round. Close it when done: what was not committed is gone. */
class LateTaker {
  readonly #run: Run;
  readonly #stage: StageFacts;
  readonly #signal: AbortSignal;
  readonly #requests: SentRequests;
  readonly #readers: RangeReaders;
  readonly #raws = new Map<number, NewFile>();
  #round: Awaited<ReturnType<typeof openRound>> | null = null;

  constructor(run: Run, stage: StageFacts, signal: AbortSignal) {
    this.#run = run;
    this.#stage = stage;
    this.#signal = signal;
    this.#requests = new SentRequests(run, signal);
    this.#readers = new RangeReaders(run.deps.files);
  }

  /** Many at once: each call is a commit for each shard that it touches. */
  async add(rows: readonly LateRow[]): Promise<void> {
    const requests: PackedRequest[] = [];
    const answers: LateAnswer[] = [];
    for (const { row, answer } of rows) {
      const { seq, customId } = row;
      const sent = await this.#requests.of({ seq, shardId: answer.shardId });
      // Its file of requests was removed: without it nobody can tell later what was asked.
      if (sent === null) continue;
      requests.push({ seq, customId, group: sent.group, paramsJson: sent.paramsJson });
      answers.push(answer);
    }
    if (requests.length === 0) return;
    const kind = { origin: 'reused', route: 'none' } as const;
    this.#round ??= await openRound(this.#run, this.#stage, kind, this.#signal);
    const places = await this.#round.add(requests);
    for (const [index, { seq, customId }] of requests.entries()) {
      const [place, answer] = [places[index], answers[index]];
      if (place === undefined || answer === undefined) throw new Error(`request ${customId} went nowhere`);
      const line = this.#readers.read(answer.path, answer.offset, answer.length);
      this.#rawOf(place).write(`${withId(line, wireId(customId, place.nonce, seq))}\n`);
    }
    // A job of many groups has a shard, and so a file, for each.
    for (const raw of this.#raws.values()) raw.park();
  }

  /** The raw results first: a shard that counts without them would stop the job. */
  async commit(): Promise<number> {
    const round = this.#round;
    if (round === null) return 0;
    for (const raw of this.#raws.values()) raw.finish();
    return (await commitRound(round, this.#run, [])) ? round.requests : 0;
  }

  close(): void {
    for (const raw of this.#raws.values()) raw.discard();
    this.#round?.discard();
    this.#requests.close();
    this.#readers.close();
  }

  #rawOf({ shardId, number }: PackedPlace): NewFile {
    const known = this.#raws.get(shardId);
    if (known !== undefined) return known;
    const { job, deps } = this.#run;
    const path = rawPath(deps.files.resultsDir(job.jobId), this.#stage.name, number);
    const raw = deps.files.create(path, { private: job.spec.private });
    this.#raws.set(shardId, raw);
    return raw;
  }
}
