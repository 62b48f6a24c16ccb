import type { FaultRow } from '../row.ts';

/** Two processes and the database file. */
export const processesRows: readonly FaultRow[] = [
  {
    row: 'Q1',
    fault: 'Both start `run` on one job',
    expected:
      'Shards are claimed one by one with a guarded UPDATE in an IMMEDIATE transaction; 8 processes × 200 rows: 0 double claims . Second process says what the first is doing, then helps or waits',
    shownBy: [
      {
        file: 'crash/locks.test.ts',
        title: 'goes to one of eight processes that submit the same content at once',
      },
      {
        file: 'crash/locks.test.ts',
        title: 'is nobody else’s: every command that would work on it names the holder and leaves with 6',
      },
      {
        file: 'store/seal-race.test.ts',
        title: 'of eight programs that claim the shards of a job, each shard has one',
      },
    ],
  },
  {
    row: 'Q2',
    fault: 'Holder is SIGSTOPped, another takes over, holder wakes',
    expected:
      'Seal commit is conditional on the claim epoch: 0 rows changed = abort, tail not sent. Tail must follow its seal within 5 s (both clocks) or is not sent',
    shownBy: [
      {
        file: 'crash/locks.test.ts',
        title: 'holds its locks, and does not send the tail of a seal that is older than five seconds',
      },
      {
        file: 'crash/locks.test.ts',
        title: 'and killed leaves its locks free at once, and its shard to be proven absent',
      },
      {
        file: 'store/seal-race.test.ts',
        title: 'a run that was taken for dead loses its seal to the one that took over',
      },
    ],
  },
  {
    row: 'Q3',
    fault: 'Pid re-used, container restart, other host',
    expected:
      'Liveness = host id + boot id + pid + process start time; other host = lease time only, and never for SEALED',
    shownBy: [
      {
        file: 'store/locks.test.ts',
        title: 'a name whose number is another program’s by now is not given for the holder',
      },
      {
        file: 'store/locks.test.ts',
        title: 'a lock is free the moment its holder was killed, and what it left is not believed',
      },
    ],
  },
  {
    row: 'Q4',
    fault: 'State directory copied to a second machine, or restored from backup',
    expected:
      'Lineage + serial + receipts (2.7): detects "this state is older than its receipts" and "batches exist here that this state does not know". Exit 7',
  },
  {
    row: 'Q5',
    fault: 'Two versions of batchctl at once',
    expected: 'Newer migrates under an exclusive lock; older then gets "newer schema", exit 6',
  },
  {
    row: 'M1',
    fault: 'Older schema',
    expected:
      'Online backup to `state.db.v<n>.bak` (fsynced), then one IMMEDIATE transaction with all steps and the version bump; `application_id` checked',
  },
  {
    row: 'M2',
    fault: 'Kill at any point of the migration',
    expected: 'Old or new, never between',
  },
  {
    row: 'M3',
    fault: 'Newer schema, or a foreign SQLite file',
    expected:
      'Opens read-only for `status`/`export` when possible, else exit 6 with the needed version; writes nothing',
  },
  {
    row: 'M4',
    fault: 'Corrupt page, truncated file, zero-byte file, missing WAL, stale `-shm`, deleted hot WAL',
    expected:
      '`quick_check` on open after an unclean shutdown; on damage: do not write; keep the file; offer `doctor --rebuild` = new DB from receipts + raw results files + remote list',
  },
  {
    row: 'M5',
    fault: 'ENOSPC in backup or migration',
    expected: 'Nothing changed, exit 6, bytes needed',
  },
  {
    row: 'M6',
    fault: 'Wrong file modes (group/world readable)',
    expected: 'Warn once and tighten files we own (0600, directory 0700)',
  },
];
