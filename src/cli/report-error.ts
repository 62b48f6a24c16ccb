import { CommanderError } from 'commander';
import {
  AuthError,
  DecisionError,
  InputError,
  type InputProblem,
  InterruptedError,
  isKnownError,
  type KnownError,
  ProviderError,
  StoreError,
  UsageError,
} from '../core/errors.ts';
import { escapeJson, escapeLines, escapeText, hideKeys } from '../core/escape.ts';
import { explainForeignError } from './foreign-error.ts';
import { explainSystemError } from './system-error.ts';
import type { Paint } from './terminal.ts';

/** How a command ended that did not throw. */
export type Verdict = 'done' | 'failed_rows' | 'pending';

/** Codes are added, never renumbered. Described in docs/exit-codes.md. */
const VERDICT_CODES: Readonly<Record<Verdict, number>> = { done: 0, failed_rows: 3, pending: 8 };
const BUG = 1;
const PROBLEMS_SHOWN = 20;

export function exitCodeOf(ending: Verdict | KnownError | 'bug'): number {
  if (ending === 'bug') return BUG;
  if (typeof ending === 'string') return VERDICT_CODES[ending];
  if (ending instanceof UsageError || ending instanceof InputError) return 2;
  if (ending instanceof AuthError) return 4;
  if (ending instanceof ProviderError) return 5;
  if (ending instanceof StoreError) return 6;
  if (ending instanceof DecisionError) return 7;
  return ending instanceof InterruptedError && ending.signal === 'SIGTERM' ? 143 : 130;
}

/** The facts of an error, the same on the screen and in `--json`. */
export interface ErrorReport {
  readonly exitCode: number;
  readonly code: string;
  readonly message: string;
  readonly why: string | null;
  readonly next: string;
  readonly problems?: readonly InputProblem[];
  readonly count?: number;
}

export function describeError(thrown: unknown): ErrorReport {
  const error =
    thrown instanceof CommanderError
      ? explainCommander(thrown)
      : explainForeignError(explainSystemError(thrown));
  if (!isKnownError(error)) return describeBug(error);
  return {
    exitCode: exitCodeOf(error),
    code: error.code,
    message: hideKeys(error.message),
    why: error.why === null ? null : hideKeys(error.why),
    next: hideKeys(error.next),
    ...(error instanceof InputError
      ? { problems: error.problems.slice(0, PROBLEMS_SHOWN).map(withoutKeys), count: error.count }
      : {}),
  };
}

function withoutKeys({ file, line, problem }: InputProblem): InputProblem {
  return { file, line, problem: hideKeys(problem) };
}

function describeBug(error: unknown): ErrorReport {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    exitCode: exitCodeOf('bug'),
    code: 'bug',
    message: 'batchctl met a fault of its own; what was sent or saved before it is safe',
    why: hideKeys(stack),
    next: 'report these lines to the maintainers of batchctl, then run the command again',
  };
}

/** Commander words its errors as `error: …`, sometimes with a suggestion on a line of its own. */
function explainCommander(error: CommanderError): UsageError {
  const [message = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const why = suggestion?.replace(/^\(|\)$/g, '');
  return new UsageError(message, {
    code: 'wrong_usage',
    ...(why === undefined ? {} : { why }),
    next: 'batchctl help, or --help after a command',
    cause: error,
  });
}

/** Three lines for a person: what happened, why, what to do next. */
export function formatReport(report: ErrorReport, paint: Paint): string {
  const lines = [`${paint('red', 'error:')} ${escapeText(report.message)}`];
  for (const { file, line, problem } of report.problems ?? []) {
    const place = line === null ? file : `${file}:${line}`;
    lines.push(`  ${escapeText(`${place}: ${problem}`)}`);
  }
  const more = (report.count ?? 0) - (report.problems?.length ?? 0);
  if (more > 0) lines.push(`  … and ${more} more`);
  if (report.why !== null) lines.push(`${paint('dim', '  why:')} ${indent(escapeLines(report.why))}`);
  lines.push(`${paint('dim', ' next:')} ${indent(escapeLines(report.next))}`);
  return `${lines.join('\n')}\n`;
}

function indent(text: string): string {
  return text.replaceAll('\n', '\n       ');
}

/** The same facts as one line of JSON. */
export function formatReportJson(report: ErrorReport): string {
  const { exitCode: _exitCode, ...error } = report;
  return `${escapeJson(JSON.stringify({ error }))}\n`;
}
