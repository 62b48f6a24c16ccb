import { type FileHandle, open, stat } from 'node:fs/promises';
import type { InputError } from '../core/errors.ts';
import { errnoOf, errnoWords, inputFailure } from '../core/input-failure.ts';
import type { TextReader } from '../core/record.ts';
import { foreignContent } from '../core/utf8.ts';
import { decodeUtf8 } from '../core/utf8-text.ts';
import { confinePath } from './confined-path.ts';

export interface TextReaderOptions {
  /** The workspace, absolute. */
  readonly root: string;
  /** The job file's folder, absolute or relative to the workspace. */
  readonly dir: string;
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

async function readText(file: string, { root, dir }: TextReaderOptions): Promise<string> {
  const confined = await confinePath(root, dir, file);
  if (!confined.ok && confined.reason === 'outside') {
    throw inputFailure({
      code: 'text_outside',
      file,
      problem: 'it is outside the workspace',
      next: 'copy the file into the workspace',
    });
  }
  if (!confined.ok) throw unreadable(file, confined.error);
  try {
    // Asked before opening: opening a FIFO would wait for a writer.
    const kind = await stat(confined.path);
    if (kind.isDirectory())
      throw inputFailure({ code: 'text_unreadable', file, problem: 'it is a folder, not a file (EISDIR)' });
    if (!kind.isFile())
      throw inputFailure({ code: 'text_unreadable', file, problem: 'it is not a regular file' });
    const handle = await open(confined.path, 'r');
    try {
      return await readHandle(handle, file);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw errnoOf(error) === null ? error : unreadable(file, error);
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

function unreadable(file: string, cause: unknown): InputError {
  return inputFailure({
    code: 'text_unreadable',
    file,
    problem: errnoWords(cause),
    next: `check the path; it is relative to the job file`,
    cause,
  });
}
