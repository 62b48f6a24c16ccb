import { StoreError } from '../core/errors.ts';
import type { Judgement } from '../core/judge.ts';
import type { JobFiles } from '../core/ports/files.ts';
import type { RowView } from '../core/ports/store.ts';
import { contentOf } from '../core/result-row.ts';

/** A good row: its answer goes to a file of its own. */
export function isGood(row: Pick<Judgement, 'failure'> & { readonly status: string | null }): boolean {
  return row.status === 'succeeded' && row.failure === null;
}

/** Where the answer of a row goes, relative to the workspace. */
export function outputPathOf(
  row: Pick<RowView, 'outputPath' | 'stage' | 'customId'>,
  resultsDir: string,
): string {
  return row.outputPath ?? `${resultsDir}/out/${row.stage}/${row.customId}.md`;
}

/**
 * What a file holds: the text as it came, ended by a newline since it is a text file. An answer without any text but
 * with other blocks (a call of a tool) is its content blocks as JSON.
 */
export function outputContent(answer: Judgement, line: string): string {
  const text = answer.text ?? '';
  const content = text === '' && answer.hasOtherBlocks ? (contentOf(line) ?? '') : text;
  return content === '' || content.endsWith('\n') ? content : `${content}\n`;
}

/**
 * Writes the answer of one good row. It can be made again from the raw results, so nothing is fsynced.
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
    files.replace(path, content, { private: options.private, durable: false });
    return null;
  } catch (error) {
    if (!(error instanceof StoreError) || !ROWS_OWN_TROUBLE.has(error.code)) throw error;
    return `${error.message}: ${error.why ?? 'refused'}`;
  }
}

const ROWS_OWN_TROUBLE: ReadonlySet<string> = new Set(['path_outside', 'path_refused']);
