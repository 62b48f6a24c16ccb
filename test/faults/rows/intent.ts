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
    fault: 'fsync fails (EIO) on the seal commit',
    expected: 'Tail is not sent; connection closed; exit 6. Do not re-fsync and go on',
  },
  {
    row: 'I3',
    fault: 'ENOSPC on the seal commit',
    expected:
      'Same. A ballast file (1 MiB) in the state directory is deleted to make room for recording; submitting stops. After SQLITE_FULL a small write can still work and integrity holds ',
  },
  {
    row: 'I4',
    fault: 'Commit reported but not durable',
    expected:
      'Prevented by FULL; the order test counts at least one fsync between the seal write and the tail’s send',
  },
  {
    row: 'I5',
    fault: 'DB locked by another process > 5 s',
    expected: 'Retry with jitter up to 30 s, then exit 6 naming holder pid and command',
  },
  {
    row: 'I6',
    fault: 'DB on a network file system',
    expected: 'Detected (file-system type); refused with a named override; WAL does not work there',
  },
  {
    row: 'I7',
    fault: 'Two connections in WAL with an SQLite older than 3.51.3 (WAL-reset bug, fixed 2026-03)',
    expected: 'Start-up asserts `sqlite_version() >= 3.51.3`',
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
  },
  {
    row: 'D3',
    fault: 'Commit done, receipt not',
    expected: 'Next start rewrites missing receipts',
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
