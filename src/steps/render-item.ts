import { type LegalCustomId, legalCustomId } from '../core/custom-id.ts';
import type { JobFile } from '../core/job-file.ts';
import { didYouMean } from '../core/nearest.ts';
import type { AttachedBlock } from '../core/ports/attachments.ts';
import type { RenderedStage, RenderItem, SourceItem, SourceReady, SourceRecord } from '../core/record.ts';
import { recordToJson } from '../core/record-json.ts';
import { TemplateError, type TemplateScope, valueText } from '../core/template.ts';
import type { GivenAnswers } from './given-answers.ts';
import { type LintOptions, lintRequest } from './lint-stages.ts';
import type { AttachedToStages } from './read-attachments.ts';
import type { RenderPlan, StagePlan } from './render-plan.ts';
import {
  RecordProblem,
  refuseBadText,
  renderOutputPath,
  renderParams,
  type Variables,
} from './render-stage.ts';

const NO_COLUMNS = { json: '{}' };

export const NO_VARIABLES: Variables = Object.freeze(Object.create(null));

export interface ItemContext {
  readonly job: JobFile;
  readonly plan: RenderPlan;
  /** Of the item in the source, from 1: the number in `row-<n>`, the same whatever is kept. */
  readonly position: number;
  readonly seq: number;
  /** What comes from files for this item, or why nothing does. */
  readonly texts: ItemTexts | Error;
  readonly attached: AttachedToStages | Error;
  /** What a ready-made request is checked against. */
  readonly lint: LintOptions;
}

/** What files give for one record. */
export interface ItemTexts {
  /** Of `files:`. */
  readonly variables: Variables;
  /** Answers of stages that are not asked now; null when there are none. */
  readonly answers: { readonly uses: GivenAnswers['uses']; readonly byStage: Variables } | null;
}

export const NO_TEXTS: ItemTexts = { variables: NO_VARIABLES, answers: null };

export const NO_ATTACHMENTS: AttachedToStages = [];

/** One item as a request or as a problem. */
export function renderItem(item: SourceItem, context: ItemContext): RenderItem {
  try {
    switch (item.kind) {
      case 'problem':
        return item;
      case 'ready':
        return renderReady(item, context);
      case 'record':
        return renderRecord(item, context);
    }
  } catch (error) {
    if (error instanceof RecordProblem || error instanceof TemplateError)
      return { kind: 'problem', problem: error.message, at: item.at };
    throw error;
  }
}

function renderRecord(item: SourceRecord, context: ItemContext): RenderItem {
  const { job, plan, position, seq, texts, attached } = context;
  if (texts instanceof Error) throw texts;
  const scope: TemplateScope = { fields: item.fields, variables: texts.variables };
  const { customId, originalId } = customIdOf(item, scope, plan, position);
  const record = recordToJson(item.fields, item.written);
  // After what is wrong with the record itself.
  if (attached instanceof Error) throw attached;
  const stages = plan.stages.map((stage, index): RenderedStage => {
    const outputPath = renderOutputPath(customId, scope, stage, job);
    const blocks = attached[index] ?? [];
    const paramsJson = renderParams(stage, stageScope(item, texts, stage), record, blocks);
    // What is wrong in a later stage is found before an earlier one is paid.
    if (stage.needs.length > 0) return { paramsJson: null, outputPath };
    return blocks.length === 0
      ? { paramsJson, outputPath }
      : { paramsJson, outputPath, attached: sumOf(blocks) };
  });
  const group = groupOf(item.fields, job);
  const { json, bytes, longest } = record;
  return {
    kind: 'request',
    seq,
    customId,
    originalId,
    record: { json, bytes, longest },
    group,
    stages,
    at: item.at,
  };
}

/** What blocks are together, beside the text of a request. */
export function sumOf(blocks: readonly AttachedBlock[]): NonNullable<RenderedStage['attached']> {
  return {
    bytes: blocks.reduce((sum, { json }) => sum + Buffer.byteLength(json), 0),
    approxTokens: blocks.reduce((sum, { approxTokens }) => sum + approxTokens, 0),
  };
}

/** What the templates of a stage may name for a record; answers that are not there yet are anything. */
export function stageScope(
  item: Pick<SourceRecord, 'fields'>,
  { variables, answers }: ItemTexts,
  { name, needs, standIns }: Pick<StagePlan, 'name' | 'needs' | 'standIns'>,
): TemplateScope {
  const { fields } = item;
  if (needs.length > 0)
    return { fields, variables: withNeeds(item, variables, needs, (need) => standIns[need]) };
  const uses = answers?.uses[name] ?? [];
  if (uses.length === 0) return { fields, variables };
  return { fields, variables: withNeeds(item, variables, uses, (need) => answers?.byStage[need]) };
}

/** The variables of a stage: those of the record, and one for each stage that it needs. */
export function withNeeds(
  { fields }: Pick<SourceRecord, 'fields'>,
  variables: Variables,
  needs: readonly string[],
  answerOf: (stage: string) => unknown,
): Variables {
  const all: Variables = Object.assign(Object.create(null), variables);
  for (const need of needs) {
    if (need in fields)
      throw new RecordProblem(
        `the record has a column "${need}", which is a stage; give one of them another name`,
      );
    all[need] = answerOf(need);
  }
  return all;
}

/** The group of a record; null in a job without groups. Throws RecordProblem when the record does not say it. */
export function groupOf(
  fields: Readonly<Record<string, unknown>>,
  { groupBy }: Pick<JobFile, 'groupBy'>,
): string | null {
  if (groupBy === null) return null;
  if (!(groupBy in fields))
    throw new RecordProblem(
      `group_by: there is no column "${groupBy}"${didYouMean(groupBy, Object.keys(fields))}`,
    );
  const group = valueText(fields[groupBy]).trim();
  if (group === '') throw new RecordProblem(`group_by: the column "${groupBy}" is empty`);
  if (!group.isWellFormed())
    throw new RecordProblem(`group_by: the column "${groupBy}" holds half a character (a lone surrogate)`);
  return group;
}

function renderReady(item: SourceReady, { job, plan, seq, lint }: ItemContext): RenderItem {
  const { customId, originalId } = readyId(item);
  const problems = lintRequest(item.params, job, lint);
  if (problems.length > 0)
    throw new RecordProblem(problems.map((problem) => `params: ${problem}`).join('; '));
  refuseBadText(item.paramsJson);
  const scope: TemplateScope = { fields: NO_VARIABLES, variables: NO_VARIABLES };
  return {
    kind: 'request',
    seq,
    customId,
    originalId,
    record: NO_COLUMNS,
    group: null,
    stages: plan.stages.map((stage) => ({
      paramsJson: item.paramsJson,
      outputPath: renderOutputPath(customId, scope, stage, job),
    })),
    at: item.at,
  };
}

/** The id of a ready-made request. Throws RecordProblem. */
export function readyId(item: Pick<SourceReady, 'customId'>): LegalCustomId {
  if (item.customId === '') throw new RecordProblem('"custom_id" is empty');
  return legalCustomId(item.customId);
}

/** The id of the request that a record becomes. Throws RecordProblem, TemplateError. */
export function customIdOf(
  item: SourceRecord,
  scope: TemplateScope,
  plan: Pick<RenderPlan, 'id'>,
  position: number,
): LegalCustomId {
  return legalCustomId(keyOf(item, scope, plan, position));
}

/** The key that becomes the custom_id: the job file's `id`, else the column `id`, else the row. */
function keyOf(
  item: SourceRecord,
  scope: TemplateScope,
  plan: Pick<RenderPlan, 'id'>,
  position: number,
): string {
  const key =
    plan.id !== null
      ? plan.id.render(scope)
      : 'id' in item.fields
        ? columnKey(item.fields['id'])
        : `row-${position}`;
  if (key.trim() === '')
    throw new RecordProblem(
      plan.id === null ? 'the column "id" is empty' : 'the id is empty for this record',
    );
  if (!key.isWellFormed()) throw new RecordProblem('the id holds half a character (a lone surrogate)');
  return key;
}

function columnKey(value: unknown): string {
  if (typeof value === 'object' && value !== null)
    throw new RecordProblem('the column "id" is a list or an object; set "id" in the job file');
  return valueText(value);
}
