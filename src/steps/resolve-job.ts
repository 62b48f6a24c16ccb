import { compileAnswerCheck } from '../core/answer-check.ts';
import { InputError, UsageError } from '../core/errors.ts';
import { CORRECT_IT } from '../core/input-failure.ts';
import type { JobFile } from '../core/job-file.ts';
import type { ModuleLoader } from '../core/ports/modules.ts';
import type { SchemaReader } from '../core/ports/schemas.ts';
import type { TextReader } from '../core/record.ts';
import { SchemaError } from '../core/schema-error.ts';
import type { JsonSchema, PromptText, SchemaReference, Stage } from '../core/stage.ts';
import { exportProblem } from './output-export.ts';

export interface ResolveDeps {
  readonly texts: TextReader;
  readonly schemas: SchemaReader;
  readonly modules: ModuleLoader;
}

/**
 * Reads every prompt and schema that a job names into the job itself, so that its later stages are built from what was
 * there when it was built. Nothing is left to read in a job that was resolved before.
 *
 * Throws UsageError: `prompt_file`, `schema_file`, `schema_refused`, `output_module`.
 */
export async function resolveJob(job: JobFile, deps: ResolveDeps): Promise<JobFile> {
  const stages: Stage[] = [];
  for (const stage of job.stages) stages.push(await resolveStage(stage, job, deps));
  return { ...job, stages };
}

async function resolveStage(stage: Stage, job: JobFile, deps: ResolveDeps): Promise<Stage> {
  const read = (text: PromptText, key: string): Promise<PromptText> => readPrompt(text, key, job, deps.texts);
  const { system, prompt, messages, output, schema } = stage;
  if (output?.content.kind === 'module') await checkModule(output.content.module, job, deps.modules);
  return {
    ...stage,
    system: system === null ? null : { ...system, content: await read(system.content, 'system') },
    prompt: prompt === null ? null : await read(prompt, 'prompt'),
    messages:
      messages === null
        ? null
        : await Promise.all(
            messages.map(async (message) =>
              Array.isArray(message.content)
                ? message
                : // A list was told apart above.
                  { ...message, content: await read(message.content as PromptText, 'messages') },
            ),
          ),
    output:
      output?.content.kind === 'template'
        ? {
            ...output,
            content: { kind: 'template', template: await read(output.content.template, 'output.template') },
          }
        : output,
    schema: schema === null ? null : await readSchema(schema, job, deps.schemas),
  };
}

async function readSchema(
  reference: SchemaReference,
  job: JobFile,
  schemas: SchemaReader,
): Promise<SchemaReference> {
  const schema = reference.kind === 'inline' ? reference.schema : await schemas.read(reference);
  await checkSchema(schema, nameOf(reference, job));
  return { kind: 'inline', schema };
}

/** Answers are held against it when they have been paid for, so that it must be one now. */
async function checkSchema(schema: JsonSchema, name: string): Promise<void> {
  try {
    await compileAnswerCheck(schema);
  } catch (cause) {
    if (!(cause instanceof SchemaError)) throw cause;
    throw new UsageError(`${name} is not a JSON Schema that answers can be checked by`, {
      code: 'schema_refused',
      why: cause.message,
      next: 'mend the schema: draft 2020-12, or draft-07 where "$schema" says so',
      cause,
    });
  }
}

function nameOf(reference: SchemaReference, job: JobFile): string {
  switch (reference.kind) {
    case 'inline':
      return `"schema" of ${job.path}`;
    case 'file':
      return reference.file;
    case 'module':
      return `${reference.module} (${reference.exportName ?? 'default'})`;
  }
}

async function checkModule(module: string, job: JobFile, modules: ModuleLoader): Promise<void> {
  const loaded = await modules.load(module);
  const why = loaded.ok ? exportProblem(loaded.exports) : loaded.why;
  if (why === null) return;
  throw new UsageError(`${job.path}: ${module} cannot make the outputs`, {
    code: 'output_module',
    why,
    next: `mend ${module}, or "output.module"; it is relative to ${job.path}`,
  });
}

async function readPrompt(
  content: PromptText,
  key: string,
  job: JobFile,
  texts: TextReader,
): Promise<PromptText> {
  if (content.kind === 'text') return content;
  try {
    return { kind: 'text', text: await texts.read(content.file), name: content.file };
  } catch (cause) {
    if (!(cause instanceof InputError)) throw cause;
    throw new UsageError(`${job.path}: the file of "${key}" cannot be used`, {
      code: 'prompt_file',
      why: cause.message,
      next: cause.next === CORRECT_IT ? `check "${key}.file"; it is relative to ${job.path}` : cause.next,
      cause,
    });
  }
}
