/** One system call, as strace saw it. */
export interface Syscall {
  readonly thread: string;
  readonly name: string;
  /** Between the brackets, as strace shows it. */
  readonly args: string;
  /** Behind the `=`: `0`, `-1 EIO (…) (INJECTED)`, or `?` where the process was killed in it. */
  readonly result: string;
  /** Which line of the log it began and ended on. Of one thread no two calls overlap. */
  readonly beganAt: number;
  readonly endedAt: number;
}

/** What a call acts on: `std` is stdout and stderr, `wake` what threads of Node wake each other with. */
export type Target = 'file' | 'socket' | 'std' | 'wake';

/**
 * The calls of a log, in the order in which they began. With several threads strace cuts a call in two when another thread
 * comes in between (`<unfinished ...>`, `<... fsync resumed>`); here it is whole again. Signals and exits are left out.
 */
export function parseStraceLog(text: string): readonly Syscall[] {
  const calls: Syscall[] = [];
  const open = new Map<string, { readonly at: number; readonly text: string }>();
  for (const [at, line] of text.split('\n').entries()) {
    // Without -f there is no number of a thread.
    const { thread = 'first', rest = '' } = /^(?:(?<thread>\d+) +)?(?<rest>.*)$/.exec(line)?.groups ?? {};
    const cut = / *<unfinished \.\.\.>$/.exec(rest);
    if (cut !== null) {
      open.set(thread, { at, text: rest.slice(0, cut.index) });
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>/.exec(rest);
    const begun = resumed === null ? undefined : open.get(thread);
    if (begun !== undefined) open.delete(thread);
    const whole = begun === undefined ? rest : `${begun.text}${rest.slice(resumed?.[0].length)}`;
    const call = parseCall(whole);
    if (call !== null) calls.push({ thread, ...call, beganAt: begun?.at ?? at, endedAt: at });
  }
  // What was cut off by a kill and never resumed.
  for (const [thread, { at, text: begun }] of open) {
    const call = parseCall(`${begun}) = ?`);
    if (call !== null) calls.push({ thread, ...call, beganAt: at, endedAt: Number.POSITIVE_INFINITY });
  }
  return calls.sort((one, other) => one.beganAt - other.beganAt);
}

function parseCall(line: string): Pick<Syscall, 'name' | 'args' | 'result'> | null {
  const groups = /^(?<name>\w+)\((?<args>.*)\) += (?<result>.+)$/.exec(line)?.groups;
  if (groups === undefined) return null;
  const { name = '', args = '', result = '' } = groups;
  return { name, args, result };
}

/** The file descriptor that a call was given, and what strace says it is: a path, `socket:[…]`, `anon_inode:[eventfd]`. */
export function descriptorOf({ args }: Syscall): { readonly fd: number; readonly path: string } | null {
  const groups = /^(?<fd>\d+)<(?<path>[^>]*)>/.exec(args)?.groups;
  return groups === undefined ? null : { fd: Number(groups['fd']), path: groups['path'] ?? '' };
}

/** The paths that a call names, in order; none of those that only its descriptor stands for. */
export function pathsIn({ args }: Syscall): readonly string[] {
  return [...args.matchAll(/"(?<path>[^"]*)"/g)].map((match) => match.groups?.['path'] ?? '');
}

/** The file that a call changes. */
export function pathOf(call: Syscall): string | null {
  return descriptorOf(call)?.path ?? pathsIn(call)[0] ?? null;
}

export function targetOf(call: Syscall): Target {
  const descriptor = descriptorOf(call);
  if (descriptor === null) return 'file';
  if (descriptor.fd === 1 || descriptor.fd === 2) return 'std';
  if (/^(?:socket|TCP)/.test(descriptor.path)) return 'socket';
  return descriptor.path.startsWith('/') ? 'file' : 'wake';
}

export function isInjected({ result }: Syscall): boolean {
  return result.includes('(INJECTED)');
}
