import { UsageError } from '../core/errors.ts';
import { type Job, neededStages } from '../core/job.ts';
import type { Pilot } from '../core/pilot.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import { openPriceList } from '../core/price-list.ts';
import { findPrimeNeeds, type PrimeFinding, type PrimeNeed, prefixKey } from '../core/prime-needs.ts';
import type { Shard } from '../core/shard.ts';
import { mergeSizes } from '../core/size-counter.ts';
import { carveShards, type Taking } from './carve-shards.ts';
import { choosePilot, countRequests } from './choose-pilot.ts';
import { choosePrimes } from './choose-primes.ts';
import type { LocalDeps } from './deps.ts';
import { sizesOfShards } from './shard-sizes.ts';

/**
 * Takes a sample out of each stage that needs no other, to be sent and judged before the rest. A job that is no larger than
 * its pilot has none, and that is told. The job was built and never sent; the caller holds its lock. Killed anywhere, it may
 * be called again; called again once it is done, it does nothing.
 */
export async function carvePilot(
  job: Job,
  { requests, minSuccess }: Pick<Pilot, 'requests' | 'minSuccess'>,
  deps: LocalDeps,
  signal: AbortSignal,
): Promise<void> {
  const { store, clock, report } = deps;
  await store.dropRound(job.id);
  const views = await store.shards(job.id);
  const before = await store.pilotOf(job.id);
  if (before !== null && views.some(({ shard }) => shard.first === 'pilot')) {
    if (before.minSuccess !== minSuccess) await store.setPilot(job.id, { ...before, minSuccess });
    return;
  }
  const stages = [...Map.groupBy(unsentShards(job, views), (shard) => shard.stageId).values()];
  if (stages.every((shards) => countRequests(shards) <= requests)) {
    const text = `no pilot: the job is no larger than its sample of ${requests}, and goes as a whole`;
    report({ kind: 'notice', text });
    // The same command again finds that there was one to be.
    await store.setPilot(job.id, { requests, minSuccess, approvedAt: clock.now().toISOString() });
    return;
  }
  const sizes = await sizesOfShards(job, views, deps);
  const takings: Taking[] = [];
  for (const shards of stages) takings.push(...(await choosePilot(job, shards, { requests, sizes }, deps)));
  // Before the shards: without them it is none, and shards without it would let the rest go unasked.
  await store.setPilot(job.id, { requests, minSuccess, approvedAt: null });
  await carveShards(job, takings, 'pilot', deps, signal);
  const taken = takings.reduce((sum, { seqs }) => sum + seqs.size, 0);
  report({ kind: 'notice', text: `pilot: ${taken} of ${job.records} requests go first` });
}

/**
 * Takes out one request of each cached beginning that is worth it, to be answered before the rest, which then finds it in the
 * cache. Beginnings that the pilot has are left to it. As above otherwise.
 *
 * @returns how many requests go first.
 * @throws UsageError `nothing_to_prime`
 */
export async function carvePrimes(job: Job, deps: LocalDeps, signal: AbortSignal): Promise<number> {
  const { store, report } = deps;
  await store.dropRound(job.id);
  const views = await store.shards(job.id);
  if (views.some(({ shard }) => shard.first === 'prime')) return 0;
  const sizes = await sizesOfShards(job, views, deps);
  const shards = unsentShards(job, views);
  const worthIt = requirePrimeNeeds(job, shards, sizes, deps);
  const rest = shards.filter((shard) => shard.first === null);
  const pilot = shards.filter((shard) => shard.first === 'pilot');
  const seeded = new Set(pilot.flatMap(({ id }) => sizes.get(id)?.prefixes ?? []).map(prefixKey));
  const needs = worthIt.filter((need) => !seeded.has(prefixKey(need)));
  const takings = await choosePrimes(job, rest, { needs, sizes }, deps, signal);
  const primes = takings.reduce((sum, { seqs }) => sum + seqs.size, 0);
  if (primes > 0) await carveShards(job, takings, 'prime', deps, signal);
  const text =
    primes > 0
      ? `prime: ${primes === 1 ? '1 request goes' : `${primes} requests go`} first, so that the others find their beginning in the cache`
      : 'prime: the pilot has a request of each cached beginning, so that none goes before it';
  report({ kind: 'notice', text });
  return primes;
}

/**
 * Whether `carvePrimes` will find something, asked before anything else is carved.
 *
 * @throws UsageError `nothing_to_prime`
 */
export async function checkPrimes(job: Job, deps: LocalDeps): Promise<void> {
  const views = await deps.store.shards(job.id);
  requirePrimeNeeds(job, unsentShards(job, views), await sizesOfShards(job, views, deps), deps);
}

function requirePrimeNeeds(
  job: Job,
  shards: readonly Shard[],
  sizes: Awaited<ReturnType<typeof sizesOfShards>>,
  { clock }: LocalDeps,
): readonly PrimeNeed[] {
  const all = mergeSizes(shards.flatMap(({ id }) => sizes.get(id) ?? []));
  const prices = openPriceList(job.spec.spending.prices);
  const finding = findPrimeNeeds(all.prefixes, prices, clock.now().toISOString());
  if (finding.kind === 'nothing') throw nothingToPrime(job, finding);
  return finding.needs;
}

/** Those of stages that need no other, but for answers that are there already. */
function unsentShards(job: Job, views: readonly ShardView[]): readonly Shard[] {
  return views
    .map(({ shard }) => shard)
    .filter(({ state, route, stage }) => {
      return state === 'built' && route !== 'none' && neededStages(job, stage).length === 0;
    });
}

function nothingToPrime({ jobId }: Job, { reason }: PrimeFinding & { readonly kind: 'nothing' }): UsageError {
  const { why, next } = REASONS[reason];
  return new UsageError(`there is nothing to prime in job ${jobId}`, {
    code: 'nothing_to_prime',
    why: `${why}; nothing was sent`,
    next: `${next}; batchctl submit ${jobId} --use-batch sends the job as it is`,
  });
}

const REASONS = {
  no_mark: {
    why: 'no request has a cache mark',
    next: 'mark what the requests begin with alike (system: { file: …, cache: 1h })',
  },
  only_5m: {
    why: 'its cache marks are of 5m, and a batch outlives five minutes: nothing would be left of what the first request writes',
    next: 'mark with cache: 1h',
  },
  too_short: {
    why: 'what is marked is shorter than its model keeps, so that nothing is cached',
    next: 'batchctl plan says how long it must be',
  },
  not_shared: {
    why: 'no two requests begin the same up to a cache mark, so that nobody would read what the first one writes',
    next: 'put what differs behind the mark',
  },
} as const;
