import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEmulatorProcess } from '../support/emulator-process.ts';
import { sayLeftOut, straceProblem } from '../support/strace.ts';
import { bytesOf, isCommitFrame } from '../support/strace-bytes.ts';
import { parseStraceLog, pathOf, pathsIn, type Syscall, targetOf } from '../support/strace-log.ts';
import { type ChainJob, makeChainJob } from './chain-job.ts';

const WRITES = ['write', 'writev', 'pwrite64', 'pwritev', 'sendto', 'sendmsg'];
const CHANGES = [...WRITES, 'fsync', 'fdatasync', 'rename', 'renameat', 'renameat2', 'unlink', 'ftruncate'];
/** A page of the store whole, with its frame's head: batch ids are looked for in it. */
const SHOWN_BYTES = 4_200;
const BATCHES = 4;
/** Commits that wait for a later one: the rows of each stage as it is built, and the outcomes of each batch. */
const ROWS_AHEAD = 2 + 1 + BATCHES;

const problem = straceProblem();
if (problem !== null) sayLeftOut('the order of writes is not checked', problem);

describe.skipIf(problem !== null)(`the order of the system calls of a run${problem ?? ''}`, () => {
  let scratch: string;
  let job: ChainJob;
  /** Those that change something, in order. One thread makes them, so that an order can be told. */
  let calls: readonly Syscall[];

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'batchctl-order-'));
    const emulator = await startEmulatorProcess(scratch, ['--batch-seconds', '0.2']);
    job = makeChainJob(emulator.url, join(scratch, 'cache'));
    const traced = [...CHANGES, 'openat'];
    const { finished, log } = await job
      .submitUnderStrace({ calls: traced, allThreads: true, shownBytes: SHOWN_BYTES, talks: true })
      .finally(() => emulator.stop());
    expect(finished.code, finished.stderr).toBe(0);
    calls = parseStraceLog(readFileSync(log, 'utf8')).filter((call) => targetOf(call) !== 'wake');
  }, 120_000);

  afterAll(() => {
    job?.remove();
    rmSync(scratch, { recursive: true, force: true });
  });

  const inJob = (path: string | null): path is string => path?.startsWith(`${job.dir}/`) ?? false;
  const isWal = (call: Syscall): boolean => pathOf(call) === join(job.dir, '.batchctl/state.db-wal');
  const isSyncOf = (call: Syscall, path: string | null): boolean =>
    (call.name === 'fsync' || call.name === 'fdatasync') && call.result === '0' && pathOf(call) === path;
  const isWriteTo = (call: Syscall, path: string): boolean =>
    WRITES.includes(call.name) && pathOf(call) === path;

  it('one thread makes every call that changes a file, sends bytes or says something', () => {
    const threads = calls
      .filter(({ name }) => CHANGES.includes(name))
      .filter((call) => targetOf(call) !== 'file' || inJob(pathOf(call)));
    expect(new Set(threads.map(({ thread }) => thread)).size).toBe(1);
  });

  it('a file gets its final name after its fsync, and its folder is fsynced next; outputs and the names of holders are not', () => {
    const renames = calls.flatMap((call, at) => {
      const [from = '', to = ''] = pathsIn(call);
      return call.name.startsWith('rename') && inJob(to) ? [{ at, from, to }] : [];
    });
    const durable: string[] = [];
    const others: string[] = [];
    for (const { at, from, to } of renames) {
      const before = calls.slice(0, at);
      const written = before.findLastIndex((call) => isWriteTo(call, from));
      const synced = before.findLastIndex((call) => isSyncOf(call, from));
      const next = calls.slice(at + 1).find(({ name }) => CHANGES.includes(name));
      const isDurable = synced > written && next !== undefined && isSyncOf(next, dirname(to));
      (isDurable ? durable : others).push(to.slice(job.dir.length + 1));
    }
    for (const path of others) expect(path).toMatch(/^batch_results\/[^/]+\/out\/|^\.batchctl\/locks\//);
    const names = durable.map((path) => path.replace(/^(batch_\w+)\/[^/]+\//, '$1/'));
    expect(names).toEqual(
      expect.arrayContaining([
        'batch_requests/records.jsonl',
        'batch_requests/job.json',
        ...['notes', 'report'].flatMap((stage) =>
          ['0001', '0002'].flatMap((number) => [
            `batch_requests/${stage}-${number}.jsonl`,
            `batch_results/${stage}-${number}.raw.jsonl`,
          ]),
        ),
        'batch_results/results.partial.jsonl',
        'batch_results/results.jsonl',
        'batch_results/failed.jsonl',
        'batch_results/summary.json',
      ]),
    );
    expect(names.filter((path) => path.includes('/out/'))).toEqual([]);
  });

  it('every commit of the store is fsynced before anything else is written, sent or said, but for rows that wait for a later one', () => {
    const commits = calls.flatMap((call, at) => (isWal(call) && isCommitFrame(call) ? [at] : []));
    // Building, four submissions of three commits each, results, a later stage: a run has some fifty.
    expect(commits.length).toBeGreaterThan(30);
    const ahead: number[] = [];
    for (const at of commits) {
      const wal = pathOf(calls[at] as Syscall); // `at` is one of its places
      const rest = calls.slice(at + 1).filter(({ name }) => CHANGES.includes(name));
      // The page of the frame follows its head.
      const next = rest.find((call) => !(isWal(call) && call.name === 'pwrite64'));
      if (next !== undefined && isSyncOf(next, wal)) continue;
      ahead.push(at);
      // Files that nothing names yet may be written first; nothing is sent, and no answer printed.
      const first = rest.find((call) => isSyncOf(call, wal) || targetOf(call) === 'socket');
      expect(first !== undefined && isSyncOf(first, wal), JSON.stringify(first)).toBe(true);
    }
    // The rows of the two stages, and the outcomes of the four batches.
    expect(ahead.length).toBeLessThanOrEqual(ROWS_AHEAD);
  });

  it('the seal is committed and fsynced between the body and the last two bytes of each create', () => {
    const tails = calls.flatMap((call, at) =>
      targetOf(call) === 'socket' && call.args.includes('"]}"') ? [at] : [],
    );
    expect(tails).toHaveLength(BATCHES);
    for (const at of tails) {
      const tail = calls[at] as Syscall; // `at` is one of its places
      const body = calls.slice(0, at).findLastIndex((call) => isWriteTo(call, pathOf(tail) ?? ''));
      const between = calls.slice(body + 1, at);
      const sealed = between.findLastIndex(
        (call) => isWal(call) && call.name === 'pwrite64' && bytesOf(call).includes('sealed'),
      );
      expect(sealed).toBeGreaterThanOrEqual(0);
      expect(between.slice(sealed).some((call) => isSyncOf(call, pathOf(between[sealed] as Syscall)))).toBe(
        true,
      ); // same
      // Nothing else is begun in between: the last call before the tail is that fsync.
      expect(between.findLast(({ name }) => CHANGES.includes(name))?.name).toBe('fsync');
    }
  });

  it('a batch id is fsynced in the store, then in the receipts, before a word is said about it', () => {
    const said = new Map<string, number>();
    for (const [at, call] of calls.entries()) {
      if (targetOf(call) !== 'std') continue;
      for (const [id] of bytesOf(call)
        .toString('latin1')
        .matchAll(/msgbatch_\w+/g))
        if (!said.has(id)) said.set(id, at);
    }
    expect(said.size).toBe(BATCHES);
    const receipts = join(job.dir, '.batchctl/receipts.jsonl');
    for (const [id, at] of said) {
      const before = calls.slice(0, at);
      const names = (call: Syscall): boolean => bytesOf(call).includes(id);
      const committed = before.findIndex((call) => isWal(call) && call.name === 'pwrite64' && names(call));
      const receipt = before.findIndex((call) => isWriteTo(call, receipts) && names(call));
      expect(committed).toBeGreaterThanOrEqual(0);
      const synced = before.findIndex(
        (call, place) => place > committed && isWal(call) && call.name === 'fsync',
      );
      expect(synced).toBeGreaterThan(committed);
      expect(receipt).toBeGreaterThan(synced);
      expect(before.slice(receipt).some((call) => isSyncOf(call, receipts))).toBe(true);
    }
  });

  it('receipts are only ever appended to', () => {
    const opened = calls.filter(
      (call) => call.name === 'openat' && pathsIn(call)[0]?.endsWith('/receipts.jsonl'),
    );
    const forWriting = opened.filter(({ args }) => /O_WRONLY|O_RDWR/.test(args));
    expect(forWriting).toHaveLength(BATCHES);
    for (const { args } of forWriting) {
      expect(args).toContain('O_APPEND');
      expect(args).not.toContain('O_TRUNC');
    }
  });
});
