import { StoreError } from '../core/errors.ts';
import { prettyJson } from '../core/json-text.ts';
import type { Judgement } from '../core/judge.ts';
import { defaultOutputPath } from '../core/output-place.ts';
import type { JobFiles } from '../core/ports/files.ts';
import type { RowView } from '../core/ports/store-views.ts';
import { contentOf } from '../core/result-row.ts';
import type { StageAnswer } from '../core/stage-answer.ts';

/** A good row with its answer, as its output is made from it. */
export interface AnsweredRow {
  readonly seq: number;
  readonly customId: string;
  readonly stage: string;
  readonly group: string | null;
  /** Of its line in records.jsonl. */
  readonly recordOffset: number;
  readonly recordLength: number;
  readonly judgement: Judgement;
  /** The raw line. */
  readonly line: string;
}

/** What an output is made from beside the answer itself. */
export interface OutputSources {
  /** The line of records.jsonl. */
  readonly recordLine: string;
  /** Answers of the stages that its stage needs. */
  readonly needs: Readonly<Record<string, StageAnswer>>;
}

/** What a file holds; null: no file. @throws OutputProblem */
export type MakeOutput = (row: AnsweredRow, sources: OutputSources) => Promise<string | null>;

/** What keeps the output of one row from being made; a sentence. That is the row's trouble alone. */
export class OutputProblem extends Error {}

/** A good row: its answer goes to a file of its own. */
export function isGood(row: Pick<Judgement, 'failure'> & { readonly status: string | null }): boolean {
  return row.status === 'succeeded' && row.failure === null;
}

/** Where the answer of a row goes, relative to the workspace. */
export function outputPathOf(
  row: Pick<RowView, 'outputPath' | 'stage' | 'customId'>,
  resultsDir: string,
): string {
  return row.outputPath ?? defaultOutputPath(resultsDir, row.stage, row.customId);
}

/**
 * What a file holds where the job file does not say: the JSON of a structured answer, pretty, or else the text as it came.
 * An answer without any text but with other blocks (a call of a tool) is its content blocks as JSON.
 */
export function outputContent(answer: Judgement, line: string): string {
  if (answer.jsonText !== null) return prettyJson(answer.jsonText);
  const text = answer.text ?? '';
  return text === '' && answer.hasOtherBlocks ? (contentOf(line) ?? '') : text;
}

/** A text file ends in a newline, but for an empty one. */
export function asFile(content: string): string {
  return content === '' || content.endsWith('\n') ? content : `${content}\n`;
}

/**
 * Writes the output of one good row, ended by a newline since it is a text file. It can be made again from the raw results,
 * so nothing is fsynced.
 *
 * @returns null, or why this path cannot be written: it leads out of the workspace through a link, or something else
 * stands there. That is the row's trouble alone. @throws StoreError when the disk is full, broken or closed to us.
 */
export function writeOutput(
  files: JobFiles,
  path: string,
  content: string,
  options: { readonly private: boolean },
): string | null {
  try {
    files.replace(path, asFile(content), { private: options.private, durable: false });
    return null;
  } catch (error) {
    if (!(error instanceof StoreError) || !ROWS_OWN_TROUBLE.has(error.code)) throw error;
    return `${error.message}: ${error.why ?? 'refused'}`;
  }
}

const ROWS_OWN_TROUBLE: ReadonlySet<string> = new Set(['path_outside', 'path_refused']);
