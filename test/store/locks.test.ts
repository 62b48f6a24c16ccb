import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { type Holder, isLock, readHolder, tryLock, waitForLock } from '../../src/store/locks.ts';
import { makeManualClock } from '../support/manual-clock.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { startChild } from './children/spawn.ts';

const ME: Holder = { pid: process.pid, command: 'batchctl watch', startedAt: '2026-03-01T20:00:00Z' };
const UNKNOWN: Holder = { pid: null, command: 'another process', startedAt: null };

const lockPath = (): string => join(makeTempDir(), 'locks', 'reviews-20260301-201530.lock');

function take(path: string) {
  const result = tryLock(path, ME);
  if (!isLock(result)) throw new Error(`held by ${result.pid}`);
  return result;
}

test('a lock is held against the same process until it is released', () => {
  const path = lockPath();
  const lock = take(path);
  expect(tryLock(path, ME)).toEqual(ME);
  lock.release();
  lock.release();
  take(path).release();
});

test('nobody holds a lock that was never taken, and asking makes no file', () => {
  const path = lockPath();
  expect(readHolder(path)).toBeNull();
  expect(existsSync(path)).toBe(false);
});

test('a lock is given back although the name of its holder can be neither written nor removed', () => {
  const path = lockPath();
  mkdirSync(`${path}.holder.json`, { recursive: true });
  const lock = take(path);
  lock.release();
  expect(readHolder(path)).toBeNull();
  take(path).release();
});

test('a lock is held against another process, which is told who holds it', async () => {
  const path = lockPath();
  const child = startChild('hold-lock', path);
  expect(await child.nextLine()).toBe('ready');
  const holder = { command: 'batchctl submit', startedAt: '2026-03-01T20:15:30Z', pid: expect.any(Number) };
  expect(tryLock(path, ME)).toEqual(holder);
  expect(readHolder(path)).toEqual(holder);
  child.send('go');
  expect(await child.rest()).toEqual(['released']);
  expect(readHolder(path)).toBeNull();
  const lock = take(path);
  expect(await startChild('hold-lock', path).rest()).toEqual([`held by ${process.pid}`]);
  lock.release();
});

test('a lock is free the moment its holder was killed, and what it left is not believed', async () => {
  const path = lockPath();
  for (let round = 0; round < 3; round += 1) {
    const child = startChild('hold-lock', path);
    expect(await child.nextLine()).toBe('ready');
    await child.kill();
    expect(existsSync(`${path}.holder.json`)).toBe(true);
    expect(readHolder(path)).toBeNull();
    take(path).release();
  }
});

test('a name that a dead process left is not given for the holder', () => {
  const path = lockPath();
  const lock = take(path);
  // Above the largest process id of any system.
  const dead = { pid: 2 ** 30, command: 'batchctl submit', started_at: '2020-01-01T00:00:00Z' };
  for (const left of [JSON.stringify(dead), '{"pid":', '[]', '{"pid":"1"}', '']) {
    writeFileSync(`${path}.holder.json`, left);
    expect(tryLock(path, ME), left).toEqual(UNKNOWN);
  }
  lock.release();
});

test.runIf(existsSync('/proc/self/stat'))(
  'a name whose number is another program’s by now is not given for the holder',
  () => {
    const path = lockPath();
    const lock = take(path);
    const told = JSON.parse(readFileSync(`${path}.holder.json`, 'utf8'));
    const [boot = '', ticks = ''] = String(told.process).split(' ');
    // The same number, alive: of a process that began later, or before this machine was booted.
    for (const process of [`${boot} ${Number(ticks) + 1}`, `${'0'.repeat(36)} ${ticks}`]) {
      writeFileSync(`${path}.holder.json`, JSON.stringify({ ...told, process }));
      expect(tryLock(path, ME)).toEqual(UNKNOWN);
    }
    lock.release();
  },
);

test('one that takes a lock removes the name that a dead process left, even if it cannot write its own', () => {
  const path = lockPath();
  take(path).release();
  writeFileSync(`${path}.holder.json`, JSON.stringify({ pid: process.pid, command: 'batchctl old' }));
  // Where our own name would be written first.
  mkdirSync(`${path}.holder.json.${process.pid}/in the way`, { recursive: true });
  const lock = take(path);
  expect(tryLock(path, ME)).toEqual(UNKNOWN);
  lock.release();
});

test.runIf(existsSync('/proc/self/stat'))(
  'a process that was stopped holds its lock, is told to be stopped, and loses it at once when it is killed',
  async () => {
    const path = lockPath();
    const child = startChild('hold-lock', path);
    expect(await child.nextLine()).toBe('ready');
    child.signal('SIGSTOP');
    await vi.waitUntil(() => readHolder(path)?.isStopped === true, { timeout: 20_000 });
    expect(tryLock(path, ME)).toMatchObject({ command: 'batchctl submit', isStopped: true });
    await child.kill();
    expect(readHolder(path)).toBeNull();
    take(path).release();
  },
);

test('a released lock leaves its file and no name', () => {
  const path = lockPath();
  take(path).release();
  expect(existsSync(path)).toBe(true);
  expect(existsSync(`${path}.holder.json`)).toBe(false);
});

test('the name beside a lock is of the one who has it now', () => {
  const path = lockPath();
  const lock = take(path);
  expect(JSON.parse(readFileSync(`${path}.holder.json`, 'utf8'))).toEqual({
    pid: process.pid,
    command: ME.command,
    started_at: ME.startedAt,
    process: existsSync('/proc/self/stat') ? expect.stringMatching(/^[0-9a-f-]{36} \d+$/) : null,
  });
  lock.release();
});

test('one who waits is told once who holds the lock, and gets it when it is free', async () => {
  const path = lockPath();
  const lock = take(path);
  const clock = makeManualClock({ autoAdvance: true });
  const told: Holder[] = [];
  const waiting = waitForLock(path, ME, {
    clock: {
      ...clock,
      async sleep(ms, signal) {
        await clock.sleep(ms, signal);
        if (clock.sleeps.length === 5) lock.release();
      },
    },
    signal: new AbortController().signal,
    onWait: (holder) => told.push(holder),
  });
  (await waiting).release();
  expect(told).toEqual([ME]);
  expect(clock.sleeps).toHaveLength(5);
  expect(Math.max(...clock.sleeps)).toBeLessThanOrEqual(1_500);
});

test('a wait ends with the reason of its signal', async () => {
  const path = lockPath();
  const lock = take(path);
  const controller = new AbortController();
  const waiting = waitForLock(path, ME, {
    clock: makeManualClock({ autoAdvance: true }),
    signal: controller.signal,
    onWait: () => controller.abort(new Error('interrupted')),
  });
  await expect(waiting).rejects.toThrow('interrupted');
  lock.release();
});
