import type { FaultRow } from '../row.ts';

/** Intent and record. */
export const intentRows: readonly FaultRow[] = [
  {
    row: 'I1',
    fault: 'Kill before / after `claim.commit`',
    expected: 'Before: PLANNED. After: claim is broken at once if pid + start time + boot id are dead',
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
    fault: 'Kill between response and commit',
    expected: 'SEALED on disk → RECONCILE adopts it',
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
    expected: 'Stored as opaque text up to 256 characters; never parsed; escaped in URLs',
  },
];
