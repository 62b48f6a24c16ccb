import type { Batch } from '../core/batch.ts';
import type { FencedBatch } from '../core/doubt.ts';

/**
 * What the fences of one run's creates have seen, one after the other. Each fence lists ten minutes back; without this a job
 * of thousands of shards would list all that it has sent itself, once more for each of them.
 */
export interface FenceMemory {
  /** Ids that a listing has shown before some tail of this run left, all of them. */
  readonly seen: Set<string>;
  /** What the last fence kept, newest first, and how far back it had looked; null before the first. */
  last: { readonly kept: readonly FencedBatch[]; readonly reachMs: number } | null;
}

export function startFences(): FenceMemory {
  return { seen: new Set(), last: null };
}

/**
 * What a walk need not go past, when it looks back to `reachMs` at most. Null: all of it has to be listed anew.
 *
 * A batch that lists show late, below one that was seen already, is missed. It is then no part of the fence, and can become
 * a candidate of a doubt, as one can that lists show only after the fence; its results reject it.
 */
export function seenBefore({ seen, last }: FenceMemory, reachMs: number): ReadonlySet<string> | null {
  return last !== null && reachMs >= last.reachMs ? seen : null;
}

/** All that a fence may keep: what the walk has shown for the first time, then what the fence before it kept. */
export function joinFence(
  { last }: FenceMemory,
  batches: readonly Batch[],
  taken: ReadonlySet<string>,
  isWhole: boolean,
): readonly FencedBatch[] {
  const listed = batches.map(({ id, createdAt }) => ({ id, createdAt, isTaken: taken.has(id) }));
  if (isWhole || last === null) return listed;
  const ids = new Set(listed.map(({ id }) => id));
  return [...listed, ...last.kept.filter(({ id }) => !ids.has(id))];
}

/** The fence that was taken is where the next one begins. */
export function rememberFence(
  memory: FenceMemory,
  facts: {
    readonly listed: ReadonlySet<string>;
    readonly kept: readonly FencedBatch[];
    readonly reachMs: number;
  },
): void {
  for (const id of facts.listed) memory.seen.add(id);
  memory.last = { kept: facts.kept, reachMs: facts.reachMs };
}
