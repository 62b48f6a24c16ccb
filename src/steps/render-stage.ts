import type { JobFile } from '../core/job-file.ts';
import { hasLoneSurrogate } from '../core/json-exact.ts';
import { ownInputProblem } from '../core/own-inputs.ts';
import { joinPath, outputPathProblem, ownPlaceProblem, safeOutputPath } from '../core/paths.ts';
import type { AttachedBlock } from '../core/ports/attachments.ts';
import { isBlankRendering, type RecordJson, renderToJson } from '../core/record-json.ts';
import { requestSizeProblem } from '../core/request-lint.ts';
import type { TemplateScope } from '../core/template.ts';
import type { TurnPart } from './plan-turns.ts';
import type { StagePlan } from './render-plan.ts';

/** What keeps one record from becoming a request; a sentence. */
export class RecordProblem extends Error {}

/** Variables of a record beside its columns; null-prototype. */
export type Variables = Record<string, unknown>;

/** The params of one stage for one record, as JSON text; `attached` in the order of its `attach`. Throws RecordProblem, TemplateError. */
export function renderParams(
  plan: StagePlan,
  scope: TemplateScope,
  record: RecordJson,
  attached: readonly AttachedBlock[] = [],
): string {
  const messages = renderMessages(plan, scope, record, attached);
  const paramsJson = `${plan.head}${renderSystem(plan, scope, record)},"messages":[${messages}]${plan.tail}`;
  refuseBadText(paramsJson);
  return paramsJson;
}

function renderSystem({ system, systemFrame }: StagePlan, scope: TemplateScope, record: RecordJson): string {
  if (system === null) return '';
  const text = renderToJson(system, scope, record);
  const [before, after] = systemFrame;
  // An empty system prompt says nothing, and an empty cached block is refused.
  return isBlankRendering(text, system) ? '' : `,"system":${before}${text}${after}`;
}

function renderMessages(
  { prompt, turns }: StagePlan,
  scope: TemplateScope,
  record: RecordJson,
  attached: readonly AttachedBlock[],
): string {
  if (turns !== null) {
    return turns
      .map(({ name, parts }) => parts.map((part) => renderPart(part, name, scope, record, attached)).join(''))
      .join(',');
  }
  if (prompt === null) throw new Error('a job without ready-made requests has a prompt');
  const text = renderToJson(prompt, scope, record);
  if (isBlankRendering(text, prompt))
    throw new RecordProblem(`${prompt.name}: the prompt is empty for this record`);
  return `{"role":"user","content":${text}}`;
}

function renderPart(
  part: TurnPart,
  turn: string,
  scope: TemplateScope,
  record: RecordJson,
  attached: readonly AttachedBlock[],
): string {
  switch (part.kind) {
    case 'json':
      return part.json;
    case 'attachments':
      return attached.map(({ json }) => `${json},`).join('');
    case 'text': {
      const text = renderToJson(part.template, scope, record);
      if (isBlankRendering(text, part.template)) {
        const what = turn === 'prompt' ? 'the prompt' : 'the text';
        throw new RecordProblem(`${part.template.name}: ${what} is empty for this record`);
      }
      return text;
    }
  }
}

/** In the output template `custom_id` is a name too, unless a column has it. Null: the default place. */
export function renderOutputPath(
  customId: string,
  scope: TemplateScope,
  plan: Pick<StagePlan, 'output'>,
  job: Pick<JobFile, 'dir' | 'path' | 'source'>,
): string | null {
  if (plan.output === null) return null;
  const variables: Variables = Object.assign(Object.create(null), scope.variables, { custom_id: customId });
  const rendered = plan.output.render({ fields: scope.fields, variables });
  const problem = outputPathProblem(rendered);
  if (problem !== null) throw new RecordProblem(`output: ${problem}`);
  const path = joinPath(job.dir, safeOutputPath(rendered));
  const own = ownPlaceProblem(path) ?? ownInputProblem(path, job);
  if (own !== null) throw new RecordProblem(`output: ${own}`);
  return path;
}

export function refuseBadText(paramsJson: string): void {
  const tooLarge = requestSizeProblem(paramsJson);
  if (tooLarge !== null) throw new RecordProblem(tooLarge);
  if (hasLoneSurrogate(paramsJson)) {
    throw new RecordProblem(
      'a text holds half a character (a lone surrogate), which the API refuses; mend the data where it was cut',
    );
  }
}
