import { legalCustomId } from '../core/custom-id.ts';
import type { JobFile } from '../core/job-file.ts';
import { hasLoneSurrogate } from '../core/json-exact.ts';
import { didYouMean } from '../core/nearest.ts';
import { joinPath, outputPathProblem, ownPlaceProblem, safeOutputPath } from '../core/paths.ts';
import type { RenderItem, SourceItem, SourceReady, SourceRecord } from '../core/record.ts';
import { isBlankJson, recordToJson, renderToJson } from '../core/record-json.ts';
import { lintParams, requestSizeProblem } from '../core/request-lint.ts';
import { TemplateError, type TemplateScope, valueText } from '../core/template.ts';
import type { RenderPlan } from './render-plan.ts';

/** What keeps one record from becoming a request; a sentence. */
export class RecordProblem extends Error {}

/** Variables of a record beside its columns; null-prototype. */
export type Variables = Record<string, unknown>;

export const NO_VARIABLES: Variables = Object.freeze(Object.create(null));

export interface ItemContext {
  readonly job: JobFile;
  readonly plan: RenderPlan;
  /** Of the item in the source, from 1: the number in `row-<n>`, the same whatever `select` keeps. */
  readonly position: number;
  readonly seq: number;
  /** What `files:` gave for this item, or why it gave nothing. */
  readonly variables: Variables | Error;
}

/** One record as a request or as a problem; null for a record that `select` leaves out. */
export function renderItem(item: SourceItem, context: ItemContext): RenderItem | null {
  try {
    switch (item.kind) {
      case 'problem':
        return item;
      case 'ready':
        return renderReady(item, context);
      case 'record':
        return isSelected(item, context.plan) ? renderRecord(item, context) : null;
    }
  } catch (error) {
    return toProblem(error, item);
  }
}

function toProblem(error: unknown, { at }: SourceItem): RenderItem {
  if (error instanceof RecordProblem || error instanceof TemplateError)
    return { kind: 'problem', problem: error.message, at };
  throw error;
}

/** Whether the job keeps a record. Throws RecordProblem when it lacks a column that `select` names. */
export function isSelected(item: SourceRecord, plan: RenderPlan): boolean {
  for (const [column, values] of plan.select) {
    if (!(column in item.fields)) {
      throw new RecordProblem(
        `select: there is no column "${column}"${didYouMean(column, Object.keys(item.fields))}`,
      );
    }
    if (!values.has(valueText(item.fields[column]))) return false;
  }
  return true;
}

function renderRecord(item: SourceRecord, { job, plan, position, seq, variables }: ItemContext): RenderItem {
  if (variables instanceof Error) throw variables;
  const scope: TemplateScope = { fields: item.fields, variables };
  const { customId, originalId } = legalCustomId(keyOf(item, scope, plan, position));
  const record = recordToJson(item.fields);
  if (plan.prompt === null) throw new Error('a job without ready-made requests has a prompt');
  const prompt = renderToJson(plan.prompt, scope, record);
  if (isBlankJson(prompt))
    throw new RecordProblem(`${plan.prompt.name}: the prompt is empty for this record`);
  const system = plan.system === null ? null : renderToJson(plan.system, scope, record);
  const [before, after] = plan.systemFrame;
  // An empty system prompt says nothing, and an empty cached block is refused.
  const systemJson = system === null || isBlankJson(system) ? '' : `,"system":${before}${system}${after}`;
  const paramsJson = `${plan.head}${systemJson},"messages":[{"role":"user","content":${prompt}}]${plan.tail}`;
  refuseBadText(paramsJson);
  const recordJson = `{"custom_id":"${customId}","record":${record.json}}`;
  const outputPath = outputPathOf(customId, scope, plan, job);
  return { kind: 'request', seq, customId, originalId, recordJson, paramsJson, outputPath, at: item.at };
}

function renderReady(item: SourceReady, { job, plan, seq }: ItemContext): RenderItem {
  if (item.customId === '') throw new RecordProblem('"custom_id" is empty');
  const { customId, originalId } = legalCustomId(item.customId);
  const problems = lintParams(item.params, job.apiVersion);
  if (problems.length > 0)
    throw new RecordProblem(problems.map((problem) => `params: ${problem}`).join('; '));
  refuseBadText(item.paramsJson);
  const scope: TemplateScope = { fields: NO_VARIABLES, variables: NO_VARIABLES };
  return {
    kind: 'request',
    seq,
    customId,
    originalId,
    recordJson: `{"custom_id":"${customId}","record":{}}`,
    paramsJson: item.paramsJson,
    outputPath: outputPathOf(customId, scope, plan, job),
    at: item.at,
  };
}

/** The key that becomes the custom_id: the job file's `id`, else the column `id`, else the row. */
function keyOf(item: SourceRecord, scope: TemplateScope, plan: RenderPlan, position: number): string {
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

/** In the output template `custom_id` is a name too, unless a column has it. */
function outputPathOf(customId: string, scope: TemplateScope, plan: RenderPlan, job: JobFile): string | null {
  if (plan.output === null) return null;
  const variables: Variables = Object.assign(Object.create(null), scope.variables, { custom_id: customId });
  const rendered = plan.output.render({ fields: scope.fields, variables });
  const problem = outputPathProblem(rendered);
  if (problem !== null) throw new RecordProblem(`output: ${problem}`);
  const path = joinPath(job.dir, safeOutputPath(rendered));
  const own = ownPlaceProblem(path);
  if (own !== null) throw new RecordProblem(`output: ${own}`);
  return path;
}

function refuseBadText(paramsJson: string): void {
  const tooLarge = requestSizeProblem(paramsJson);
  if (tooLarge !== null) throw new RecordProblem(tooLarge);
  if (hasLoneSurrogate(paramsJson)) {
    throw new RecordProblem(
      'a text holds half a character (a lone surrogate), which the API refuses; mend the data where it was cut',
    );
  }
}
