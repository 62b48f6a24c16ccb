import { InputError } from './errors.ts';

/** What helps where nothing more is known: the message has named the file and what is wrong with it. */
export const CORRECT_IT = 'correct it, then run the same command again; nothing was sent';

/** One thing that makes a whole file unusable, as an InputError. */
export function inputFailure(facts: {
  readonly code: string;
  readonly file: string;
  readonly line?: number | null;
  readonly problem: string;
  readonly why?: string;
  readonly next?: string;
  readonly cause?: unknown;
}): InputError {
  const { code, file, line = null, problem, why, next = CORRECT_IT, cause } = facts;
  const place = line === null ? file : `${file}:${line}`;
  return new InputError(`${place}: ${problem}`, {
    code,
    problems: [{ file, line, problem }],
    count: 1,
    ...(why === undefined ? {} : { why }),
    next,
    ...(cause === undefined ? {} : { cause }),
  });
}

const ERRNO_WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of its path is not a folder',
  EACCES: 'you may not read it',
  EPERM: 'you may not read it',
  EISDIR: 'it is a folder',
  ELOOP: 'its symbolic links run in a circle',
  EMFILE: 'too many files are open',
  ENAMETOOLONG: 'its name is too long',
};

/** What a failed system call says in words, with its errno: `there is no such file (ENOENT)`. */
export function errnoWords(error: unknown): string {
  const code = errnoOf(error);
  if (code === null) return error instanceof Error ? error.message : String(error);
  const words = ERRNO_WORDS[code];
  return words === undefined ? code : `${words} (${code})`;
}

/** `ENOENT` and its like, or null for an error that is not from the system. */
export function errnoOf(error: unknown): string | null {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : null;
}
