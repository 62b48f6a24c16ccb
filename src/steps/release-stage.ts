import { StoreError } from '../core/errors.ts';
import { neededStages, type StageFacts } from '../core/job.ts';
import type { JobFile } from '../core/job-file.ts';
import type { AttachmentReader } from '../core/ports/attachments.ts';
import { type RangeReader, recordsPath } from '../core/ports/files.ts';
import type { RowView } from '../core/ports/store-views.ts';
import { recordToJson } from '../core/record-json.ts';
import { parseRecordLine } from '../core/record-line.ts';
import { type StageAnswer, stageAnswer } from '../core/stage-answer.ts';
import { TemplateError, type TemplateScope } from '../core/template.ts';
import { breathe } from './breathe.ts';
import type { PackedRequest } from './pack-shards.ts';
import { openRawReaders, type RawReaders } from './raw-readers.ts';
import { attachmentsOfStage } from './read-attachments.ts';
import { readFiles } from './render-files.ts';
import { groupOf, NO_VARIABLES, sumOf, withNeeds } from './render-item.ts';
import { planRendering, type RenderPlan } from './render-plan.ts';
import { RecordProblem, renderParams } from './render-stage.ts';
import { commitRound, openRound, type Round } from './round.ts';
import type { Run } from './run.ts';
import { isGood } from './write-outputs.ts';

const CHUNK_ROWS = 500;

/**
 * Makes the requests of a stage for every row that its needs have let go, from what the job file said when it was built,
 * and opens the stage. Rows whose needs failed stay held; a row that cannot become a request is held too, with the
 * reason. Killed anywhere, the next call does it again; what has a request is not touched.
 *
 * @returns how many requests there are to send.
 */
export async function releaseStage(
  run: Run,
  stage: StageFacts,
  frozen: JobFile,
  signal: AbortSignal,
): Promise<number> {
  const { store, files, rendering } = run.deps;
  const { job } = run;
  const needs = neededStages(job, stage.name);
  const releasable = (after: number, limit: number): Promise<readonly RowView[]> =>
    store.releasableRows(
      stage.id,
      needs.map(({ id }) => id),
      after,
      limit,
    );
  if (stage.state === 'open' && (await releasable(0, 1)).length === 0) return 0;
  const deps = await rendering(frozen);
  const making: Making = {
    run,
    frozen,
    plan: planRendering(frozen, deps),
    texts: deps.texts,
    attachments: deps.attachments,
    needs,
    records: files.open(recordsPath(files.requestsDir(job.jobId))),
    answers: await openRawReaders(job, files),
  };
  const round = await openRound(run, stage, { origin: 'build', route: null }, signal);
  try {
    for (let after = 0; ; ) {
      const rows = await releasable(after, CHUNK_ROWS);
      const last = rows.at(-1);
      if (last === undefined) break;
      await releaseRows(making, stage, rows, round);
      after = last.seq;
      run.deps.report({ kind: 'building', requests: round.requests });
      await breathe(run.deps.clock, signal);
    }
    return (await commitRound(round, run, [stage.id])) ? round.requests : 0;
  } finally {
    making.records.close();
    making.answers.close();
    round.discard();
  }
}

interface Making {
  readonly run: Run;
  readonly frozen: JobFile;
  readonly plan: RenderPlan;
  readonly texts: Parameters<typeof readFiles>[2];
  readonly attachments: AttachmentReader;
  readonly needs: readonly StageFacts[];
  readonly records: RangeReader;
  readonly answers: RawReaders;
}

async function releaseRows(
  making: Making,
  stage: StageFacts,
  rows: readonly RowView[],
  round: Round,
): Promise<void> {
  const { run, needs, answers } = making;
  const seqs = rows.map(({ seq }) => seq);
  const answersOf = new Map<string, ReadonlyMap<number, StageAnswer>>();
  for (const need of needs) {
    const given = new Map<number, StageAnswer>();
    for (const row of await run.deps.store.rowsOf(need.id, seqs)) {
      const answer = answers.answerOf(row);
      if (answer === null) continue;
      if (!isGood(answer.judgement)) throw damaged(row, run.job.jobId);
      given.set(row.seq, stageAnswer(answer.judgement));
    }
    answersOf.set(need.name, given);
  }
  const holds: { seq: number; why: string }[] = [];
  const requests: PackedRequest[] = [];
  for (const row of rows) {
    try {
      const { paramsJson, group, attached } = await renderRow(making, stage, row, (need) =>
        answersOf.get(need)?.get(row.seq),
      );
      requests.push({ seq: row.seq, customId: row.customId, group, paramsJson, attached });
    } catch (error) {
      if (!(error instanceof RecordProblem) && !(error instanceof TemplateError)) throw error;
      holds.push({ seq: row.seq, why: error.message });
    }
  }
  if (holds.length > 0) await run.deps.store.holdRows(stage.id, holds);
  await round.add(requests);
}

/** It was good when it came: a request made from what is left of it would be paid for nothing. */
function damaged({ customId, stage, shardNumber }: RowView, jobId: string): StoreError {
  return new StoreError(`the answer of ${customId} cannot be read any more`, {
    code: 'raw_damaged',
    why: `the raw results of stage ${stage}, shard ${shardNumber}, are not the file that was recorded`,
    next: `batchctl verify ${jobId}; batchctl retrieve ${jobId} downloads them again, then the same command`,
  });
}

async function renderRow(
  { plan, frozen, records, texts, attachments }: Making,
  stage: StageFacts,
  row: RowView,
  answerOf: (need: string) => unknown,
): Promise<Pick<PackedRequest, 'paramsJson' | 'group' | 'attached'>> {
  const stagePlan = plan.stages.find(({ name }) => name === stage.name);
  if (stagePlan === undefined) throw new Error(`the job as it was built has no stage ${stage.name}`);
  const fields = parseRecordLine(records.read(row.recordOffset, row.recordLength));
  const own = plan.files.length === 0 ? NO_VARIABLES : await readFiles({ fields }, plan, texts);
  const variables = withNeeds({ fields }, own, stagePlan.needs, (need) => answerOf(need) ?? null);
  const scope: TemplateScope = { fields, variables };
  const attached = await attachmentsOfStage(stagePlan, scope, attachments);
  return {
    paramsJson: renderParams(stagePlan, scope, recordToJson(fields), attached),
    group: groupOf(fields, frozen),
    attached: attached.length === 0 ? undefined : sumOf(attached),
  };
}
