import type { Axis } from './axes.ts';

/** How a text file says its characters; `latin1` is read as Windows-1252, as browsers do. */
export const ENCODINGS = ['utf8', 'utf16le', 'latin1', 'windows-1252'] as const;

export type Encoding = (typeof ENCODINGS)[number];

/**
 * Where records come from. Paths are relative to the job's `dir`, as the user wrote them. Each of `paths` may be a glob;
 * `-` is standard input where `STDIN_KINDS` has the kind.
 */
export type Source =
  | { readonly kind: 'jsonl' | 'json'; readonly paths: readonly string[] }
  | CsvSource
  | TextSource
  | ParquetSource
  | SqliteSource
  | ModuleSource
  | CommandSource
  | RequestsSource
  | GivenSource
  | { readonly kind: 'axes'; readonly axes: readonly Axis[] }
  | { readonly kind: 'dir'; readonly glob: string; readonly meta: string | null };

export interface CsvSource {
  readonly kind: 'csv';
  readonly paths: readonly string[];
  /** `auto` takes the one of comma, semicolon, tab and bar that stands most often in the header. */
  readonly delimiter: string;
  /** Null takes UTF-8, or UTF-16LE where the file begins with its mark. */
  readonly encoding: Encoding | null;
  /** Null: no character quotes a value. */
  readonly quote: string | null;
}

export interface TextSource {
  readonly kind: 'text';
  readonly paths: readonly string[];
  /** A paragraph is lines without a blank one between them. */
  readonly split: 'line' | 'paragraph';
}

export interface ParquetSource {
  readonly kind: 'parquet';
  readonly paths: readonly string[];
  /** Null: all of them. */
  readonly columns: readonly string[] | null;
}

export interface SqliteSource {
  readonly kind: 'sqlite';
  readonly path: string;
  readonly query: string;
}

export interface ModuleSource {
  readonly kind: 'module';
  readonly path: string;
  /** Null: the default export, else `records`. */
  readonly exportName: string | null;
}

export interface CommandSource {
  readonly kind: 'command';
  /** The program and its arguments. */
  readonly command: readonly [string, ...string[]];
}

/** Ready-made lines {"custom_id", "params"}. */
export interface RequestsSource {
  readonly kind: 'requests';
  readonly from:
    | { readonly kind: 'files'; readonly paths: readonly string[] }
    | ModuleSource
    | CommandSource
    | GivenSource;
}

/** Values that a program handed over when it built the job (src/library); no job file can say it. */
export interface GivenSource {
  readonly kind: 'given';
}

/** Standard input, where a path may stand. */
export const STDIN = '-';

/** Whether every record has the same columns, so that one that is missing is a mistake of the template. */
export function hasFixedColumns({ kind }: Source): boolean {
  return kind === 'csv' || kind === 'axes' || kind === 'text' || kind === 'sqlite' || kind === 'parquet';
}
