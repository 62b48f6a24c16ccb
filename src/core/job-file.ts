import type { FailureClass } from './result.ts';
import type { Source } from './source.ts';
import type { SpendingRules } from './spending-rules.ts';
import type { Stage } from './stage.ts';

/** Values of the `anthropic-version` header that a job may name. Source: platform.claude.com/docs/en/api/versioning */
export const API_VERSIONS = ['2026-10-21', '2023-06-01'] as const;

/** What a job may be called. */
export const JOB_NAME = /^[A-Za-z0-9_-]{1,40}$/;

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
  /** Values of the `anthropic-beta` header of every create, token count and message of the job. */
  readonly betas: readonly string[];
  readonly source: Source;
  /** Variable → path template, relative to `dir`. */
  readonly files: Readonly<Record<string, string>>;
  /** Column → the values to keep, as text. */
  readonly select: Readonly<Record<string, readonly string[]>>;
  /** Template of the custom_id. */
  readonly id: string | null;
  /** The column whose value names a record's group; each group gets batches of its own. */
  readonly groupBy: string | null;
  /** In the order of the file, so that each stands after what it needs; a job without a list has one, `main`. */
  readonly stages: readonly Stage[];
  readonly spending: SpendingRules;
  /** Files with prompts and answers get mode 0600. */
  readonly private: boolean;
  /** What is sent again without being asked; null: nothing. */
  readonly retry: RetryRule | null;
  /** A command and its arguments, templates, run once the job is final; no shell. */
  readonly onEnd: readonly string[] | null;
  readonly git: GitCommit | null;
}

export interface RetryRule {
  /** How often a request may be sent in all, the first time included. */
  readonly attempts: number;
  readonly on: readonly FailureClass[];
}

export interface GitCommit {
  /** Template of the message. */
  readonly message: string;
  /** One commit for all outputs of the job, or one for each. */
  readonly per: 'job' | 'output';
}
