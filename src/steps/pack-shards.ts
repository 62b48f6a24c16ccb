import type { JobFiles, NewFile } from '../core/ports/files.ts';
import { shardPath } from '../core/ports/files.ts';
import type { JobStore } from '../core/ports/store.ts';
import { bodyBytesOf, closesBefore, type ShardLimits } from '../core/shard.ts';
import { makeNonce, wireId } from '../core/wire-id.ts';

/** Writes request lines into shard files, opening and closing them as they fill. */
export interface ShardPacker {
  /** Appends the request to the open shard, or to a new one; returns the shard's id in the store. */
  add(request: {
    readonly customId: string;
    readonly seq: number;
    readonly paramsJson: string;
  }): Promise<number>;
  /** Records the shards that are full. Called when the rows of all requests added so far are in the store. */
  recordFull(): Promise<void>;
  /** Closes the last shard and records it; returns how many there are. */
  close(): Promise<number>;
  /** Removes the file that is open. */
  discard(): void;
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
}

interface OpenShard {
  readonly id: number;
  readonly nonce: string;
  readonly file: NewFile;
  requests: number;
  fileBytes: number;
}

export function packShards(place: PackingPlace): ShardPacker {
  const closed = new Set<number>();
  const full: {
    readonly id: number;
    readonly requests: number;
    readonly bodyBytes: number;
    readonly fileSha256: string;
  }[] = [];
  let shards = 0;
  let open: OpenShard | null = null;

  async function openNext(): Promise<OpenShard> {
    shards += 1;
    const nonce = makeNonce(place.randomBytes(8));
    const id = await place.store.openShard(place.stageId, { number: shards, group: null, nonce });
    const path = shardPath(place.files.requestsDir(place.jobId), place.stage, shards);
    const file = place.files.create(path, { private: place.private });
    return { id, nonce, file, requests: 0, fileBytes: 0 };
  }

  function closeOpen(shard: OpenShard): void {
    const { bytes, sha256 } = shard.file.finish();
    full.push({ id: shard.id, requests: shard.requests, bodyBytes: bodyBytesOf(bytes), fileSha256: sha256 });
    closed.add(shard.requests);
  }

  async function recordFull(): Promise<void> {
    for (const { id, ...facts } of full.splice(0)) await place.store.closeShard(id, facts);
  }

  return {
    async add(request) {
      open ??= await openNext();
      let line = requestLine(request, open.nonce);
      const bytes = Buffer.byteLength(line);
      if (closesBefore(open, bytes, closed, place.limits)) {
        closeOpen(open);
        open = await openNext();
        line = requestLine(request, open.nonce); // as long as before: nonces have one length
      }
      open.file.write(line);
      open.requests += 1;
      open.fileBytes += bytes;
      return open.id;
    },
    recordFull,
    async close() {
      if (open !== null) closeOpen(open);
      open = null;
      await recordFull();
      return shards;
    },
    discard() {
      open?.file.discard();
      open = null;
    },
  };
}

function requestLine(request: { customId: string; seq: number; paramsJson: string }, nonce: string): string {
  return `{"custom_id":"${wireId(request.customId, nonce, request.seq)}","params":${request.paramsJson}}\n`;
}
