import { join } from 'node:path';
import { StoreError } from '../core/errors.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { WorkspaceLocks } from '../core/ports/locks.ts';
import { type Holder, isLock, readHolder, tryLock, waitForLock } from '../store/locks.ts';

export interface LockOptions {
  /** `.batchctl/`; lock files stay there and are never removed. */
  readonly stateDir: string;
  /** As typed; shown to whoever finds the lock taken. */
  readonly commandLine: string;
  readonly clock: Clock;
  /** May forbid to take one: a lock at the old place of a workspace that was moved keeps nobody out. */
  readonly before?: () => void;
}

/** The locks of one workspace. Part of wire.ts: imported when they are needed, because they load SQLite. */
export function makeLocks({ stateDir, commandLine, clock, before }: LockOptions): WorkspaceLocks {
  const folder = join(stateDir, 'locks');
  const self: Holder = {
    pid: process.pid,
    command: `batchctl ${commandLine}`,
    startedAt: clock.now().toISOString(),
  };
  const jobLock = (jobId: string): string => join(folder, `job-${jobId}.lock`);

  return {
    lockJob(jobId) {
      before?.();
      const result = tryLock(jobLock(jobId), self);
      if (isLock(result)) return result;
      throw new StoreError(`job ${jobId} is at work in another process`, {
        code: 'job_locked',
        why: describeHolder(result),
        next:
          result.isStopped === true
            ? `kill -CONT ${result.pid} wakes it; kill ${result.pid} ends it, and batchctl resume ${jobId} goes on from there`
            : `wait for it; batchctl status ${jobId} shows how far it is`,
      });
    },
    async lockSealing(signal, onWait) {
      before?.();
      const onHolder = (holder: Holder): void => onWait(describeHolder(holder));
      return waitForLock(join(folder, 'sealing.lock'), self, { clock, signal, onWait: onHolder });
    },
    jobHolder(jobId) {
      const holder = readHolder(jobLock(jobId));
      return holder === null ? null : describeHolder(holder);
    },
  };
}

function describeHolder({ pid, command, startedAt, isStopped }: Holder): string {
  if (pid === null) return command;
  const since = startedAt === null ? '' : `, since ${startedAt}`;
  return `process ${pid}: ${command}${since}${isStopped === true ? '; it is stopped, and kill -CONT wakes it' : ''}`;
}
