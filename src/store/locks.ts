import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { StoreError } from '../core/errors.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Lock } from '../core/ports/locks.ts';
import { connect, createPrivate, type Db } from './open.ts';
import { isBusy, toStoreError } from './sqlite-errors.ts';

/**
 * Locks between processes: an exclusive transaction on an SQLite file that holds nothing. The kernel frees it when its
 * holder dies, however it dies, so a lock left behind does not exist.
 *
 * Never open a lock file any other way: on POSIX, closing any handle of a file drops this process's locks on it. And
 * never delete one: two programs could then hold «the same» lock on two files.
 */
export interface Holder {
  /** Null when the holder has not said yet who it is. */
  readonly pid: number | null;
  readonly command: string;
  readonly startedAt: string | null;
  /** It was stopped (SIGSTOP, Ctrl-Z) and holds on until it is woken. */
  readonly isStopped?: boolean;
}

/**
 * Two attempts at the same moment can each find the other's, though nobody holds the lock yet. Waiting this long
 * settles it.
 */
const PATIENCE_MS = 50;

const UNKNOWN_HOLDER: Holder = { pid: null, command: 'another process', startedAt: null };

/** The lock, or who holds it. @throws StoreError when the file cannot be made. */
export function tryLock(path: string, holder: Holder): Lock | Holder {
  return attempt(path, holder, PATIENCE_MS);
}

export function isLock(result: Lock | Holder): result is Lock {
  return 'release' in result;
}

/** Who holds the lock now; null when nobody does. Takes no more than a moment's shared lock. */
export function readHolder(path: string): Holder | null {
  // Whoever only asks makes no file.
  if (!existsSync(path)) return null;
  const db = openLockFile(path, PATIENCE_MS);
  try {
    db.prepare('SELECT 1 FROM sqlite_schema').get();
    return null;
  } catch (error) {
    if (isBusy(error)) return readSidecar(path);
    throw toStoreError(error, path);
  } finally {
    db.close();
  }
}

/**
 * Waits as long as it takes; `onWait` is called once, when it has to. Ends with the signal's reason.
 */
export async function waitForLock(
  path: string,
  holder: Holder,
  options: {
    readonly clock: Clock;
    readonly signal: AbortSignal;
    readonly onWait: (holder: Holder) => void;
  },
): Promise<Lock> {
  const { clock, signal, onWait } = options;
  for (let round = 0; ; round += 1) {
    signal.throwIfAborted();
    // Without patience: it would block the event loop, and the sleep below is as good.
    const result = attempt(path, holder, 0);
    if (isLock(result)) return result;
    if (round === 1) onWait(result);
    await clock.sleep(Math.min(50 * 2 ** Math.min(round, 10), 1_000) * (0.5 + clock.random()), signal);
  }
}

function attempt(path: string, holder: Holder, patienceMs: number): Lock | Holder {
  const db = openLockFile(path, patienceMs);
  try {
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (isBusy(error)) return readSidecar(path);
    throw toStoreError(error, path);
  }
  // A name that a dead process left must not be taken for ours, even where ours cannot be written.
  removeQuietly(sidecarOf(path));
  writeSidecar(path, holder);
  return {
    release() {
      if (!db.open) return;
      // First the name, then the lock: the next holder's name must not be the one that goes.
      removeQuietly(sidecarOf(path));
      db.close();
    },
  };
}

function openLockFile(path: string, patienceMs: number): Db {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    makePrivate(path);
    return connect(path, { busyTimeoutMs: patienceMs });
  } catch (error) {
    throw toStoreError(error, path);
  }
}

/** A lock file of an earlier version had the mode of the umask. */
function makePrivate(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isSymbolicLink()) {
    throw new StoreError(`${path} is a link`, {
      code: 'path_outside',
      why: 'a lock stands in the workspace, where every other run looks for it',
      next: 'remove the link',
    });
  }
  try {
    if (found === undefined) createPrivate(path);
    else if (process.platform !== 'win32' && (found.mode & 0o077) !== 0) chmodSync(path, 0o600);
  } catch {
    // SQLite says what cannot be done, and a lock that others can read is still one.
  }
}

function sidecarOf(path: string): string {
  return `${path}.holder.json`;
}

/** Only talk: that it cannot be written must not stop a run that has the lock. */
function writeSidecar(path: string, { pid, command, startedAt }: Holder): void {
  const temporary = `${sidecarOf(path)}.${process.pid}`;
  try {
    rmSync(temporary, { force: true });
    const told = JSON.stringify({ pid, command, started_at: startedAt, process: identify(pid) });
    // «wx»: a link in its place is not followed.
    writeFileSync(temporary, told, { flag: 'wx', mode: 0o600 });
    renameSync(temporary, sidecarOf(path));
  } catch {
    removeQuietly(temporary);
  }
}

/** A file that cannot be removed must neither stop a run nor keep its lock. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It is only talk.
  }
}

/** Says who holds a lock that is held. What a dead process left there is not believed. */
function readSidecar(path: string): Holder {
  try {
    const told: unknown = JSON.parse(readFileSync(sidecarOf(path), 'utf8'));
    if (typeof told !== 'object' || told === null) return UNKNOWN_HOLDER;
    if (!('pid' in told) || typeof told.pid !== 'number' || !isAlive(told.pid)) return UNKNOWN_HOLDER;
    // The number may be another program's by now.
    const isSame = 'process' in told && told.process !== null ? identify(told.pid) === told.process : true;
    if (!isSame) return UNKNOWN_HOLDER;
    return {
      pid: told.pid,
      command: 'command' in told && typeof told.command === 'string' ? told.command : UNKNOWN_HOLDER.command,
      startedAt: 'started_at' in told && typeof told.started_at === 'string' ? told.started_at : null,
      ...(readStat(told.pid)?.state === 'T' ? { isStopped: true } : {}),
    };
  } catch {
    return UNKNOWN_HOLDER;
  }
}

/**
 * What tells a process from another one with its number: the boot, and the moment of its start in ticks since then. Null
 * where there is no /proc.
 */
function identify(pid: number | null): string | null {
  const stat = pid === null ? null : readStat(pid);
  if (stat === null) return null;
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${stat.startTicks}`;
  } catch {
    return null;
  }
}

/** From proc_pid_stat(5): field 3 is the state, field 22 the start. The name before them may hold spaces and brackets. */
function readStat(pid: number): { readonly state: string; readonly startTicks: string } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [state, startTicks] = [fields[0], fields[19]];
    return state === undefined || startTicks === undefined ? null : { state, startTicks };
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
