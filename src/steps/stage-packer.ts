import type { Job, StageFacts } from '../core/job.ts';
import type { ClosedShard } from '../core/ports/store-views.ts';
import type { Shard } from '../core/shard.ts';
import type { LocalDeps } from './deps.ts';
import { indexContents } from './index-contents.ts';
import { type PackedPlace, type PackedRequest, packShards } from './pack-shards.ts';
import { type ReusedAnswers, reuseAnswers } from './reuse-answers.ts';

/** Puts the requests of one stage into shards: those that are to be sent, and those whose answers are here already. */
export interface StagePacker {
  /** In order of seq; where each has gone. */
  add(requests: readonly PackedRequest[]): Promise<readonly PackedPlace[]>;
  /** Shards that have been closed since the last call. */
  takeFull(): readonly ClosedShard[];
  /** Requests so far whose answers were taken from earlier jobs. */
  readonly reused: number;
  /** Requests so far that another job has sent and not heard of: its id, and how many. */
  readonly inFlight: ReadonlyMap<string, number>;
  close(): void;
  discard(): void;
}

export interface StagePacking {
  readonly origin: Shard['origin'];
  readonly route: Shard['route'];
  /** Of the stage so far. */
  readonly lastNumber: number;
  readonly reuse: boolean;
}

export async function openStagePacker(
  job: Job,
  stage: StageFacts,
  packing: StagePacking,
  deps: LocalDeps,
  signal: AbortSignal,
): Promise<StagePacker> {
  let number = packing.lastNumber;
  const place = {
    store: deps.store,
    files: deps.files,
    randomBytes: (length: number) => deps.clock.randomBytes(length),
    jobId: job.jobId,
    stageId: stage.id,
    stage: stage.name,
    private: job.spec.private,
    limits: job.spec.limits,
    origin: packing.origin,
    route: packing.route,
    nextNumber: () => {
      number += 1;
      return number;
    },
  };
  const packer = packShards(place);
  let answers: ReusedAnswers | null = null;
  if (packing.reuse) {
    await indexContents(job.spec.on, deps, signal);
    answers = reuseAnswers(job, place);
  }
  let reused = 0;
  return {
    inFlight: answers?.inFlight ?? new Map(),
    get reused() {
      return reused;
    },
    async add(requests) {
      const matches = await answers?.find(requests.map(({ paramsJson }) => paramsJson));
      const places: PackedPlace[] = [];
      for (const [index, request] of requests.entries()) {
        const match = matches?.[index] ?? null;
        if (answers === null || match === null) places.push(await packer.add(request));
        else {
          places.push(await answers.add(request, match));
          reused += 1;
        }
      }
      return places;
    },
    takeFull: () => [...packer.takeFull(), ...(answers?.takeFull() ?? [])],
    close() {
      packer.close();
      answers?.close();
      for (const [jobId, count] of answers?.missing ?? []) {
        const what = count === 1 ? '1 request' : `${count} requests`;
        const text = `${what} had no result in job ${jobId}, and may have been paid there; sent again, that is paid twice`;
        deps.report({ kind: 'problem', text });
      }
    },
    discard() {
      packer.discard();
      answers?.discard();
    },
  };
}
