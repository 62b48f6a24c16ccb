import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BIN, type Finished, scrubbedEnv } from './run-cli.ts';

export interface TraceOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** System calls, as strace names them. Where one does not exist on this machine, a `?` before it spares the error. */
  readonly calls: readonly string[];
  /** Where strace writes what it saw. */
  readonly log: string;
  /** As `fsync:error=EIO:when=3`; counted per call and per thread. */
  readonly inject?: string;
  /**
   * All threads; else the first one alone, which makes every call that changes anything. An injected error in another
   * thread would hit libuv's own wake-up calls, which abort the process.
   */
  readonly allThreads?: boolean;
  /** Only calls on these files are seen, counted and injected into, whether the files are there yet or not. */
  readonly paths?: readonly string[];
  /** How much of a buffer the log shows, in bytes. */
  readonly shownBytes?: number;
  /** After so long the run is killed: 60 s where not given. */
  readonly longestMs?: number;
}

/** A large young generation: collections wake the first thread by a `write`, and would move the number of every later one. */
const NODE_ARGS = ['--min-semi-space-size=64', '--max-semi-space-size=64'];

/** Why nothing can be traced or injected on this machine; null when it can be done. */
export function straceProblem(): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'batchctl-strace-'));
  try {
    const log = join(folder, 'log');
    const args = ['-y', '-o', log, '-e', 'trace=openat', '--inject=openat:error=EIO:when=1', '/bin/true'];
    const { error, stderr } = spawnSync('strace', args, { encoding: 'utf8', timeout: 20_000 });
    if (error !== undefined) return `strace cannot be started (${error.message})`;
    if (readFileSync(log, 'utf8').includes('(INJECTED)')) return null;
    return `strace may not trace here: ${stderr.trim()}`;
  } catch (error) {
    return `strace left no log: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Said aloud where strace is missing or barred, so that nobody takes the silence for a pass; `.ci/run` repeats it. */
export function sayLeftOut(what: string, why: string): void {
  process.stderr.write(`LEFT OUT: ${what}: ${why}\n`);
}

/** The built program under strace, to its end. A kill by injection is the signal of what comes back. */
export function runUnderStrace(args: readonly string[], options: TraceOptions): Promise<Finished> {
  const flags = [
    '-y',
    '-s',
    String(options.shownBytes ?? 8),
    '-o',
    options.log,
    '-e',
    `trace=${options.calls.join(',')}`,
    // Only the calls asked for stop the program. Not for injected signals, which strace then fails to deliver (6.1).
    ...(options.allThreads === true ? ['-f', '--seccomp-bpf'] : []),
    ...(options.paths ?? []).flatMap((path) => ['-P', path]),
    ...(options.inject === undefined ? [] : [`--inject=${options.inject}`]),
  ];
  const child = spawn('strace', [...flags, process.execPath, ...NODE_ARGS, BIN, ...args], {
    cwd: options.cwd,
    env: { ...scrubbedEnv(), UV_USE_IO_URING: '0', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that the program goes too when strace has to be killed.
    detached: true,
  });
  const soFar = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    soFar.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    soFar.stderr += text;
  });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      soFar.stderr += '\nSTOPPED: it ran for too long\n';
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, options.longestMs ?? 60_000);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, ...soFar });
    });
  });
}
