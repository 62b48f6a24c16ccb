import type { Job } from '../core/job.ts';
import { outputCeiling } from '../core/model-facts.ts';
import { shippedModel } from '../core/models.ts';

/** The most that a model may answer in a job's requests; null where it is not known. */
export function maxOutputTokensOf({
  spec,
  mode,
}: Pick<Job, 'spec' | 'mode'>): (model: string) => number | null {
  return (model) => {
    const facts = shippedModel(model);
    return facts === null ? null : outputCeiling(facts, { betas: spec.betas, mode: mode ?? 'batch' });
  };
}
