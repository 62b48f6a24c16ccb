import type { Estimate } from './estimate.ts';
import type { MicroUsd } from './money.ts';
import type { FailureClass } from './result.ts';

/** A job whose first answers are looked at before the rest is sent. Kept with the job. */
export interface Pilot {
  /** Requests of the sample, for each stage that needs no other. */
  readonly requests: number;
  /** 0 to 1; at least this share of them must be good for the rest to go by itself. Null: somebody is asked. */
  readonly minSuccess: number | null;
  /** RFC 3339; null until the rest may go. */
  readonly approvedAt: string | null;
}

/** What the answers of a pilot say of the rest. */
export interface PilotVerdict {
  readonly jobId: string;
  readonly requests: number;
  /** Answered, whole, and as their schema asks. */
  readonly good: number;
  readonly failures: Readonly<Partial<Record<FailureClass, number>>>;
  /** 0 to 1. */
  readonly successRate: number;
  readonly minSuccess: number | null;
  /** Of those that were answered; null when none was. */
  readonly tokens: PilotTokens | null;
  /** Null: some of it has no price. */
  readonly cost: MicroUsd | null;
  /** Of the rest, now that there are answers. */
  readonly estimate: Estimate;
  /** What the rest is likely to cost the way that the job goes; null: some of it has no price. */
  readonly rest: MicroUsd | null;
  /** The first good answer; null when there is none. Cut, where it is very long. */
  readonly sample: { readonly customId: string; readonly text: string } | null;
  /** The success that was asked for is there; false also when none was asked for. */
  readonly holds: boolean;
  /** The rest is likely to pass the budget, or nobody can tell. */
  readonly overBudget: boolean;
}

/** Of one answer. */
export interface PilotTokens {
  /** All of the prompt, cached or not. */
  readonly meanInput: number;
  readonly meanOutput: number;
  readonly mostOutput: number;
}

/** A share as a percentage, never rounded up to what was asked for: `94.9 %`. */
export function formatShare(share: number): string {
  // What 57 % is as a double times 1,000 is just below 570.
  return `${Math.floor(share * 1000 + 1e-6) / 10} %`;
}
