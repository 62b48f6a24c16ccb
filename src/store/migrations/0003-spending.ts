import type { Migration } from './index.ts';

/**
 * What a job may cost, is expected to cost and has cost. Null says that it was built, or applied, by a version that kept
 * none of it: such a job has no budget, no pilot and no prices, and every shard of it goes out in its turn.
 *
 * - The JSON columns come last, so that `list` and `status`, which read first and cost_microusd, need not step over them.
 * - spent_json stays when rows of the shard go out again: an answer that was paid stays paid.
 */
export const spending: Migration = {
  number: 3,
  name: 'spending',
  sql: `
-- The last word of --max-usd; null: it never said anything.
ALTER TABLE jobs ADD COLUMN max_microusd INTEGER CHECK (max_microusd >= 0);
ALTER TABLE jobs ADD COLUMN pilot_json TEXT;
ALTER TABLE jobs ADD COLUMN estimate_json TEXT;

ALTER TABLE shards ADD COLUMN first TEXT CHECK (first IN ('prime','pilot'));
-- The sum of spent_json; null too where some of it has no price.
ALTER TABLE shards ADD COLUMN cost_microusd INTEGER CHECK (cost_microusd >= 0);
ALTER TABLE shards ADD COLUMN sizes_json TEXT;
ALTER TABLE shards ADD COLUMN spent_json TEXT
  CHECK (spent_json IS NULL OR tally_json IS NOT NULL)
  CHECK (cost_microusd IS NULL OR spent_json IS NOT NULL);
`,
};
