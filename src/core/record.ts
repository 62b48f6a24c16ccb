import type { EncodedFiles } from './encoded-files.ts';

/** Where a record came from: a path as the user wrote it, and a line counted from 1 where there are lines. */
export interface Location {
  readonly file: string;
  readonly line: number | null;
}

/** One item of the user's local data, before it becomes a request. */
export interface SourceRecord {
  readonly kind: 'record';
  /** Column → value, in the order of the data. Null-prototype, so that a column may be called `constructor`. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Where the source has it as JSON; not kept with a record that is held for long. */
  readonly written?: WrittenRecord;
  readonly at: Location;
}

/** A record as one line of JSON, as its source has it. */
export interface WrittenRecord {
  readonly text: string;
  /** The same in UTF-8: a view of what was read from the file, all of which it keeps in memory. */
  readonly bytes: Uint8Array;
  /** The JSON of some of the columns: exactly what JSON.stringify makes of them. */
  readonly columns: ColumnsJson;
  /** Of the texts among them the longest, where most of the line is this one. */
  readonly longest: KnownText | undefined;
}

/** Column → JSON; null-prototype. */
export type ColumnsJson = Readonly<Record<string, string>>;

/** What stands in a JSON string, and the same in UTF-8. */
export interface KnownText {
  readonly text: string;
  readonly bytes: Uint8Array;
}

/** An item that cannot be a record (a ragged row, a line that is not JSON). The source goes on after it. */
export interface SourceProblem {
  readonly kind: 'problem';
  readonly problem: string;
  readonly at: Location;
}

/** A ready-made request line (`source: {requests: …}`), checked but not changed. */
export interface SourceReady {
  readonly kind: 'ready';
  /** As written; it may still need to be made legal. */
  readonly customId: string;
  /** The text of `params` exactly as it stands in the line. */
  readonly paramsJson: string;
  /** The same, parsed, for checks only: big integers in it are not exact. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly at: Location;
}

export type SourceItem = SourceRecord | SourceReady | SourceProblem;

/**
 * Local data as a stream. Chunks hold up to some thousand items, in the order of the data; memory does not grow
 * with it. May be read more than once, but for standard input, which is refused then. Throws InputError when the whole
 * source cannot be used (not there, not UTF-8 text, changed while it was read, no records at all); a bad record is an
 * item and does not end the stream.
 */
export interface RecordSource {
  items(signal: AbortSignal): AsyncIterable<readonly SourceItem[]>;
  /** How many blank lines the last reading has passed over so far, where a blank line is no record. */
  skipped?(): number;
}

/**
 * Text files named relative to the job file, confined to the workspace. Throws InputError when a file is missing,
 * outside, too large or not UTF-8. Reads of the same path are cached up to a bound in bytes.
 */
export interface TextReader {
  read(path: string): Promise<string>;
}

/** Files that answers were written to. Paths are relative to the workspace; nothing outside is there. */
export interface OutputTexts {
  exists(path: string): boolean;
  /** Throws InputError as TextReader does. */
  read(path: string): Promise<string>;
}

/** A record rendered into what the API takes, before it has a shard. */
export interface RenderedRequest {
  /** Position among the records that were kept, from 1; the number on the wire. */
  readonly seq: number;
  /** The id that users see: legal (1-64 of A-Z a-z 0-9 _ -), stable over rebuilds. */
  readonly customId: string;
  /** The user's own key where it had to be changed to be legal, else null. */
  readonly originalId: string | null;
  /** Of its line in records.jsonl. */
  readonly record: RecordText;
  readonly group: string | null;
  /** One for each stage of the job, in its order. */
  readonly stages: readonly RenderedStage[];
  readonly at: Location;
}

/** The columns of a record as JSON, an object. */
export interface RecordText {
  readonly json: string;
  /** The same in UTF-8, where it is known; held as long as in WrittenRecord. */
  readonly bytes?: Uint8Array | undefined;
  /** A text that may stand in the requests too. */
  readonly longest?: KnownText | undefined;
}

/** What one stage makes of a record. */
export interface RenderedStage {
  /** The `params` of the request as JSON text, exactly as it goes on the wire; null while it waits for other stages. */
  readonly paramsJson: string | null;
  /** Where the answer goes, relative to the workspace; null means the default place. */
  readonly outputPath: string | null;
  /** What of `paramsJson` are files; absent: nothing. */
  readonly attached?: EncodedFiles;
}

export interface RenderProblem extends SourceProblem {}

export type RenderItem = ({ readonly kind: 'request' } & RenderedRequest) | RenderProblem;
