import type { Job } from '../core/job.ts';
import { pickSpread, shareOut, shareOutWith } from '../core/pilot-sample.ts';
import { shardPath } from '../core/ports/files.ts';
import { parseRequestLine } from '../core/request-line.ts';
import type { RequestSizes } from '../core/request-sizes.ts';
import type { Shard } from '../core/shard.ts';
import type { Taking } from './carve-shards.ts';
import type { LocalDeps } from './deps.ts';

/**
 * Which requests of a stage are its pilot: shared out over its groups by their number, within a group over its shards, and
 * within a shard spread over its sizes; the longest request of the stage is among them. Nothing is left to chance, so that
 * a build that is done again has the same pilot. Reads only the shards that it takes from, and holds 16 bytes a request of one.
 */
export async function choosePilot(
  job: Job,
  shards: readonly Shard[],
  { requests, sizes }: { readonly requests: number; readonly sizes: ReadonlyMap<number, RequestSizes> },
  deps: LocalDeps,
): Promise<readonly Taking[]> {
  const longest = longestShard(shards, sizes);
  const takings: Taking[] = [];
  for (const [shard, count] of shareOverGroups(shards, longest, requests)) {
    if (count === 0) continue;
    const lines = await readLines(job, shard, deps);
    const picked = pickSpread(lines.lengths, count, { withLongest: shard.id === longest?.id });
    const seqs = [...picked].map((index) => lines.seqs[index] ?? 0).sort((a, b) => a - b);
    takings.push({ shard, seqs: new Set(seqs) });
  }
  return takings;
}

/** How many requests each shard gives. */
function shareOverGroups(
  shards: readonly Shard[],
  longest: Shard | null,
  requests: number,
): readonly (readonly [Shard, number])[] {
  const groups = [...Map.groupBy(shards, (shard) => shard.group).values()];
  const shares = shareWith(groups.findIndex(has(longest)), requests, groups.map(countRequests));
  return groups.flatMap((group, index) => {
    const counts = group.map((shard) => shard.requests);
    const must = group.findIndex((shard) => shard.id === longest?.id);
    const ofGroup = shareWith(must, shares[index] ?? 0, counts);
    return group.map((shard, place) => [shard, ofGroup[place] ?? 0] as const);
  });
}

function shareWith(must: number, total: number, sizes: readonly number[]): readonly number[] {
  return must === -1 ? shareOut(total, sizes) : shareOutWith(must, total, sizes);
}

function has(shard: Shard | null): (group: readonly Shard[]) => boolean {
  return (group) => group.some(({ id }) => id === shard?.id);
}

export function countRequests(shards: readonly Shard[]): number {
  return shards.reduce((sum, shard) => sum + shard.requests, 0);
}

/** The one with the longest request, as far as their sizes tell. */
function longestShard(shards: readonly Shard[], sizes: ReadonlyMap<number, RequestSizes>): Shard | null {
  const largest = (shard: Shard): number =>
    Math.max(0, ...(sizes.get(shard.id)?.classes ?? []).map((one) => one.largest));
  const [longest = null] = shards.toSorted((a, b) => largest(b) - largest(a));
  return longest;
}

async function readLines(
  { jobId }: Job,
  { stage, number, requests }: Shard,
  { files }: LocalDeps,
): Promise<{ readonly seqs: Float64Array; readonly lengths: Float64Array }> {
  const seqs = new Float64Array(requests);
  const lengths = new Float64Array(requests);
  let index = 0;
  for await (const lines of files.lines(shardPath(files.requestsDir(jobId), stage, number))) {
    for (const { text, length } of lines) {
      seqs[index] = parseRequestLine(text).seq;
      lengths[index] = length;
      index += 1;
    }
  }
  return { seqs, lengths };
}
