import type { CsvSource } from '../core/source.ts';
import { findInvalidUtf8, incompleteTail } from '../core/utf8.ts';
import type { SourceFile } from './source-file.ts';
import { decodeWindows1252 } from './windows-1252.ts';

/** Bytes that are not text in the encoding that they should have, after which nothing can be read. */
export interface InvalidText {
  readonly line: number;
  readonly problem: string;
}

/** The file as UTF-8 in chunks that never cut a character; ends at the first bytes that are no text. */
export async function* utf8Chunks(
  source: SourceFile,
  encoding: CsvSource['encoding'],
): AsyncGenerator<Buffer | InvalidText> {
  if (encoding === 'utf16le' || (encoding === null && source.isUtf16)) yield* fromUtf16(source);
  else if (encoding === 'latin1' || encoding === 'windows-1252') {
    for await (const chunk of source.chunks) yield Buffer.from(decodeWindows1252(chunk), 'utf8');
  } else yield* wholeCharacters(source);
}

async function* fromUtf16(source: SourceFile): AsyncGenerator<Buffer | InvalidText> {
  // Takes the byte order mark away too.
  const decoder = new TextDecoder('utf-16le', { fatal: true });
  let line = 1;
  try {
    for await (const chunk of source.chunks) {
      const bytes = Buffer.from(decoder.decode(chunk, { stream: true }), 'utf8');
      if (bytes.length > 0) yield bytes;
      line += countLines(bytes);
    }
    decoder.decode();
  } catch (error) {
    // What a fatal decoder throws; reading throws others.
    if (!(error instanceof TypeError)) throw error;
    yield {
      line,
      problem: 'not UTF-16LE in this line or after it: half a character, or an odd number of bytes',
    };
  }
}

async function* wholeCharacters(source: SourceFile): AsyncGenerator<Buffer | InvalidText> {
  let tail = Buffer.alloc(0);
  let offset = source.startOffset;
  let line = 1;
  const invalidAt = (bytes: Buffer, position: number): InvalidText => ({
    line: line + countLines(bytes.subarray(0, position)),
    problem:
      `not UTF-8 at byte ${offset + position} of the file; convert it: iconv -f WINDOWS-1252 -t UTF-8, ` +
      `or say what it is: csv: {file: ${source.file}, encoding: windows-1252}`,
  });
  for await (const chunk of source.chunks) {
    const joined = tail.length === 0 ? chunk : Buffer.concat([tail, chunk]);
    const whole = joined.subarray(0, joined.length - incompleteTail(joined));
    const invalid = findInvalidUtf8(whole);
    if (invalid !== -1) {
      yield invalidAt(whole, invalid);
      return;
    }
    yield whole;
    tail = Buffer.from(joined.subarray(whole.length));
    offset += whole.length;
    line += countLines(whole);
  }
  if (tail.length > 0) yield invalidAt(tail, 0);
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(0x0a); at !== -1; at = bytes.indexOf(0x0a, at + 1)) lines += 1;
  return lines;
}
