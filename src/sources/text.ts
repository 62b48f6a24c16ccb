import type { Location, RecordSource, SourceItem } from '../core/record.ts';
import type { TextSource } from '../core/source.ts';
import { openLines } from './line-files.ts';
import { readSeveral } from './several-files.ts';
import { openSourceFile } from './source-file.ts';
import { type LineReader, MAX_LINE_BYTES, readSourceLines } from './source-lines.ts';
import type { SourcePlace } from './source-path.ts';

/** `source: {text: {file, split}}`: a record a line or a paragraph, with `text`, `line` and `file`. */
export function openTextFiles({ paths, split }: TextSource, place: SourcePlace): RecordSource {
  if (split === 'line') return openLines(paths, place, (text, at) => toRecord(withoutReturn(text), at));
  return {
    items: (signal) =>
      readSeveral(
        paths,
        place,
        async function* (file) {
          yield* readSourceLines(await openSourceFile(file, place, signal), paragraphs());
        },
        signal,
      ),
  };
}

/** Lines up to the next blank one, joined by LF; the line is that of the first. */
function paragraphs(): LineReader {
  let lines: string[] = [];
  let characters = 0;
  let start: (Location & { readonly line: number }) | null = null;
  const finish = (): SourceItem | null => {
    if (start === null) return null;
    const at = start;
    const text = lines.join('\n');
    const isTooLong = characters > MAX_LINE_BYTES;
    lines = [];
    characters = 0;
    start = null;
    if (!isTooLong) return toRecord(text, at);
    const problem = `the paragraph has more than ${MAX_LINE_BYTES.toLocaleString('en-US')} characters; a blank line ends one`;
    return { kind: 'problem', problem, at };
  };
  return {
    line(text, at) {
      start ??= at;
      characters += text.length + 1;
      // What is too long is counted, not held.
      if (characters <= MAX_LINE_BYTES) lines.push(withoutReturn(text));
      else lines = [];
      return null;
    },
    blank: finish,
    end: finish,
  };
}

function toRecord(text: string, at: Location): SourceItem {
  const fields: Record<string, unknown> = Object.create(null);
  Object.assign(fields, { text, line: at.line, file: at.file });
  return { kind: 'record', fields, at };
}

/** Lines are cut at LF; that of Windows leaves a CR. */
function withoutReturn(text: string): string {
  return text.endsWith('\r') ? text.slice(0, -1) : text;
}
