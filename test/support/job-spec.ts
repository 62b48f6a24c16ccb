import type { JobSpec } from '../../src/core/job.ts';
import { DEFAULT_SHARD_LIMITS } from '../../src/core/shard.ts';
import { NO_SPENDING_RULES } from '../../src/core/spending-rules.ts';

/** Of a job of one stage that asks for nothing beyond its requests, where nothing else is said. */
export function jobSpec(more: Partial<JobSpec> = {}): JobSpec {
  return {
    apiVersion: '2026-10-21',
    betas: [],
    model: 'claude-haiku-5-5',
    stages: ['main'],
    needs: {},
    retry: null,
    limits: DEFAULT_SHARD_LIMITS,
    needsFrozen: false,
    changedOnly: false,
    spending: NO_SPENDING_RULES,
    private: false,
    on: 'api',
    file: null,
    ...more,
  };
}
