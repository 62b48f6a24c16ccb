import { contentHash } from '../core/content-hash.ts';
import { StoreError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import { memberSpans } from '../core/json-spans.ts';
import { type JobFiles, type NewFile, rawPath } from '../core/ports/files.ts';
import type { ClosedShard, ContentMatch } from '../core/ports/store-views.ts';
import { idOfLine } from '../core/raw-line.ts';
import { parseWireId, wireId } from '../core/wire-id.ts';
import { type PackedPlace, type PackedRequest, type PackingPlace, packShards } from './pack-shards.ts';
import { RawReaders } from './raw-readers.ts';
import { isGood } from './write-outputs.ts';

/** Takes the answers of requests that were answered before, in shards of their own that are never sent. */
export interface ReusedAnswers {
  /** The answered requests among these; by place in the list, null where it must be sent. */
  find(paramsJsons: readonly string[]): Promise<readonly (ContentMatch | null)[]>;
  /** Requests so far that another job has sent and not heard of: its id, and how many. */
  readonly inFlight: ReadonlyMap<string, number>;
  /** Requests so far that an earlier job has sent and got no result for: its id, and how many. */
  readonly missing: ReadonlyMap<string, number>;
  /** Appends the request to a shard, and its answer, under the request's new id, to that shard's raw results. */
  add(request: PackedRequest, match: ContentMatch): Promise<PackedPlace>;
  takeFull(): readonly ClosedShard[];
  close(): void;
  discard(): void;
}

/** `place` is that of the requests that are sent; its numbers are shared. */
export function reuseAnswers(job: Job, place: PackingPlace): ReusedAnswers {
  const { store, files } = place;
  const packer = packShards({ ...place, origin: 'reused', route: 'none' });
  const raws = new Map<number, NewFile>();
  const readers = new Map<string, RawReaders>();
  const inFlight = new Map<string, number>();
  const missing = new Map<string, number>();
  const count = (counts: Map<string, number>, jobId: string): void => {
    counts.set(jobId, (counts.get(jobId) ?? 0) + 1);
  };

  const readersOf = (jobId: string): RawReaders => {
    // Only the line is read; its verdict was recorded.
    const known = readers.get(jobId) ?? new RawReaders(files, files.resultsDir(jobId), new Map());
    readers.set(jobId, known);
    return known;
  };

  const closeReaders = (): void => {
    for (const one of readers.values()) one.close();
    readers.clear();
  };

  const finishRaws = (): void => {
    for (const raw of raws.values()) raw.finish();
    raws.clear();
  };

  return {
    inFlight,
    missing,
    async find(paramsJsons) {
      const hashes = paramsJsons.map((paramsJson) => contentHash(job.spec, paramsJson));
      const matches = await store.matchContents(job.spec.on, hashes, job.id);
      return matches.map((match) => {
        if (match?.isInFlight) count(inFlight, match.jobId);
        if (match?.failure === 'missing') count(missing, match.jobId);
        return match !== null && hasAnswer(match, files) ? match : null;
      });
    },
    async add(request, match) {
      const packed = await packer.add(request);
      let raw = raws.get(packed.shardId);
      if (raw === undefined) {
        raw = files.create(rawPath(files.resultsDir(job.jobId), place.stage, packed.number), {
          private: job.spec.private,
        });
        raws.set(packed.shardId, raw);
      }
      const answer = readersOf(match.jobId).answerOf(match);
      if (answer === null || !isOf(match, answer.line)) throw isElsewhere(match);
      raw.write(`${withId(answer.line, wireId(request.customId, packed.nonce, request.seq))}\n`);
      return packed;
    },
    takeFull() {
      const full = packer.takeFull();
      for (const { id } of full) {
        raws.get(id)?.finish();
        raws.delete(id);
      }
      for (const raw of raws.values()) raw.park();
      return full;
    },
    close() {
      packer.close();
      finishRaws();
      closeReaders();
    },
    discard() {
      packer.discard();
      for (const raw of raws.values()) raw.discard();
      raws.clear();
      closeReaders();
    },
  };
}

/** A good answer that is recorded, and whose raw results are still there. */
export function hasAnswer(match: ContentMatch, files: JobFiles): boolean {
  if (!isGood(match) || match.shardState !== 'applied') return false;
  return files.exists(rawPath(files.resultsDir(match.jobId), match.stage, match.shardNumber));
}

/** Its place is that of the store: results that were damaged may be downloaded again meanwhile, with their lines elsewhere. */
function isOf({ seq, rawLength }: ContentMatch, line: string): boolean {
  const id = idOfLine({ text: line, offset: 0, length: rawLength ?? 0 });
  return id !== null && parseWireId(id)?.seq === seq;
}

function isElsewhere({ customId, jobId, stage, shardNumber }: ContentMatch): StoreError {
  return new StoreError(`the answer of ${customId} in job ${jobId} is not where it was recorded`, {
    code: 'results_changed',
    why: `the raw results of ${stage} ${shardNumber} were replaced or damaged; nothing was built`,
    next: `batchctl retrieve ${jobId}, then the same command again`,
  });
}

/** The line with another custom_id; every other byte stays. */
export function withId(line: string, customId: string): string {
  const span = memberSpans(line).find((member) => member.name === 'custom_id');
  if (span === undefined) throw new Error('a raw line without a custom_id was recorded');
  return `${line.slice(0, span.start)}${JSON.stringify(customId)}${line.slice(span.end)}`;
}
