import { isKnownError, type KnownError, StoreError } from '../core/errors.ts';
import { exitCodeOf } from './report-error.ts';
import { explainSystemError } from './system-error.ts';

/** One thing that `doctor` looked at. */
export interface Finding {
  readonly check: string;
  readonly level: 'ok' | 'note' | 'bad';
  readonly detail: string;
  /** A command or an action; null where there is nothing to do. */
  readonly next: string | null;
  /** What the program leaves with; null unless the level is `bad`. */
  readonly error: KnownError | null;
}

export const ok = (name: string, detail: string): Finding => ({
  check: name,
  level: 'ok',
  detail,
  next: null,
  error: null,
});

export const note = (name: string, detail: string, next: string | null = null): Finding => ({
  check: name,
  level: 'note',
  detail,
  next,
  error: null,
});

export function bad(name: string, error: KnownError): Finding {
  const detail = error.why === null ? error.message : `${error.message}: ${error.why}`;
  return { check: name, level: 'bad', detail, next: error.next, error };
}

/** What is wrong with the store or a file of the workspace. */
export function badFile(
  name: string,
  message: string,
  facts: { readonly code: string; readonly next: string },
): Finding {
  return bad(name, new StoreError(message, facts));
}

/** A look that may fail: what it says, or why it could not be done. */
export async function check(name: string, look: () => Promise<string>): Promise<Finding> {
  try {
    return ok(name, await look());
  } catch (thrown) {
    const error = explainSystemError(thrown);
    if (!isKnownError(error)) throw error;
    return bad(name, error);
  }
}

/** Without a store nothing works, a decision keeps a job from going on, without a key nothing is sent. */
const WORST_FIRST = [6, 7, 4, 5, 2];

/** The error that the program leaves with; null where nothing is bad. */
export function worstOf(findings: readonly Finding[]): KnownError | null {
  const errors = findings.flatMap(({ error }) => (error === null ? [] : [error]));
  const rank = (error: KnownError): number => WORST_FIRST.indexOf(exitCodeOf(error));
  return errors.sort((a, b) => rank(a) - rank(b))[0] ?? null;
}

/** The first few of a list, and how many there are beyond. */
export function firstFew(texts: readonly string[], most = 3): string {
  const more = texts.length - most;
  return more > 0 ? `${texts.slice(0, most).join(', ')} and ${more} more` : texts.join(', ');
}
