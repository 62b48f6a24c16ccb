import { z } from 'zod';
import { API_VERSIONS, JOB_NAME } from './job-file.ts';
import { RETRYABLE } from './retry-rule.ts';
import { sourceSchema } from './source-schema.ts';
import { spendingKeys } from './spending-schema.ts';
import { ownStageKeys, sharedStageKeys, stageSchema } from './stage-schema.ts';

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const path = z.string().min(1);

/**
 * The job file as a user writes it, after YAML. Each description is what an editor shows. Rules that span keys
 * are in job-file-check.ts.
 */
export const jobFileSchema = z
  .strictObject({
    name: z
      .string()
      .regex(JOB_NAME)
      .optional()
      .describe("The job's name: 1-40 letters, digits, - and _. Default: the job file's name."),
    ...sharedStageKeys,
    api_version: z
      .enum(API_VERSIONS)
      .optional()
      .describe(
        'The anthropic-version of every call. Default 2026-10-21; 2023-06-01 still takes a temperature.',
      ),
    betas: z
      .array(z.string().regex(/^[A-Za-z0-9-]+$/))
      .min(1)
      .optional()
      .describe('Values of the anthropic-beta header: [output-300k-2026-03-24]'),
    source: sourceSchema,
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
    group_by: z.string().min(1).optional().describe('A column; each of its values gets batches of its own.'),
    ...ownStageKeys,
    stages: z
      .array(stageSchema)
      .min(1)
      .optional()
      .describe('Several prompts over the same records, each with keys of its own.'),
    ...spendingKeys,
    private: z
      .boolean()
      .optional()
      .describe('true: files with prompts and answers can be read by you alone (mode 0600).'),
    retry: z
      .strictObject({
        attempts: z.int().min(2).max(10).describe('How often a request may be sent in all.'),
        on: z
          .array(z.enum(RETRYABLE))
          .min(1)
          .optional()
          .describe('Classes of failure. Default: all of these but missing, which may have been paid.'),
      })
      .optional()
      .describe('Sends again by itself what did not succeed, by class of failure.'),
    on_end: z
      .array(z.string())
      .min(1)
      .optional()
      .describe('A command and its arguments, templates over {{job}}, run once the job is final; no shell.'),
    git: z
      .strictObject({
        commit: z.string().min(1).describe('Template of the message: "Regenerate {{job.succeeded}} reports"'),
        per: z
          .enum(['job', 'output'])
          .optional()
          .describe('One commit, or one for each output. Default job.'),
      })
      .optional()
      .describe('Commits exactly the outputs that were written, once the job is final.'),
  })
  .meta({
    title: 'batchctl job file',
    if: {
      anyOf: [{ properties: { source: { required: ['requests'] } } }, { required: ['stages'] }],
    },
    else: {
      required: ['model', 'max_tokens'],
      anyOf: [{ required: ['prompt'] }, { required: ['messages'] }],
    },
  });

export type JobFileInput = z.infer<typeof jobFileSchema>;

/** The schema for editors, generated from the one above; schemas/job.schema.json holds it. */
export function jobFileJsonSchema(): unknown {
  return z.toJSONSchema(jobFileSchema, { io: 'input', target: 'draft-7' });
}
