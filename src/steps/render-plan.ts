import { cacheControl } from '../core/cache-marks.ts';
import { UsageError } from '../core/errors.ts';
import type { JobFile } from '../core/job-file.ts';
import { isBlankJson } from '../core/record-json.ts';
import { SchemaError } from '../core/schema-error.ts';
import { hasFixedColumns } from '../core/source.ts';
import type { Attachment, JsonSchema, PromptText, Stage } from '../core/stage.ts';
import { anyStageAnswer, type StageAnswer } from '../core/stage-answer.ts';
import { compileTemplate, type Template, TemplateError } from '../core/template.ts';
import { planTurns, type TurnPlan } from './plan-turns.ts';

/** A job file made ready for its records: every template parsed, every fixed part of a request written once. */
export interface RenderPlan {
  readonly id: Template | null;
  /** Variable → template of a path. */
  readonly files: readonly (readonly [variable: string, path: Template])[];
  readonly stages: readonly StagePlan[];
}

export interface StagePlan {
  readonly name: string;
  readonly needs: readonly string[];
  /** What stands for the answers of the needed stages while there are none. */
  readonly standIns: Readonly<Record<string, StageAnswer>>;
  /** Of the path; null: the default place. */
  readonly output: Template | null;
  /** `{"model":…,"max_tokens":…` */
  readonly head: string;
  readonly system: Template | null;
  /** What stands around the JSON string of the system prompt: a content block, if it is cached. */
  readonly systemFrame: readonly [before: string, after: string];
  /** The one user turn, when it is nothing but this text. Ready-made requests have neither this nor turns. */
  readonly prompt: Template | null;
  /** Several turns, or blocks beside the text; null: the prompt alone. */
  readonly turns: readonly TurnPlan[] | null;
  readonly attach: readonly AttachmentPlan[];
  /** `,"key":value…}`: the other params, in the order of the job file. */
  readonly tail: string;
}

export interface AttachmentPlan {
  /** What messages call it. */
  readonly name: string;
  readonly kind: Attachment['kind'];
  readonly path: Template;
  /** Which file it is may depend on the answers of other stages. */
  readonly namesNeeds: boolean;
}

export interface PlanOptions {
  /** What of a JSON Schema the API takes as `output_config.format`. */
  readonly toApiSchema: (schema: JsonSchema) => unknown;
}

/**
 * Compiles everything of a resolved job that does not depend on a record. Throws UsageError: `template_syntax`,
 * `prompt_empty`, `schema_refused`.
 */
export function planRendering(job: JobFile, options: PlanOptions): RenderPlan {
  const compile = templateCompiler(job);
  return {
    id: job.id === null ? null : compile(job.id, 'id'),
    files: Object.entries(job.files).map(([name, path]) => [name, compile(path, `files.${name}`)] as const),
    stages: job.stages.map((stage) => planStage(stage, job, compile, options)),
  };
}

type Compile = (text: string, name: string) => Template;

function planStage(stage: Stage, job: JobFile, compile: Compile, options: PlanOptions): StagePlan {
  const compileText = (content: PromptText, key: string): Template => {
    if (content.kind === 'file') throw new Error(`"${key}" of ${job.path} was not read`);
    return compile(content.text, content.name ?? key);
  };
  const compileFilled = (content: PromptText, key: string): Template => {
    const template = compileText(content, key);
    if (template.constant !== null && isBlankJson(JSON.stringify(template.constant))) {
      throw new UsageError(`${job.path}: ${key === 'prompt' ? 'the prompt' : key} is empty`, {
        code: 'prompt_empty',
        next: `write something into ${template.name}`,
      });
    }
    return template;
  };
  const turns = planTurns(stage, compileFilled);
  const made = stage.output?.content;
  // It is rendered once there are answers; that it can be parsed is said before anything is sent.
  if (made?.kind === 'template') compileText(made.template, 'output.template');
  const mark = stage.system?.cache == null ? null : JSON.stringify(cacheControl(stage.system.cache));
  return {
    name: stage.name,
    needs: stage.needs,
    standIns: Object.fromEntries(
      stage.needs.map((need) => {
        const isStructured = job.stages.some(({ name, schema }) => name === need && schema !== null);
        return [need, anyStageAnswer(isStructured)];
      }),
    ),
    output: stage.output?.path == null ? null : compile(stage.output.path, 'output'),
    head: `{"model":${JSON.stringify(stage.model)},"max_tokens":${stage.maxTokens}`,
    system: stage.system === null ? null : compileText(stage.system.content, 'system'),
    systemFrame: mark === null ? ['', ''] : ['[{"type":"text","text":', `,"cache_control":${mark}}]`],
    prompt: turns !== null || stage.prompt === null ? null : compileFilled(stage.prompt, 'prompt'),
    turns,
    attach: stage.attach.map(({ kind, path }, index) => ({
      name: `attach.${index}`,
      kind,
      path: compile(path, `attach.${index}.${kind}`),
      namesNeeds: stage.needs.some((need) => new RegExp(`\\b${need}\\b`).test(path)),
    })),
    tail: `${Object.entries(paramsOf(stage, { toApiSchema: schemaSender(stage, job, options) }))
      .map(([key, value]) => `,${JSON.stringify(key)}:${JSON.stringify(value)}`)
      .join('')}}`,
  };
}

/** @throws UsageError for a schema that the API takes no part of. */
function schemaSender(stage: Stage, job: JobFile, { toApiSchema }: PlanOptions): PlanOptions['toApiSchema'] {
  return (schema) => {
    try {
      return toApiSchema(schema);
    } catch (cause) {
      if (!(cause instanceof SchemaError)) throw cause;
      throw new UsageError(`${job.path}: the API would refuse the schema of stage "${stage.name}"`, {
        code: 'schema_refused',
        why: cause.message,
        next: 'mend the schema; docs/results.md says what the API takes of it',
        cause,
      });
    }
  };
}

/** The params after the messages: the job file's, and what its keys stand for. */
export function paramsOf(stage: Stage, options: PlanOptions): Readonly<Record<string, unknown>> {
  const params: Record<string, unknown> = { ...stage.params };
  if (stage.tools !== null) params['tools'] = stage.tools;
  if (stage.toolChoice !== null) params['tool_choice'] = stage.toolChoice;
  if (stage.schema?.kind === 'inline') {
    const given = params['output_config'];
    const format = { type: 'json_schema', schema: options.toApiSchema(stage.schema.schema) };
    params['output_config'] = { ...(typeof given === 'object' ? given : {}), format };
  }
  return params;
}

/** Parses the templates of a job. What it returns throws UsageError `template_syntax`. */
export function templateCompiler(job: Pick<JobFile, 'path' | 'source'>): Compile {
  const optionalColumns = !hasFixedColumns(job.source);
  return (text, name) => {
    try {
      return compileTemplate(text, name, { optionalColumns });
    } catch (cause) {
      if (!(cause instanceof TemplateError)) throw cause;
      throw new UsageError(`${job.path}: a template cannot be read`, {
        code: 'template_syntax',
        why: cause.message,
        next: 'mend the template; liquidjs.com describes the language',
        cause,
      });
    }
  };
}
