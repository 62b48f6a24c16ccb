import { z } from 'zod';
import { expectedOutputKey } from './spending-schema.ts';

const path = z.string().min(1);
const ttl = z.enum(['5m', '1h']);

const promptFile = z.strictObject({
  file: path.describe('A text file with the template, relative to the job file.'),
});

const text = z.union([z.string().min(1), promptFile]);

const cachedText = z.strictObject({
  text: z.string().min(1).optional().describe('The system prompt, a template.'),
  file: path.optional().describe('A text file with the system prompt, relative to the job file.'),
  cache: ttl
    .optional()
    .describe('Marks the system prompt for the prompt cache. 1h suits batches: most outlive five minutes.'),
});

const message = z.strictObject({
  role: z.enum(['user', 'assistant']).describe('Who speaks; the last turn is of the user.'),
  content: z
    .union([text, z.array(z.record(z.string(), z.unknown())).min(1)])
    .describe('Text, a template; {file}; or a list of content blocks.'),
});

const attachment = z
  .strictObject({
    image: path.optional().describe('A PNG, JPEG, GIF or WebP file; the path is a template.'),
    document: path.optional().describe('A PDF or text file; the path is a template.'),
  })
  .meta({ minProperties: 1, maxProperties: 1 });

const schemaModule = z.strictObject({
  module: path.describe('A JS or TS module that exports a JSON Schema or a Zod schema.'),
  export: z.string().min(1).optional().describe('The name of the export. Default: the default export.'),
});

const output = z.union([
  path,
  z.literal(false).describe('No files: the answers are in results.jsonl.'),
  z.strictObject({
    path: path.optional().describe('Template of the path where an answer is written.'),
    template: text.optional().describe('What is written: a template over the record and its answer.'),
    module: path.optional().describe('A JS or TS module whose default export makes what is written.'),
  }),
]);

/** Keys that may also stand at the top level, for all stages. */
export const sharedStageKeys = {
  model: z.string().min(1).optional().describe('The model, for example claude-sonnet-5-5.'),
  max_tokens: z.int().min(1).optional().describe('The most tokens an answer may have, thinking included.'),
  params: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('Any other parameter of the Messages API, passed through: {output_config: {effort: low}}'),
  expected_output_tokens: expectedOutputKey,
};

/** Keys of one stage; at the top level where there is no list of stages. */
export const ownStageKeys = {
  system: z
    .union([z.string().min(1), cachedText])
    .optional()
    .describe('The system prompt, a template: text, or {text or file, cache}.'),
  prompt: text.optional().describe('The user message, a template: text, or {file}.'),
  messages: z.array(message).min(1).optional().describe('Several turns, instead of a prompt.'),
  attach: z
    .array(attachment)
    .min(1)
    .optional()
    .describe('Files sent before the text of the last user turn: [{image: "charts/{{id}}.png"}]'),
  tools: z
    .array(z.record(z.string(), z.unknown()))
    .min(1)
    .optional()
    .describe('Tools of the Messages API, passed through; calls of them are kept whole.'),
  tool_choice: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('Which tool, if any: {type: auto}, {type: tool, name: extract}'),
  cache: z
    .strictObject({
      user_messages: z.int().min(1).max(4).describe('How many of the last user turns are marked.'),
      ttl: ttl.optional().describe('How long the cache keeps them. Default 1h.'),
    })
    .optional()
    .describe('Cache marks on the last user turns; the one of the system prompt is system.cache.'),
  schema: z
    .union([path, schemaModule, z.record(z.string(), z.unknown())])
    .optional()
    .describe('JSON Schema of the answer: a file, {module, export}, or the schema itself.'),
  output: output
    .optional()
    .describe(
      'Where an answer is written, a template: "reports/{{teg}}.md"; or {path, template} or {path, module} for what is written; false for no files.',
    ),
};

export const stageSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]{0,39}$/)
    .describe('1-40 letters, digits and _: the name of its answers in templates of later stages.'),
  needs: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .optional()
    .describe('An earlier stage, or several: {{notes.text}} and {{notes.json}} are there then.'),
  ...sharedStageKeys,
  ...ownStageKeys,
});

export type StageInput = z.infer<typeof stageSchema>;
