import type { Shard } from '../shard.ts';
import type { LoadedModule } from './modules.ts';

/** A file that is written once, in order, under a temporary name. */
export interface NewFile {
  /** Appends; buffered, so that a call a line is cheap. @throws StoreError when the disk refuses. */
  write(text: string): void;
  writeBytes(bytes: Uint8Array): void;
  readonly bytes: number;
  /** Lets go of its buffer and its descriptor until the next write. */
  park(): void;
  /** fsync, rename to the final name, fsync of the folder. */
  finish(): { readonly bytes: number };
  /** Removes what was written, may be called at any time; does nothing once `finish` has given the file its name. */
  discard(): void;
}

/** One that others will ask whether it is still the same. Hashing takes a tenth of the time of writing a build. */
export interface HashedFile extends NewFile {
  finish(): { readonly bytes: number; readonly sha256: string };
}

/** A file of lines that grows over several runs, and gets its name once it is whole. */
export interface GrowingFile {
  /** Appends the line and its newline; not fsynced. @throws StoreError when the disk refuses. */
  append(line: string): void;
  /** fsync, if anything was appended since the last one. */
  sync(): void;
  /** fsync, rename to the final name, fsync of the folder. */
  finish(): void;
  /** fsync; keeps what was written for the next run. May be called twice, and after `finish`. */
  close(): void;
}

/** A line of a file: its text, and where it stands. Of a line beyond MAX_LINE_BYTES `text` is only the head. */
export interface Line {
  readonly text: string;
  readonly offset: number;
  /** Bytes without the newline. */
  readonly length: number;
}

/** Reads byte ranges of one file; close it when done. */
export interface RangeReader {
  read(offset: number, length: number): string;
  close(): void;
}

/** What stands in a folder. A link is neither file nor folder, wherever it leads. */
export interface FolderEntry {
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'other';
  /** Of a file; 0 of anything else. */
  readonly bytes: number;
}

/** The files of jobs in the workspace. Paths in and out are relative to it, with forward slashes. */
export interface JobFiles {
  /** Of batch_requests/<job id>/ and of batch_results/<job id>/. */
  requestsDir(jobId: string): string;
  resultsDir(jobId: string): string;
  /** A new file; folders are made. `private`: mode 0600, and 0700 for folders. */
  create(path: string, options: { readonly private: boolean }): NewFile;
  createHashed(path: string, options: { readonly private: boolean }): HashedFile;
  /**
   * Goes on with the file at `growingPath(path)`, or begins it; a torn last line, left by a kill, is cut off. A file that
   * has its final name already gets the other one again. One process at a time.
   */
  grow(path: string, options: { readonly private: boolean }): GrowingFile;
  /** Removes batch_requests/<job id>/ and batch_results/<job id>/ with all that is in them. */
  removeJob(jobId: string): void;
  /** batch_results/<job id>/ alone, likewise. */
  removeResults(jobId: string): void;
  remove(path: string): void;
  /** A file that holds exactly this text. Null: it holds another, and stays; else its bytes. */
  removeIfSame(path: string, text: string): number | null;
  /** An empty folder; one with something in it stays, and so does what is none. */
  removeFolder(path: string): void;
  /** What stands in a folder, in no order, one by one; nothing where there is no folder, or it leads out of the workspace. */
  entries(path: string): AsyncIterable<FolderEntry>;
  exists(path: string): boolean;
  size(path: string): number;
  /** Lines split on LF bytes, blank ones skipped. `text` is decoded as UTF-8. */
  lines(path: string): AsyncIterable<readonly Line[]>;
  open(path: string): RangeReader;
  /** The create body of a shard without its last two bytes; throws StoreError when the file is not the one built. */
  body(path: string, shard: Pick<Shard, 'bodyBytes' | 'fileSha256'>): AsyncIterable<Uint8Array>;
  /** A small file, whole: temporary name, rename; `durable` adds the two fsyncs. Folders are made. */
  replace(
    path: string,
    content: string,
    options: { readonly private: boolean; readonly durable: boolean },
  ): void;
  /** Appends one line and fsyncs. */
  append(path: string, line: string): void;
  sha256(path: string): Promise<string>;
  /** A JS or TS module of the user; `path` is relative to the folder `dir`. */
  loadModule(dir: string, path: string): Promise<LoadedModule>;
}

export const shardPath = (requestsDir: string, stage: string, number: number): string =>
  `${requestsDir}/${stage}-${String(number).padStart(4, '0')}.jsonl`;

/** What is kept of a shard file that was pruned: a line for each request, with the hash of what it asks. */
export const hashesPath = (requestsDir: string, stage: string, number: number): string =>
  shardPath(requestsDir, stage, number).replace(/\.jsonl$/, '.hashes.jsonl');

export const recordsPath = (requestsDir: string): string => `${requestsDir}/records.jsonl`;

/** What a lost database is made from again; see core/journal.ts. */
export const journalPath = (requestsDir: string): string => `${requestsDir}/journal.jsonl`;

/** Where each request's output is written, a line a record; only where the job file says so. */
export const outputsPath = (requestsDir: string): string => `${requestsDir}/outputs.jsonl`;

/** The job file as it was built, with all that it names. */
export const frozenPath = (requestsDir: string): string => `${requestsDir}/job.json`;

export const rawPath = (resultsDir: string, stage: string, number: number): string =>
  `${resultsDir}/${stage}-${String(number).padStart(4, '0')}.raw.jsonl`;

/** The raw results of a second batch of a shard; ids are opaque, and as part of a file name they must be plain. */
export const latePath = (resultsDir: string, stage: string, number: number, batchId: string): string =>
  `${rawPath(resultsDir, stage, number).replace(/\.raw\.jsonl$/, '')}.late-${batchId.replace(/[^\w.-]/g, '_')}.raw.jsonl`;

/** Where raw results stand as long as requests are asked one by one. */
export const growingPath = (path: string): string => `${path}.part`;
