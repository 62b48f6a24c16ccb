import type { Axis } from './axes.ts';

/** Values of the `anthropic-version` header that a job may name. Source: platform.claude.com/docs/en/api/versioning */
export const API_VERSIONS = ['2026-10-21', '2023-06-01'] as const;

export type ApiVersion = (typeof API_VERSIONS)[number];

/** A job file after validation: what a job is, and nothing about where it has got to. */
export interface JobFile {
  /** Letters, digits, - and _ (1-40): the beginning of the job's id. */
  readonly name: string;
  /** The file this came from, relative to the workspace with `/`: a job file, or the lines of a bare submit. */
  readonly path: string;
  /** The folder that paths in the job are relative to, relative to the workspace with `/`; '' is the workspace. */
  readonly dir: string;
  readonly apiVersion: ApiVersion;
  readonly source: Source;
  /** Null only for ready-made requests, which bring their own; likewise `maxTokens` and `prompt`. */
  readonly model: string | null;
  readonly maxTokens: number | null;
  /** Further Messages parameters, in the order of the job file. */
  readonly params: Readonly<Record<string, unknown>>;
  /** Variable → path template, relative to `dir`. */
  readonly files: Readonly<Record<string, string>>;
  /** Column → the values to keep, as text. */
  readonly select: Readonly<Record<string, readonly string[]>>;
  /** Template of the custom_id. */
  readonly id: string | null;
  readonly system: SystemPrompt | null;
  readonly prompt: PromptText | null;
  /** Template of the path of an answer, relative to `dir`. */
  readonly output: string | null;
  /** Files with prompts and answers get mode 0600. */
  readonly private: boolean;
}

/** A template: written in the job file, or in a file named relative to `dir`. */
export type PromptText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'file'; readonly file: string };

export interface SystemPrompt {
  readonly content: PromptText;
  /** How long the prompt cache keeps it; null means no cache mark. */
  readonly cache: '5m' | '1h' | null;
}

/** Where records come from. Paths are relative to `dir`, as the user wrote them. */
export type Source =
  | { readonly kind: 'csv' | 'jsonl' | 'json' | 'requests'; readonly path: string }
  | { readonly kind: 'axes'; readonly axes: readonly Axis[] }
  | { readonly kind: 'dir'; readonly glob: string; readonly meta: string | null };
