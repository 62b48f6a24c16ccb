import { inputFailure } from './input-failure.ts';
import { findInvalidUtf8 } from './utf8.ts';

/** The text of a file that must be UTF-8. @throws InputError with the line and the byte of the first thing that is not. */
export function decodeUtf8(
  bytes: Buffer,
  { code, file }: { readonly code: string; readonly file: string },
): string {
  const invalid = findInvalidUtf8(bytes);
  if (invalid === -1) return bytes.toString('utf8');
  throw inputFailure({
    code,
    file,
    line: bytes.subarray(0, invalid).toString('latin1').split('\n').length,
    problem: `not UTF-8 at byte ${invalid}`,
    next: `convert it: iconv -f WINDOWS-1252 -t UTF-8 ${file}`,
  });
}
