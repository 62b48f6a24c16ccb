import { z } from 'zod';
import { API_VERSIONS } from './job-file.ts';

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const path = z.string().min(1);

const promptFile = z.strictObject({
  file: path.describe('A text file with the template, relative to the job file.'),
});

const cachedText = z.strictObject({
  text: z.string().min(1).optional().describe('The system prompt, a template.'),
  file: path.optional().describe('A text file with the system prompt, relative to the job file.'),
  cache: z
    .enum(['5m', '1h'])
    .optional()
    .describe('Marks the system prompt for the prompt cache. 1h suits batches: most outlive five minutes.'),
});

const dirSource = z.strictObject({
  glob: path.describe('Which files, relative to the job file: sections/*.txt'),
  meta: path
    .optional()
    .describe('A JSON file beside each text file whose keys become columns: "{{stem}}.meta.json"'),
});

const source = z
  .strictObject({
    csv: path.optional().describe('A CSV file with a header line; a record a row.'),
    jsonl: path.optional().describe('A file with a JSON object a line; a record a line.'),
    json: path.optional().describe('A JSON file: a list of objects, {"items": [...]} or one object.'),
    axes: z
      .record(z.string().min(1), z.union([z.string(), z.number(), z.array(scalar).min(1)]))
      .optional()
      .describe('The product of ranges and lists, the first one slowest: {round: 1-4, lang: [en, de]}'),
    dir: z
      .union([path, dirSource])
      .optional()
      .describe('Text files, a record a file, with the columns stem, name, path and text.'),
    requests: path
      .optional()
      .describe('Ready-made lines {"custom_id": ..., "params": {...}}, sent as they are.'),
  })
  .meta({ minProperties: 1, maxProperties: 1 })
  .describe('Where the records come from; exactly one kind.');

/**
 * The job file as a user writes it, after YAML. Each description is what an editor shows. Rules that span keys
 * are in job-file-check.ts.
 */
export const jobFileSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,40}$/)
      .optional()
      .describe("The job's name: 1-40 letters, digits, - and _. Default: the job file's name."),
    model: z.string().min(1).optional().describe('The model, for example claude-sonnet-5-5.'),
    max_tokens: z.int().min(1).optional().describe('The most tokens an answer may have, thinking included.'),
    params: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('Any other parameter of the Messages API, passed through: {output_config: {effort: low}}'),
    api_version: z
      .enum(API_VERSIONS)
      .optional()
      .describe(
        'The anthropic-version of every call. Default 2026-10-21; 2023-06-01 still takes a temperature.',
      ),
    source,
    files: z
      .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), path)
      .optional()
      .describe(
        'Text read for each record into a variable; paths are templates: {scores: "data/{{round}}.csv"}',
      ),
    select: z
      .record(z.string().min(1), z.union([scalar, z.array(scalar).min(1)]))
      .optional()
      .describe('Keep only records whose column has one of these values: {round: [1, 2]}'),
    id: z
      .string()
      .min(1)
      .optional()
      .describe('Template of the custom_id. Default: the column id, else row-1, row-2, ...'),
    system: z
      .union([z.string().min(1), cachedText])
      .optional()
      .describe('The system prompt, a template: text, or {text or file, cache}.'),
    prompt: z
      .union([z.string().min(1), promptFile])
      .optional()
      .describe('The user message, a template: text, or {file}.'),
    output: path
      .optional()
      .describe('Template of the path where an answer is written: "reports/{{teg}}/round{{round}}.md"'),
    private: z
      .boolean()
      .optional()
      .describe('true: files with prompts and answers can be read by you alone (mode 0600).'),
  })
  .meta({
    title: 'batchctl job file',
    if: { properties: { source: { required: ['requests'] } } },
    else: { required: ['model', 'max_tokens', 'prompt'] },
  });

export type JobFileInput = z.infer<typeof jobFileSchema>;

/** The schema for editors, generated from the one above; schemas/job.schema.json holds it. */
export function jobFileJsonSchema(): unknown {
  return z.toJSONSchema(jobFileSchema, { io: 'input', target: 'draft-7' });
}
