import type { FileHandle } from 'node:fs/promises';
import { inputFailure } from '../core/input-failure.ts';
import type { TextReader } from '../core/record.ts';
import { foreignContent } from '../core/utf8.ts';
import { decodeUtf8 } from '../core/utf8-text.ts';
import { dressErrno, findConfinedFile, type JobPlace, openConfinedFile } from './confined-file.ts';

export interface TextReaderOptions extends JobPlace {
  /** How many bytes of text stay in memory for the next record that asks; default 8 MB. */
  readonly maxCachedBytes?: number;
}

// A request has at most 32 MB, so a longer text fits in none.
const MAX_TEXT_BYTES = 32_000_000;

/**
 * Reads prompts and per-record files by their path relative to the job file. Text is UTF-8 without a byte order
 * mark. Throws InputError: `text_outside`, `text_unreadable` (with errno), `text_too_large`, `text_encoding`.
 */
export function createTextReader(options: TextReaderOptions): TextReader {
  const maxCachedBytes = options.maxCachedBytes ?? 8_000_000;
  // A Map keeps the order of insertion: the first key is the one that was asked for longest ago.
  const cached = new Map<string, string>();
  let cachedBytes = 0;
  const costOf = (path: string, text: string): number => 2 * (path.length + text.length);

  const remember = (path: string, text: string): void => {
    if (costOf(path, text) > maxCachedBytes) return;
    cached.set(path, text);
    cachedBytes += costOf(path, text);
    for (const [oldest, old] of cached) {
      if (cachedBytes <= maxCachedBytes) return;
      cached.delete(oldest);
      cachedBytes -= costOf(oldest, old);
    }
  };

  return {
    async read(path) {
      const known = cached.get(path);
      if (known !== undefined) {
        cached.delete(path);
        cached.set(path, known);
        return known;
      }
      const text = await readText(path, options);
      // Two reads of one path may run at once; only the first to end counts.
      if (!cached.has(path)) remember(path, text);
      return text;
    },
  };
}

async function readText(file: string, place: JobPlace): Promise<string> {
  const refused = { code: 'text_unreadable', file };
  const handle = await openConfinedFile(await findConfinedFile(file, place, 'text'), place, refused);
  try {
    return await readHandle(handle, file);
  } catch (error) {
    throw dressErrno(error, refused);
  } finally {
    await handle.close();
  }
}

async function readHandle(handle: FileHandle, file: string): Promise<string> {
  const { size } = await handle.stat();
  if (size > MAX_TEXT_BYTES) {
    throw inputFailure({
      code: 'text_too_large',
      file,
      problem: `it has ${size} bytes; a request takes at most ${MAX_TEXT_BYTES}`,
    });
  }
  const bytes = await handle.readFile();
  const foreign = foreignContent(bytes);
  if (foreign !== null)
    throw inputFailure({
      code: 'text_encoding',
      file,
      problem: `it is ${foreign.what}, not UTF-8 text`,
      next: foreign.next(file),
    });
  const text = decodeUtf8(bytes, { code: 'text_encoding', file });
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}
