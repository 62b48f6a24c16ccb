import { type JobFileProblem, stageLabel } from './job-file-problems.ts';
import type { JobFileInput } from './job-file-schema.ts';
import type {
  MessageTemplate,
  OutputRule,
  PromptText,
  SchemaReference,
  Stage,
  SystemPrompt,
} from './stage.ts';
import { stageListProblems } from './stage-list-rules.ts';
import { parameterProblems, type StagePlace, stageProblems } from './stage-rules.ts';
import type { StageInput } from './stage-schema.ts';

/** Keys of a stage that stand at the top level where there is no list of stages. */
const ONE_STAGE_KEYS = [
  'system',
  'prompt',
  'messages',
  'attach',
  'tools',
  'tool_choice',
  'cache',
  'schema',
  'output',
] as const;

/** The stages of a job file, in its order; problems are added. */
export function toStages(file: JobFileInput, problems: JobFileProblem[]): readonly Stage[] {
  const isReady = file.source.requests !== undefined;
  if (file.stages === undefined) {
    const { name: _name, ...own } = file;
    const input = { ...own, name: 'main' };
    const stage = toStage(input, file);
    const place = { at: [], label: '' };
    if (!isReady) problems.push(...incomplete(stage, place));
    problems.push(...stageProblems(input, place));
    return [stage];
  }
  if (isReady) {
    const problem = '"stages" has no effect on ready-made requests, whose lines bring all params; remove it';
    problems.push({ path: ['stages'], problem });
    return [];
  }
  for (const key of ONE_STAGE_KEYS) {
    if (file[key] !== undefined)
      problems.push({ path: [key], problem: `"${key}" belongs to one of the stages; move it there` });
  }
  const pairs = file.stages.map((input) => ({ input, stage: toStage(input, file) }));
  const stages = pairs.map(({ stage }) => stage);
  problems.push(...parameterProblems(file.params, { at: [], label: '' }), ...stageListProblems(stages));
  for (const [index, { input, stage }] of pairs.entries()) {
    const place = { at: ['stages', index], label: stageLabel(stage.name, index) };
    problems.push(...incomplete(stage, place), ...stageProblems(input, place));
  }
  return stages;
}

function* incomplete(stage: Stage, { at, label }: StagePlace): Generator<JobFileProblem> {
  const isMissing = {
    model: stage.model === null,
    max_tokens: stage.maxTokens === null,
    prompt: stage.prompt === null && stage.messages === null,
  };
  for (const [key, missing] of Object.entries(isMissing)) {
    if (missing) yield { path: [...at, key], problem: `${label}"${key}" is missing` };
  }
}

function toStage(input: StageInput, file: JobFileInput): Stage {
  return {
    name: input.name,
    needs: [input.needs ?? []].flat(),
    model: input.model ?? file.model ?? null,
    maxTokens: input.max_tokens ?? file.max_tokens ?? null,
    params: { ...file.params, ...input.params },
    system: toSystem(input.system),
    prompt: toText(input.prompt),
    messages: input.messages?.map(toMessage) ?? null,
    attach: (input.attach ?? []).map(({ image, document }) =>
      image === undefined
        ? { kind: 'document' as const, path: document ?? '' }
        : { kind: 'image' as const, path: image },
    ),
    tools: input.tools ?? null,
    toolChoice: input.tool_choice ?? null,
    cache:
      input.cache === undefined
        ? null
        : { userMessages: input.cache.user_messages, ttl: input.cache.ttl ?? '1h' },
    schema: toSchema(input.schema),
    output: toOutput(input.output),
  };
}

function toText(value: string | { readonly file: string } | undefined): PromptText | null {
  if (value === undefined) return null;
  return typeof value === 'string' ? { kind: 'text', text: value } : { kind: 'file', file: value.file };
}

function toMessage({ role, content }: NonNullable<StageInput['messages']>[number]): MessageTemplate {
  if (Array.isArray(content)) return { role, content };
  return { role, content: toText(content as string | { file: string }) ?? { kind: 'text', text: '' } };
}

function toSystem(value: StageInput['system']): SystemPrompt | null {
  if (value === undefined) return null;
  if (typeof value === 'string') return { content: { kind: 'text', text: value }, cache: null };
  const { text, file, cache } = value;
  const content: PromptText =
    file === undefined ? { kind: 'text', text: text ?? '' } : { kind: 'file', file };
  return { content, cache: cache ?? null };
}

function toSchema(value: StageInput['schema']): SchemaReference | null {
  if (value === undefined) return null;
  if (typeof value === 'string')
    return /\.[cm]?[jt]s$/.test(value)
      ? { kind: 'module', module: value, exportName: null }
      : { kind: 'file', file: value };
  if (typeof value['module'] === 'string') {
    const exportName = value['export'];
    return {
      kind: 'module',
      module: value['module'],
      exportName: typeof exportName === 'string' ? exportName : null,
    };
  }
  return { kind: 'inline', schema: value };
}

function toOutput(value: StageInput['output']): OutputRule | null {
  if (value === undefined) return null;
  if (value === false) return { path: null, content: { kind: 'none' } };
  if (typeof value === 'string') return { path: value, content: { kind: 'answer' } };
  const path = value.path ?? null;
  if (value.module !== undefined) return { path, content: { kind: 'module', module: value.module } };
  const template = toText(value.template);
  return { path, content: template === null ? { kind: 'answer' } : { kind: 'template', template } };
}
