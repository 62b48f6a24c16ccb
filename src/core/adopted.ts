import { createHash } from 'node:crypto';
import type { JobSpec } from './job.ts';
import { API_VERSIONS } from './job-file.ts';
import { sortNaturally } from './natural-order.ts';
import { DEFAULT_SHARD_LIMITS } from './shard.ts';
import { NO_SPENDING_RULES } from './spending-rules.ts';

/**
 * A batch that this workspace did not make becomes a job of one stage and one shard. Its requests are unknown; its rows
 * are made from the result lines, once these are on disk.
 */
export const ADOPTED_NAME = 'adopted';

/** Only what later reads of the API need: nothing of such a job is ever sent. */
export function adoptedSpec(on: JobSpec['on']): JobSpec {
  return {
    apiVersion: API_VERSIONS[0],
    betas: [],
    model: null,
    stages: ['main'],
    needs: {},
    retry: null,
    needsFrozen: false,
    limits: DEFAULT_SHARD_LIMITS,
    changedOnly: false,
    spending: NO_SPENDING_RULES,
    private: false,
    on,
    file: null,
    adopted: true,
  };
}

/** Stands where the content of a job that was built has its hash: no two jobs share it but by the same batch. */
export function adoptedContent(baseUrl: string, batchId: string): string {
  return createHash('sha256').update(`adopted\n${baseUrl}\n${batchId}`).digest('hex');
}

/**
 * The rows of such a job, in order: the ids that its results name, by their natural order, since the order of a stream says
 * nothing and the next download has another; then one for each request that the batch counts and no line names. No API
 * takes the parentheses of these as a custom_id, so they never meet one.
 */
export function adoptedRows(customIds: readonly string[], requests: number): readonly string[] {
  const rows = sortNaturally(customIds);
  for (let n = 1; rows.length < requests; n += 1) rows.push(`(unnamed ${n})`);
  return rows;
}
