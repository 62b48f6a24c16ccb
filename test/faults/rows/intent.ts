import { expect } from 'vitest';
import { type FaultBench, RESUME, SUBMIT } from '../bench.ts';
import type { FaultRow } from '../row.ts';

/** Intent and record. */
export const intentRows: readonly FaultRow[] = [
  {
    row: 'I1',
    fault: 'the program is killed around the commit that begins a submission',
    expected:
      'before it the shard is built; after it the next run finds an upload without a seal, and sends again at once',
    cases: [
      {
        says: 'a submission that was begun and never sealed is sent again without waiting for a doubt to settle',
        steps: [
          { args: SUBMIT, failpoint: 'upload.first=kill', exit: 'SIGKILL', batches: 0 },
          {
            args: RESUME,
            exit: 0,
            batches: 2,
            after: (bench) => expect(states(bench)).toEqual({ aborted: 1, created: 2 }),
          },
        ],
      },
    ],
  },
  {
    row: 'I2',
    fault: 'the fsync of the seal fails',
    expected: 'the last two bytes are not sent, exit 6, no batch; the next run sends the shard again',
    shownBy: [{ file: 'crash/struck-places.test.ts', title: 'a seal whose fsync fails' }],
  },
  {
    row: 'I3',
    fault: 'the disk is full when the seal is committed',
    expected: 'as I2: the last two bytes are not sent, exit 6, and the next run sends the shard again',
    shownBy: [
      { file: 'crash/struck-places.test.ts', title: 'a seal that finds the disk full at its write' },
      { file: 'crash/struck-places.test.ts', title: 'a seal that finds the disk full at its fsync' },
      {
        file: 'crash/disk-full.test.ts',
        title: 'at any size while submitting never leads to a second batch',
      },
    ],
    reason:
      'No ballast file: a seal that cannot be committed sends nothing, and what cannot be recorded is found again by the next run, so there is nothing that room held back would save.',
  },
  {
    row: 'I4',
    fault: 'a commit is reported and would not survive a power cut',
    expected: 'synchronous = FULL: each commit is fsynced before anything else is written, sent or said',
    shownBy: [
      {
        file: 'crash/write-order.test.ts',
        title:
          'every commit of the store is fsynced before anything else is written, sent or said, but for rows that wait for a later one',
      },
      {
        file: 'crash/write-order.test.ts',
        title: 'the seal is committed and fsynced between the body and the last two bytes of each create',
      },
      {
        file: 'crash/write-order.test.ts',
        title: 'a batch id is fsynced in the store, then in the receipts, before a word is said about it',
      },
    ],
  },
  {
    row: 'I5',
    fault: 'DB locked by another process > 5 s',
    expected: 'Retry with jitter up to 30 s, then exit 6 naming holder pid and command',
    shownBy: [
      {
        file: 'store/open.test.ts',
        title: 'a full disk, a read-only store and a busy one each have their own code',
      },
    ],
    reason:
      'SQLite waits 30 s, with a back-off of its own; who holds a database is not known to it, so that a holder is named for the locks of jobs and of sealing alone',
  },
  {
    row: 'I6',
    fault: 'DB on a network file system',
    expected: 'Detected (file-system type); refused with a named override; WAL does not work there',
    shownBy: [
      { file: 'cli/doctor.test.ts', title: 'a network file system is named, with what it does to the store' },
    ],
    reason:
      'It is not refused by its name: one machine alone may use it well. Where the log cannot be shared the store refuses itself (`store_io`), and `doctor` names the file system.',
  },
  {
    row: 'I7',
    fault: 'Two connections in WAL with an SQLite older than 3.51.3 (WAL-reset bug, fixed 2026-03)',
    expected: 'Start-up asserts `sqlite_version() >= 3.51.3`',
    shownBy: [{ file: 'store/open.test.ts', title: 'an SQLite with the WAL-reset bug is refused' }],
  },
  {
    row: 'D1',
    fault: 'the program is killed between the answer and the commit of the batch id',
    expected: 'sealed on the disk: the next run is in doubt, finds the batch and takes it',
    cases: [
      {
        says: 'a batch whose id was never committed is found by its count and proven by its nonce',
        steps: [
          { args: SUBMIT, failpoint: 'create.answer=kill', exit: 'SIGKILL', posts: 1, batches: 1 },
          {
            args: RESUME,
            exit: 0,
            posts: 2,
            after: (bench) => expect(states(bench)).toEqual({ created: 2 }),
          },
        ],
      },
    ],
  },
  {
    row: 'D2',
    fault: 'DB cannot be written (ENOSPC, EIO, EROFS, locked)',
    expected:
      'In order: drop the ballast and retry; append to `receipts.jsonl` beside the output; write a receipt in the OS temp directory; print the id on stderr in one line. Exit 6',
    shownBy: [
      {
        file: 'crash/poor-disk.test.ts',
        title:
          'because it became full between the seal and the answer leaves with 6, names the batch, and it is found again',
      },
      {
        file: 'steps/order.test.ts',
        title:
          'a created batch whose id cannot be committed is named, kept in the receipts, and adopted by the next run',
      },
    ],
    reason:
      'no ballast and no receipt elsewhere: the seal is committed already, so the batch is found again from the account without either',
  },
  {
    row: 'D3',
    fault: 'the batch id is committed, its receipt is not written',
    expected: 'the next run writes the receipt that is missing',
    shownBy: [
      {
        file: 'steps/mend-receipts.test.ts',
        title: 'a receipt that a crash has lost is written by the next run, and no other one twice',
      },
      {
        file: 'steps/mend-receipts.test.ts',
        title: 'a batch that was found again after a lost answer has its receipt as soon as it is proven',
      },
    ],
  },
  {
    row: 'D4',
    fault: 'Id longer or of another format than today’s',
    expected: 'Stored as opaque text up to 256 characters; never parsed; escaped in URLs and in file names',
    cases: ['dots', 'slashes', 'marks', 'long'].map((form) => ({
      says: `a job whose batch ids have the form «${form}» ends as any other`,
      records: 4,
      steps: [{ args: SUBMIT, faults: [`odd-ids=${form}`], exit: 0, posts: 1 }],
    })),
    shownBy: [
      {
        file: 'adopt/odd-ids.test.ts',
        title: 'two that differ only in their marks have a file each, of a length that every disk takes',
      },
    ],
  },
];

/** How many submissions the store has in each state. */
function states(bench: FaultBench): Record<string, unknown> {
  const rows = bench.select('SELECT state, COUNT(*) AS count FROM submissions GROUP BY state ORDER BY state');
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
}
