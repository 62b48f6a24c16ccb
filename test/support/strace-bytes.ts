import type { Syscall } from './strace-log.ts';

const NAMED: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, v: 11, f: 12, '"': 34, '\\': 92 };

/** The bytes of a buffer that a call was given, as far as strace shows them: those of its first string. */
export function bytesOf({ args }: Pick<Syscall, 'args'>): Buffer {
  const text = /"(?<text>(?:[^"\\]|\\.)*)"/.exec(args)?.groups?.['text'] ?? '';
  const bytes: number[] = [];
  for (const [, octal, named, plain = ''] of text.matchAll(/\\(?:([0-7]{1,3})|(.))|([^\\])/g)) {
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8));
    else bytes.push(named === undefined ? plain.charCodeAt(0) : (NAMED[named] ?? named.charCodeAt(0)));
  }
  return Buffer.from(bytes);
}

const FRAME_HEADER_BYTES = 24;

/**
 * Whether a write to a write-ahead log is the head of a frame that ends a transaction: its second word, the size of the database
 * after the commit, is not zero. Source: sqlite.org/fileformat2.html, section 4.1. SQLite writes the head of a frame and
 * its page by a call each.
 */
export function isCommitFrame(call: Syscall): boolean {
  if (call.name !== 'pwrite64' || !call.args.includes(`, ${FRAME_HEADER_BYTES}, `)) return false;
  const bytes = bytesOf(call);
  return bytes.length === FRAME_HEADER_BYTES && bytes.readUInt32BE(4) !== 0;
}
