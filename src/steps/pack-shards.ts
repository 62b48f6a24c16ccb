import type { AttachedText } from '../core/measure-request.ts';
import type { HashedFile, JobFiles } from '../core/ports/files.ts';
import { shardPath } from '../core/ports/files.ts';
import type { JobStore } from '../core/ports/store.ts';
import type { ClosedShard } from '../core/ports/store-views.ts';
import { bodyBytesOf, closesBefore, type Shard, type ShardLimits } from '../core/shard.ts';
import { SizeCounter } from '../core/size-counter.ts';
import { makeNonce, wireId } from '../core/wire-id.ts';

/** Writes request lines into shard files, opening and closing them as they fill; each group has shards of its own. */
export interface ShardPacker {
  /** Appends the request to the open shard of its group, or to a new one. */
  add(request: PackedRequest): Promise<PackedPlace>;
  /** Shards that have been closed since the last call. Complete once the rows of all requests added are in the store. */
  takeFull(): readonly ClosedShard[];
  /** Closes what is open. */
  close(): void;
  /** Removes the files that are open. */
  discard(): void;
}

export interface PackedRequest {
  readonly customId: string;
  readonly seq: number;
  readonly paramsJson: string;
  /** The same in UTF-8, where it is known already. */
  readonly paramsBytes?: Uint8Array;
  readonly group: string | null;
  /** As RenderedStage has it. */
  readonly attached?: AttachedText | undefined;
}

export interface PackedPlace {
  /** In the store. */
  readonly shardId: number;
  readonly number: number;
  readonly nonce: string;
}

export interface PackingPlace {
  readonly store: JobStore;
  readonly files: JobFiles;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly jobId: string;
  readonly stageId: number;
  readonly stage: string;
  readonly private: boolean;
  readonly limits: ShardLimits;
  readonly origin: Shard['origin'];
  readonly route: Shard['route'];
  /** The next free number of the stage; a number is never given twice. */
  readonly nextNumber: () => number;
}

/**
 * A group may go on anywhere in the data, so each keeps a shard open, but not its file: of more groups than this the lines
 * wait until there are MAX_WAITING characters of them in all, and are written file by file then. Opening a file for each
 * line takes twice the time (100,000 lines of 1 KB in 500 groups by turns: 2.3 s against 1.0 s, measured 2026-11), and four
 * times as many characters save little more and cost 70 MB.
 */
const MAX_OPEN_FILES = 16;
const MAX_WAITING = 2_000_000;

interface OpenShard {
  readonly id: number;
  readonly number: number;
  readonly nonce: string;
  readonly file: HashedFile;
  /** Lines that are not in the file yet. */
  waiting: string;
  requests: number;
  fileBytes: number;
  readonly sizes: SizeCounter;
}

export function packShards(place: PackingPlace): ShardPacker {
  const closedCounts = new Set<number>();
  const full: ClosedShard[] = [];
  const open = new Map<string | null, OpenShard>();
  let waiting = 0;

  async function openNext(group: string | null): Promise<OpenShard> {
    const number = place.nextNumber();
    const nonce = makeNonce(place.randomBytes(8));
    const { origin, route } = place;
    const id = await place.store.openShard(place.stageId, { number, group, nonce, origin, route });
    const path = shardPath(place.files.requestsDir(place.jobId), place.stage, number);
    const file = place.files.createHashed(path, { private: place.private });
    if (open.size >= MAX_OPEN_FILES) file.park();
    return { id, number, nonce, file, waiting: '', requests: 0, fileBytes: 0, sizes: new SizeCounter() };
  }

  function closeOne(shard: OpenShard): void {
    writeWaiting(shard);
    const { bytes, sha256 } = shard.file.finish();
    full.push({
      id: shard.id,
      requests: shard.requests,
      bodyBytes: bodyBytesOf(bytes),
      fileSha256: sha256,
      sizes: shard.sizes.sizes(),
    });
    closedCounts.add(shard.requests);
  }

  function writeWaiting(shard: OpenShard): void {
    if (shard.waiting === '') return;
    waiting -= shard.waiting.length;
    shard.file.write(shard.waiting);
    shard.waiting = '';
  }

  function append(shard: OpenShard, head: string, paramsJson: string, paramsBytes: Uint8Array): void {
    if (open.size <= MAX_OPEN_FILES) {
      shard.file.write(head);
      shard.file.writeBytes(paramsBytes);
      shard.file.write(LINE_END);
      return;
    }
    const line = head + paramsJson + LINE_END;
    shard.waiting += line;
    waiting += line.length;
    if (waiting < MAX_WAITING) return;
    for (const one of open.values()) {
      writeWaiting(one);
      one.file.park();
    }
  }

  return {
    async add(request) {
      const { group, paramsJson, paramsBytes = Buffer.from(paramsJson) } = request;
      let shard = open.get(group) ?? (await openNext(group));
      let head = lineHead(request, shard.nonce);
      // Ids are ASCII.
      const bytes = head.length + paramsBytes.length + LINE_END.length;
      if (closesBefore(shard, bytes, closedCounts, place.limits)) {
        closeOne(shard);
        shard = await openNext(group);
        head = lineHead(request, shard.nonce); // as long as before: nonces have one length
      }
      open.set(group, shard);
      append(shard, head, paramsJson, paramsBytes);
      const linePlace = { offset: shard.fileBytes, length: bytes - 1 };
      shard.sizes.add(paramsJson, linePlace, request.attached, paramsBytes.length);
      shard.requests += 1;
      shard.fileBytes += bytes;
      return { shardId: shard.id, number: shard.number, nonce: shard.nonce };
    },
    takeFull: () => full.splice(0),
    close() {
      for (const [group, shard] of open) {
        closeOne(shard);
        open.delete(group);
      }
    },
    discard() {
      for (const { file } of open.values()) file.discard();
      open.clear();
      waiting = 0;
    },
  };
}

const LINE_END = '}\n';

function lineHead(request: PackedRequest, nonce: string): string {
  return `{"custom_id":"${wireId(request.customId, nonce, request.seq)}","params":`;
}
