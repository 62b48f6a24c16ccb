import { isUtf8 } from 'node:buffer';
import { type ByteLine, createLineSplitter } from '../core/lines.ts';
import type { Location, RecordSource, SourceItem, SourceProblem } from '../core/record.ts';
import { findInvalidUtf8 } from '../core/utf8.ts';
import type { SourceFile } from './source-file.ts';

/** The longest line that is held: a request has at most 32 MB, and its line a little more. */
export const MAX_LINE_BYTES = 33_554_432;

/**
 * Where reading stops: a line that long is no line but bytes without end (a program that prints zeros, an archive that
 * unpacks to them).
 */
const MAX_PASSED_BYTES = 8 * MAX_LINE_BYTES;

/** What becomes of lines; null where nothing does yet. */
export interface LineReader {
  /** `bytes`: of the text, a view of what was read. */
  line(text: string, at: Location & { readonly line: number }, bytes: Uint8Array): SourceItem | null;
  blank(): SourceItem | null;
  end(): SourceItem | null;
}

/** A source of which every line is an item by itself; blank ones are passed over and counted. */
export function eachLine(
  line: LineReader['line'],
  read: (reader: LineReader, signal: AbortSignal) => AsyncIterable<readonly SourceItem[]>,
): RecordSource {
  let skipped = 0;
  const reader: LineReader = {
    line,
    blank: () => {
      skipped += 1;
      return null;
    },
    end: () => null,
  };
  return {
    items(signal) {
      skipped = 0;
      return read(reader, signal);
    },
    skipped: () => skipped,
  };
}

/**
 * Reads text line by line, a chunk of items per chunk of bytes, and closes it. A line that is too long or not UTF-8 is a
 * problem of its own. Returns whether it read to the end: after a line that has none there is nothing more.
 */
export async function* readSourceLines(
  source: SourceFile,
  reader: LineReader,
): AsyncGenerator<readonly SourceItem[], boolean> {
  const toItems = (lines: readonly ByteLine[]): SourceItem[] => {
    const items: SourceItem[] = [];
    for (const line of lines) {
      const item = itemOf(line);
      if (item !== null) items.push(item);
    }
    return items;
  };
  const itemOf = (line: ByteLine): SourceItem | null => {
    const at = { file: source.file, line: line.number };
    if (line.bytes === null)
      return problemAt(at, `the line has ${shown(line.sizeBytes)} bytes, more than ${shown(MAX_LINE_BYTES)}`);
    if (line.sizeBytes === 0) return reader.blank();
    if (!isUtf8(line.bytes)) {
      const offset = source.startOffset + line.offset + findInvalidUtf8(line.bytes);
      return problemAt(
        at,
        `not UTF-8 at byte ${offset} of the file; convert it: iconv -f WINDOWS-1252 -t UTF-8`,
      );
    }
    const text = line.bytes.toString('utf8');
    return isBlank(text) ? reader.blank() : reader.line(text, at, line.bytes);
  };
  try {
    const splitter = createLineSplitter(MAX_LINE_BYTES);
    for await (const chunk of source.chunks) {
      const items = toItems(splitter.push(chunk));
      if (items.length > 0) yield items;
      if (splitter.unfinishedBytes() <= MAX_PASSED_BYTES) continue;
      const [endless] = splitter.end();
      const at = { file: source.file, line: endless?.number ?? 1 };
      yield [
        problemAt(
          at,
          `the line has no end: more than ${shown(MAX_PASSED_BYTES)} bytes; nothing after it was read`,
        ),
      ];
      return false;
    }
    const last = toItems(splitter.end());
    const end = reader.end();
    if (end !== null) last.push(end);
    if (last.length > 0) yield last;
    return true;
  } finally {
    await source.close();
  }
}

function shown(bytes: number): string {
  return bytes.toLocaleString('en-US');
}

function isBlank(text: string): boolean {
  const code = text.charCodeAt(0);
  // Most lines begin with a bracket.
  return code !== 0x7b && code !== 0x5b && text.trim() === '';
}

function problemAt(at: Location, problem: string): SourceProblem {
  return { kind: 'problem', problem, at };
}
