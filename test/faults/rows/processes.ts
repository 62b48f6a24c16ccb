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
    shownBy: [
      {
        file: 'crash/older-store.test.ts',
        title: '$what is noticed before anything is sent, and the user’s word takes in what it had forgotten',
      },
      {
        file: 'crash/older-store.test.ts',
        title: 'after a seal without an answer, which no receipt tells of, is noticed too',
      },
      {
        file: 'crash/older-store.test.ts',
        title: 'learns from the results of ended batches that its shards were sent, and takes them in',
      },
      {
        file: 'crash/older-store.test.ts',
        title: 'stops at batches of its counts that have not ended, until the user says whose they are',
      },
      {
        file: 'crash/copied-files.test.ts',
        title:
          'copies of the files, taken at any moment of a run, open and carry on, and pay for nothing again',
      },
    ],
  },
  {
    row: 'Q5',
    fault: 'Two versions of batchctl at once',
    expected: 'Newer migrates under an exclusive lock; older then gets "newer schema", exit 6',
    shownBy: [
      {
        file: 'store/upgrade.test.ts',
        title: 'programs that open the same store of an old schema at once lose nothing of it',
      },
      {
        file: 'store/open.test.ts',
        title: 'a newer store is refused with the version that is needed, and not touched',
      },
    ],
  },
  {
    row: 'M1',
    fault: 'Older schema',
    expected:
      'Online backup to `state.db.v<n>.bak` (fsynced), then one IMMEDIATE transaction with all steps and the version bump; `application_id` checked',
    shownBy: [
      {
        file: 'store/migrate-kill.test.ts',
        title: 'a store of schema %i loses no value of any state, and what it was is kept beside it',
      },
      {
        file: 'store/open.test.ts',
        title: 'a database with another application id is refused even when it is empty',
      },
    ],
    reason: 'a transaction a migration, not one for all: each leaves a schema that the next one goes on from',
  },
  {
    row: 'M2',
    fault: 'Kill at any point of the migration',
    expected: 'Old or new, never between',
    shownBy: [
      {
        file: 'store/migrate-kill.test.ts',
        title:
          'what a kill leaves at each step of a migration is an old schema or the newest, and the next program goes on',
      },
      {
        file: 'store/migrate-kill.test.ts',
        title: 'a program killed at step %i of a migration loses nothing',
      },
    ],
  },
  {
    row: 'M3',
    fault: 'Newer schema, or a foreign SQLite file',
    expected:
      'Opens read-only for `status`/`export` when possible, else exit 6 with the needed version; writes nothing',
    shownBy: [
      {
        file: 'store/open.test.ts',
        title: 'a newer store is refused with the version that is needed, and not touched',
      },
      { file: 'store/open.test.ts', title: 'a database of another program is refused and not touched' },
    ],
    reason: 'a newer store is not read at all: what its columns mean is not known to an older program',
  },
  {
    row: 'M4',
    fault: 'Corrupt page, truncated file, zero-byte file, missing WAL, stale `-shm`, deleted hot WAL',
    expected:
      '`quick_check` on open after an unclean shutdown; on damage: do not write; keep the file; offer `doctor --rebuild` = new DB from receipts + raw results files + remote list',
    shownBy: [
      { file: 'cli/doctor.test.ts', title: 'a database with a destroyed page' },
      {
        file: 'crash/rebuild-done.test.ts',
        title: 'is done again after the database was %s, with the same rows',
      },
      {
        file: 'crash/rebuild.test.ts',
        title: 'at any moment leaves the old database or the new one, and the next one ends it',
      },
      {
        file: 'crash/damaged-store.test.ts',
        title: 'ends no command without a word, and nothing is paid twice: $what',
      },
      { file: 'store/open.test.ts', title: 'a store that was cut short is told at once' },
    ],
    reason:
      'no quick_check at opening, which reads all of it and leaves the indexes out: the tables that say what was sent are checked with their indexes before a run writes anything',
  },
  {
    row: 'M5',
    fault: 'ENOSPC in backup or migration',
    expected: 'Nothing changed, exit 6, bytes needed',
    shownBy: [
      {
        file: 'crash/poor-disk.test.ts',
        title:
          'because it has no room for the copy before a migration leaves the store as it was, and says how much it takes',
      },
      {
        file: 'store/migrate-kill.test.ts',
        title: 'a copy that cannot be made leaves the store byte for byte as it was',
      },
    ],
  },
  {
    row: 'M6',
    fault: 'Wrong file modes (group/world readable)',
    expected: 'Warn once and tighten files we own (0600, directory 0700)',
    shownBy: [
      {
        file: 'security/modes.test.ts',
        title: 'what an earlier version left open to others is closed, and told once',
      },
      { file: 'store/open.test.ts', title: 'a store that others can read is tightened' },
      { file: 'cli/doctor.test.ts', title: 'a database that others may read' },
      { file: 'store/open.test.ts', title: 'the folder and the files of a store are its owner’s alone' },
    ],
  },
];
