import { cacheControl, lintCacheMarks, markedTurns } from '../core/cache-marks.ts';
import { UsageError } from '../core/errors.ts';
import type { JobMode, JobSpec } from '../core/job.ts';
import type { JobFile } from '../core/job-file.ts';
import type { ModelFacts } from '../core/model-facts.ts';
import { lintModel } from '../core/model-lint.ts';
import { shippedModel } from '../core/models.ts';
import { lintParams } from '../core/request-lint.ts';
import type { Stage } from '../core/stage.ts';
import { lintStructured } from '../core/structured-lint.ts';
import { paramsOf } from './render-plan.ts';

type Params = Readonly<Record<string, unknown>>;

export interface LintOptions {
  /** How the requests go; null: not known yet. */
  readonly mode: JobMode | null;
  /** When they go; null: days on which a model ends are not looked at. */
  readonly at: Date | null;
}

/** Throws UsageError `bad_params` with all that the API would refuse in the requests of a job, whatever the records say. */
export function refuseBadStages(job: JobFile, options: LintOptions): void {
  const isOne = job.stages.length === 1;
  const problems = job.stages.flatMap((stage) =>
    // Ready-made requests bring their own.
    stage.model === null
      ? []
      : [
          ...lintRequest(outlineOf(stage), job, options).map((problem) => `params: ${problem}`),
          ...lintStructured(stage),
        ].map((problem) => `${isOne ? '' : `stage "${stage.name}": `}${problem}`),
  );
  if (problems.length === 0) return;
  throw new UsageError(`${job.path}: the API would refuse every request`, {
    code: 'bad_params',
    why: problems.join('\n'),
    next: `mend ${job.path} and run the same command again`,
  });
}

/** What the API would refuse in one request, by the shipped table of models unless `facts` say better. */
export function lintRequest(
  params: Params,
  { apiVersion, betas }: Pick<JobSpec, 'apiVersion' | 'betas'>,
  { mode, at }: LintOptions,
  facts: ModelFacts | null = shippedModel(String(params['model'])),
): readonly string[] {
  return [
    ...lintParams(params, apiVersion, mode ?? 'batch'),
    ...lintCacheMarks(params),
    ...lintModel(params, facts, { betas, mode, at }),
  ];
}

/** The request of a stage as far as no record decides about it: its texts are left out. */
export function outlineOf(stage: Stage): Params {
  const { system, messages, attach, cache } = stage;
  const turns = messages ?? [{ role: 'user', content: { kind: 'text', text: '' } }];
  const marked = markedTurns(
    turns.map(({ role }) => role),
    cache?.userMessages ?? 0,
  );
  return {
    model: stage.model,
    max_tokens: stage.maxTokens,
    ...(system?.cache == null
      ? {}
      : { system: [{ type: 'text', cache_control: cacheControl(system.cache) }] }),
    messages: turns.map(({ role, content }, index) => {
      const blocks: readonly Params[] = Array.isArray(content) ? content : [{ type: 'text' }];
      const files = index === turns.length - 1 ? attach.map(({ kind }) => ({ type: kind })) : [];
      const mark = cache !== null && marked.has(index) ? cacheControl(cache.ttl) : null;
      return { role, content: [...files, ...withLastMarked(blocks, mark)] };
    }),
    // Which part of the schema the API takes says nothing about the rest.
    ...paramsOf(stage, { toApiSchema: (schema) => schema }),
  };
}

/** A mark that the user set stays as it is. */
function withLastMarked(blocks: readonly Params[], mark: object | null): readonly Params[] {
  return blocks.map((block, index) =>
    mark === null || index < blocks.length - 1 || block['cache_control'] != null
      ? block
      : { ...block, cache_control: mark },
  );
}
