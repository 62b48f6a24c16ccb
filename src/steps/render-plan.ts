import { InputError, UsageError } from '../core/errors.ts';
import type { JobFile, PromptText } from '../core/job-file.ts';
import type { TextReader } from '../core/record.ts';
import { isBlankJson } from '../core/record-json.ts';
import { lintOptions } from '../core/request-lint.ts';
import { compileTemplate, type Template, TemplateError } from '../core/template.ts';

/** A job file made ready for its records: every template parsed, every fixed part of a request written once. */
export interface RenderPlan {
  readonly id: Template | null;
  readonly output: Template | null;
  /** Variable → template of a path. */
  readonly files: readonly (readonly [variable: string, path: Template])[];
  readonly select: readonly (readonly [column: string, values: ReadonlySet<string>])[];
  /** `{"model":…,"max_tokens":…` */
  readonly head: string;
  readonly system: Template | null;
  /** What stands around the JSON string of the system prompt: a content block, if it is cached. */
  readonly systemFrame: readonly [before: string, after: string];
  /** Null for ready-made requests. */
  readonly prompt: Template | null;
  /** `,"key":value…}`: the other params, in the order of the job file. */
  readonly tail: string;
}

/**
 * Reads the prompts of a job and checks everything that does not depend on a record. Throws UsageError:
 * `template_syntax`, `prompt_file`, `bad_params`.
 */
export async function planRendering(job: JobFile, texts: TextReader): Promise<RenderPlan> {
  const problems = lintOptions(job.params, job.apiVersion);
  if (problems.length > 0) {
    throw new UsageError(`${job.path}: the API would refuse every request`, {
      code: 'bad_params',
      why: problems.map((problem) => `params: ${problem}`).join('\n'),
      next: `mend "params" in ${job.path}`,
    });
  }
  // Rows of a CSV and combinations of axes all have the same columns; other records may lack some.
  const optionalColumns = job.source.kind !== 'csv' && job.source.kind !== 'axes';
  const compile = (text: string, name: string): Template => compileOrRefuse(text, name, optionalColumns, job);
  const compileText = async (content: PromptText, key: string): Promise<Template> =>
    content.kind === 'text'
      ? compile(content.text, key)
      : compile(await readPrompt(content.file, key, job, texts), content.file);

  const prompt = job.prompt === null ? null : await compileText(job.prompt, 'prompt');
  if (prompt?.constant != null && isBlankJson(JSON.stringify(prompt.constant))) {
    throw new UsageError(`${job.path}: the prompt is empty`, {
      code: 'prompt_empty',
      next: `write something into ${prompt.name}`,
    });
  }
  const cacheControl =
    job.system?.cache == null ? null : JSON.stringify({ type: 'ephemeral', ttl: job.system.cache });
  return {
    id: job.id === null ? null : compile(job.id, 'id'),
    output: job.output === null ? null : compile(job.output, 'output'),
    files: Object.entries(job.files).map(([name, path]) => [name, compile(path, `files.${name}`)] as const),
    select: Object.entries(job.select).map(([column, values]) => [column, new Set(values)] as const),
    head: `{"model":${JSON.stringify(job.model)},"max_tokens":${job.maxTokens}`,
    system: job.system === null ? null : await compileText(job.system.content, 'system'),
    systemFrame:
      cacheControl === null ? ['', ''] : ['[{"type":"text","text":', `,"cache_control":${cacheControl}}]`],
    prompt,
    tail: `${Object.entries(job.params)
      .map(([key, value]) => `,${JSON.stringify(key)}:${JSON.stringify(value)}`)
      .join('')}}`,
  };
}

function compileOrRefuse(text: string, name: string, optionalColumns: boolean, job: JobFile): Template {
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
}

async function readPrompt(file: string, key: string, job: JobFile, texts: TextReader): Promise<string> {
  try {
    return await texts.read(file);
  } catch (cause) {
    if (!(cause instanceof InputError)) throw cause;
    throw new UsageError(`${job.path}: the file of "${key}" cannot be used`, {
      code: 'prompt_file',
      why: cause.message,
      next: cause.next ?? `check "${key}.file"; it is relative to ${job.path}`,
      cause,
    });
  }
}
