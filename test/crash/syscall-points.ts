import type { Seeded } from '../support/seeded.ts';
import { pathOf, type Syscall, type Target, targetOf } from '../support/strace-log.ts';

/**
 * Every call of the program that changes a file, sends bytes, or opens a connection. better-sqlite3 writes by `pwrite64`, Node
 * by `write` and `writev`; `fdatasync`, `sendto` and `sendmsg` are here should either begin to use them.
 */
export const CALLS = [
  'fsync',
  'fdatasync',
  'rename',
  'unlink',
  'ftruncate',
  'mkdir',
  'write',
  'writev',
  'pwrite64',
  'sendto',
  'sendmsg',
  'connect',
] as const;

/** `openat` is struck at chosen places alone: most of its calls load the program. */
export type CallName = (typeof CALLS)[number] | 'openat';

/** `kill`: SIGKILL before the call is done. The others: the call is not done, and answers with that error. */
export const FAULTS = ['kill', 'EIO', 'ENOSPC'] as const;

/** The last four at chosen places alone: to the program they are other words for the same. */
export type Fault = (typeof FAULTS)[number] | 'EDQUOT' | 'EACCES' | 'EROFS' | 'EMFILE';

/** The `index`-th call of that name in the first thread, counted from 1, and what happens to it. */
export interface Point {
  readonly call: CallName;
  readonly index: number;
  readonly fault: Fault;
}

/** What a clean run does at the place of a point. */
export interface Place {
  readonly call: CallName;
  readonly index: number;
  readonly target: Target;
  readonly path: string;
  /** What the call was given, as strace shows it: the first bytes of a buffer. */
  readonly args: string;
}

/**
 * The places of a clean run in `dir`, without those that are Node's: its compile cache, and the calls by which its threads wake
 * each other, where an error aborts any program.
 */
export function placesOf(calls: readonly Syscall[], dir: string): readonly Place[] {
  const counts = new Map<string, number>();
  const places: Place[] = [];
  for (const one of calls) {
    const index = (counts.get(one.name) ?? 0) + 1;
    counts.set(one.name, index);
    const [target, path] = [targetOf(one), pathOf(one) ?? ''];
    if (!isCallName(one.name) || target === 'wake' || (target === 'file' && !path.startsWith(dir))) continue;
    places.push({ call: one.name, index, target, path, args: one.args });
  }
  return places;
}

export function pointsOf(places: readonly Place[], faults: readonly Fault[] = FAULTS): readonly Point[] {
  return faults.flatMap((fault) => places.map(({ call, index }) => ({ call, index, fault })));
}

/** One point of each call and fault, then others by chance; all of them where there are no more than `count`. */
export function samplePoints(points: readonly Point[], count: number, random: Seeded): readonly Point[] {
  const shuffled = random.shuffle(points);
  const kindOf = ({ call, fault }: Point): string => `${call} ${fault}`;
  const firsts = shuffled.filter(
    (point, at) => shuffled.findIndex((one) => kindOf(one) === kindOf(point)) === at,
  );
  return [...firsts, ...shuffled.filter((point) => !firsts.includes(point))].slice(0, count);
}

/** As `fsync:12:kill`, which is also how one is asked for. */
export function nameOf({ call, index, fault }: Point): string {
  return `${call}:${index}:${fault}`;
}

/** @throws Error for a text that names no point. */
export function parsePoint(text: string): Point {
  const [call = '', index = '', fault = ''] = text.split(':');
  if (isCallName(call) && /^[1-9]\d*$/.test(index) && isFault(fault))
    return { call, index: Number(index), fault };
  throw new Error(
    `not a point: ${text}; one looks like fsync:12:kill (${CALLS.join(', ')}; ${FAULTS.join(', ')})`,
  );
}

/** For strace. */
export function injectionOf({ call, index, fault }: Point): string {
  return `${call}:${fault === 'kill' ? 'signal=SIGKILL' : `error=${fault}`}:when=${index}`;
}

function isCallName(name: string): name is (typeof CALLS)[number] {
  return (CALLS as readonly string[]).includes(name); // widened, so that any name may be looked for
}

function isFault(name: string): name is (typeof FAULTS)[number] {
  return (FAULTS as readonly string[]).includes(name); // same
}
