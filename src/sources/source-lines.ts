import { isUtf8 } from 'node:buffer';
import { type ByteLine, createLineSplitter } from '../core/lines.ts';
import type { SourceItem, SourceProblem } from '../core/record.ts';
import { findInvalidUtf8 } from '../core/utf8.ts';
import { openSourceFile } from './source-file.ts';
import type { SourcePlace } from './source-path.ts';

/** The longest line that is held: a request has at most 32 MB, and its line a little more. */
export const MAX_LINE_BYTES = 33_554_432;

/** What a line of a JSONL file becomes; null for a line that does not count. */
type ReadLine = (text: string, at: { readonly file: string; readonly line: number }) => SourceItem;

/**
 * Reads a JSONL file line by line, a chunk of items per chunk of bytes. Blank lines are skipped; a line that is too
 * long or not UTF-8 is a problem of its own.
 */
export async function* readSourceLines(
  file: string,
  place: SourcePlace,
  readLine: ReadLine,
  signal: AbortSignal,
): AsyncGenerator<readonly SourceItem[]> {
  const source = await openSourceFile(file, place);
  const toItems = (lines: readonly ByteLine[]): SourceItem[] => {
    const items: SourceItem[] = [];
    for (const line of lines) {
      const item = itemOf(line, source.startOffset);
      if (item !== null) items.push(item);
    }
    return items;
  };
  const itemOf = (line: ByteLine, startOffset: number): SourceItem | null => {
    const at = { file, line: line.number };
    if (line.bytes === null)
      return problemAt(
        at,
        `the line has ${line.sizeBytes.toLocaleString('en-US')} bytes, more than ${MAX_LINE_BYTES.toLocaleString('en-US')}`,
      );
    if (!isUtf8(line.bytes)) {
      const offset = startOffset + line.offset + findInvalidUtf8(line.bytes);
      return problemAt(
        at,
        `not UTF-8 at byte ${offset} of the file; convert it: iconv -f WINDOWS-1252 -t UTF-8`,
      );
    }
    const text = line.bytes.toString('utf8');
    return isBlank(text) ? null : readLine(text, at);
  };
  try {
    const splitter = createLineSplitter(MAX_LINE_BYTES);
    for await (const chunk of source.chunks(signal)) {
      const items = toItems(splitter.push(chunk));
      if (items.length > 0) yield items;
    }
    const last = toItems(splitter.end());
    if (last.length > 0) yield last;
  } finally {
    await source.close();
  }
}

function isBlank(text: string): boolean {
  const code = text.charCodeAt(0);
  // Most lines begin with a bracket.
  return code !== 0x7b && code !== 0x5b && text.trim() === '';
}

function problemAt(at: { readonly file: string; readonly line: number }, problem: string): SourceProblem {
  return { kind: 'problem', problem, at };
}
