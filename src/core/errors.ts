/**
 * The seven ways in which a job cannot go on. A request that fails is a row, not an exception.
 *
 * Each error says what happened (`message`), why (`why`) and what to do next (`next`); `code` is stable and is
 * what tests and scripts look at. Exit codes belong to the command line alone (cli/report-error.ts).
 * Keys and prompt text never enter a message.
 */
export interface ErrorFacts {
  /** Stable, lower_snake_case. */
  readonly code: string;
  /** The cause in words, with ids and paths in full. */
  readonly why?: string;
  /** One command or action that gets the user on. Required, so that no error leaves a user alone. */
  readonly next: string;
  readonly cause?: unknown;
}

abstract class BatchctlError extends Error {
  readonly code: string;
  readonly why: string | null;
  readonly next: string;

  constructor(message: string, facts: ErrorFacts) {
    super(message, { cause: facts.cause });
    this.name = new.target.name;
    this.code = facts.code;
    this.why = facts.why ?? null;
    this.next = facts.next;
  }
}

/** A wrong flag, argument or configuration. */
export class UsageError extends BatchctlError {}

/** One thing that is wrong with the user's data, and where. `line` counts from 1; null where there are no lines. */
export interface InputProblem {
  readonly file: string;
  readonly line: number | null;
  readonly problem: string;
}

/** Records that cannot become valid requests. Nothing was sent. */
export class InputError extends BatchctlError {
  /** The first of them, in input order; at most 20 are kept. */
  readonly problems: readonly InputProblem[];
  /** How many there are in all, those not kept included. */
  readonly count: number;

  constructor(
    message: string,
    facts: ErrorFacts & { readonly problems: readonly InputProblem[]; readonly count: number },
  ) {
    super(message, facts);
    this.problems = facts.problems;
    this.count = facts.count;
  }
}

/** The key is missing or was refused. */
export class AuthError extends BatchctlError {}

/** The API refused, or stayed out of reach after retries. */
export class ProviderError extends BatchctlError {
  /** HTTP status; null when no answer came. */
  readonly status: number | null;
  readonly requestId: string | null;
  /** Whether the same call may succeed later. Says nothing about whether a create took effect. */
  readonly retryable: boolean;
  /** From `retry-after`, in milliseconds; null when the server did not say. */
  readonly retryAfterMs: number | null;

  constructor(
    message: string,
    facts: ErrorFacts & {
      readonly status: number | null;
      readonly requestId?: string | null;
      readonly retryable?: boolean;
      readonly retryAfterMs?: number | null;
    },
  ) {
    super(message, facts);
    this.status = facts.status;
    this.requestId = facts.requestId ?? null;
    this.retryable = facts.retryable ?? false;
    this.retryAfterMs = facts.retryAfterMs ?? null;
  }
}

/** The store or the disk: locked by another run, newer than this program, damaged, full. */
export class StoreError extends BatchctlError {}

/** Only the user can decide: over a limit on spending, or a submission in doubt. */
export class DecisionError extends BatchctlError {}

/** The work was stopped and can be carried on: SIGINT or SIGTERM arrived, or a caller of the library gave it up. */
export class InterruptedError extends BatchctlError {
  /** Null: no signal of the system; `cause` is the reason of the AbortSignal, if there was one. */
  readonly signal: 'SIGINT' | 'SIGTERM' | null;

  constructor(message: string, facts: ErrorFacts & { readonly signal: 'SIGINT' | 'SIGTERM' | null }) {
    super(message, facts);
    this.signal = facts.signal;
  }
}

export type KnownError =
  | UsageError
  | InputError
  | AuthError
  | ProviderError
  | StoreError
  | DecisionError
  | InterruptedError;

export function isKnownError(error: unknown): error is KnownError {
  return error instanceof BatchctlError;
}
