import { expect } from 'vitest';
import { RESUME, SUBMIT } from '../bench.ts';
import type { FaultRow } from '../row.ts';

/** Goals in numbers. */
export const goalsRows: readonly FaultRow[] = [
  {
    row: 'G1',
    fault: 'enumerated kills',
    expected: 'every failpoint (>= 45) × {1, 3 shards} × {fresh, resumed}: 0 lost, 0 duplicated',
    shownBy: [
      {
        file: 'crash/syscalls.test.ts',
        title: 'is carried on to one batch a shard and one answer a row',
      },
      { file: 'sim/sim.test.ts', title: 'at least 100 of the processes were killed' },
    ],
    reason:
      'The program has no failpoints of its own: each moment between two of its effects is a moment between two system calls, and all of those are struck (G2). The moments around a create are named in failpoint.ts and struck in C2 to C6 and D1, and by the simulation, which kills by what the server sees.',
  },
  {
    row: 'G2',
    fault: 'a kill at each system call that changes something',
    expected:
      'of a small job (some 860 calls) all by `npm run crash`, 64 in CI: nothing paid twice, nothing lost',
    shownBy: [
      {
        file: 'crash/syscalls.test.ts',
        title: 'is carried on to one batch a shard and one answer a row',
      },
      { file: 'crash/syscalls.test.ts', title: 'nearly every point was really struck' },
    ],
  },
  {
    row: 'G3',
    fault: 'an error from each system call that changes something',
    expected: 'EIO and ENOSPC: a good end or a documented exit code and error, and the next run carries on',
    shownBy: [
      {
        file: 'crash/syscalls.test.ts',
        title: 'is carried on to one batch a shard and one answer a row',
      },
      {
        file: 'crash/syscalls.test.ts',
        title: 'a run makes every kind of call that the sample is drawn from, some hundreds in all',
      },
      { file: 'crash/struck-places.test.ts', title: 'too many open files at an output' },
    ],
    reason:
      'EINTR is not injected: libuv and SQLite repeat the call themselves, so nothing of it reaches the program.',
  },
  {
    row: 'G4',
    fault: 'random processes',
    expected:
      '500 seeds/night, 1-10 kills each, all faults armed FoundationDB-style: 0 lost, 0 duplicated over >= 10,000 kills per month (95% upper bound 3/n = 0.03% per kill)',
    shownBy: [
      {
        file: 'sim/sim.test.ts',
        title: 'no batch is paid that nobody adopted, no row twice or on another’s place, and no doubt stays',
      },
      { file: 'sim/sim.test.ts', title: 'at least 100 of the processes were killed' },
    ],
    reason: 'In CI 150 seeds; as many as one likes by `npm run sim -- --seed N --runs M`.',
  },
  {
    row: 'G5',
    fault: 'simulation',
    expected: '100,000 seeds/night with virtual clock in one process, >= 50/s per core',
    reason:
      'Not built: SQLite, files and HTTP are real in every test of batchctl, and a simulation of them would test the simulation. G4 runs the real program instead, slower by far; what is pure (core/doubt, core/gone, core/backoff) is held by tables of values.',
  },
  {
    row: 'G6',
    fault: 'bad inputs',
    expected:
      'corpus K >= 150 files (>= 40 CSV, 40 JSONL, 30 databases, 40 result streams): each has a golden {exit code, error code, line}, no stack trace, < 5 s, RSS < 200 MB',
    shownBy: [
      { file: 'corpus/golden.jsonl', title: 'a gzip bomb of blank lines is stopped' },
      {
        file: 'corpus/corpus.test.ts',
        title: 'bad input: the program says where, sends nothing, and needs neither time nor memory for it',
      },
    ],
  },
  {
    row: 'G7',
    fault: 'fuzz',
    expected:
      '10^6 iterations each on JSONL splitter, CSV, template, result parser, name encoder: no crash, no hang > 1 s',
    shownBy: [{ file: 'fuzz/properties.test.ts', title: 'whatever the text is' }],
  },
  {
    row: 'G8a',
    fault: 'assumption switches',
    expected:
      'the whole of G1 and 200 seeds of G4 pass with each server assumption switch (meaning of `created_at`, list order and lag, cursor semantics, 404 flaps, counts moving early, Date missing) in each position',
    shownBy: [
      { file: 'sim/sim.test.ts', title: 'every promise is kept in at least' },
      { file: 'steps/walk-batches.test.ts', title: 'goes to the end where they come in another order' },
      { file: 'core/doubt.test.ts', title: 'is looked for around this machine’s clock too' },
      { file: 'emulator/switches.test.ts', title: 'what a client may assume of the list' },
    ],
  },
  {
    row: 'G8',
    fault: 'ambiguity',
    expected:
      'of all sealed-and-lost creates in G4: 100% adopted or proved absent, 0 STUCK in the fault model without deletion; median time to verdict <= settle + 10%',
    shownBy: [
      {
        file: 'sim/sim.test.ts',
        title: 'the server was asked for batches whose answer was lost, and doubts ended both ways',
      },
      { file: 'core/doubt.test.ts', title: 'results that do not say whose they are' },
    ],
    reason:
      'The verdict comes with the look at the settle time and one second, the precision of `Date`; where a run is killed meanwhile it comes with the next one, so that a median over killed runs says nothing.',
  },
  {
    row: 'G9',
    fault: 'upgrades',
    expected: 'each released schema fixture opens, migrates, rolls back on kill at every step',
    shownBy: [
      {
        file: 'store/migrate-kill.test.ts',
        title:
          'what a kill leaves at each step of a migration is an old schema or the newest, and the next program goes on',
      },
      {
        file: 'store/migrate-kill.test.ts',
        title: 'a store of schema %i loses no value of any state, and what it was is kept beside it',
      },
    ],
  },
  {
    row: 'G10',
    fault: 'many jobs, one after another, in one process and on one emulator',
    expected: 'memory, handles, write-ahead logs and the time a job takes stay as they were',
    shownBy: [
      {
        file: 'soak/soak.test.ts',
        title: 'jobs in one process leave no memory, no handle and no log behind',
      },
    ],
    reason: 'hours of it are nothing for a suite: npm run soak does as many jobs as it is asked to',
  },
  {
    row: 'G11',
    fault: 'secrets',
    expected: 'canary key in 0 produced bytes',
    shownBy: [
      {
        file: 'support/suite-folder.ts',
        title: 'the API key of the tests was found in what the suite produced',
      },
    ],
  },
  {
    row: 'G12',
    fault: 'a large job is killed at the end of its download',
    expected: 'the next run goes on with what is on disk; for 100,000 requests within 2 s of processor time',
    cases: [
      {
        says: 'a run that was killed while it wrote the answers downloads nothing again',
        steps: [
          { args: SUBMIT, failpoint: 'open:/out/=kill', exit: 'SIGKILL', batches: 2 },
          {
            args: RESUME,
            exit: 0,
            after: async (bench) =>
              expect((await bench.truth()).calls['GET /v1/messages/batches/{id}/results']).toBe(2),
          },
        ],
      },
    ],
    reason:
      'the time is measured by hand, not tested: on a busy machine it would say something of the machine',
  },
  {
    row: 'G13',
    fault: 'replay',
    expected: 'fold(event log) = tables after every test',
    reason:
      'The tables are the state here and the events are told from them, in the same transaction: nothing is ever read back from an event but a late payment. What a fold would catch, a table that no event explains, is refused by the guards of each write and the CHECKs of the schema.',
  },
  {
    row: 'G14',
    fault: 'no hidden POST',
    expected: 'fault server sees exactly one POST per sealed or unsealed attempt',
    shownBy: [
      {
        file: 'sim/sim.test.ts',
        title: 'no batch is paid that nobody adopted, no row twice or on another’s place, and no doubt stays',
      },
      { file: 'faults/bench.ts', title: 'truth.posts.length).toBeLessThanOrEqual' },
    ],
    reason: 'At most one: of an attempt that is killed before it has connected the server sees none.',
  },
  {
    row: 'G15',
    fault: 'coverage of errors',
    expected: 'every error code in the docs is produced by at least one test and vice versa',
    shownBy: [
      { file: 'errors.test.ts', title: 'docs/errors.md lists every code of the program, and no other' },
      {
        file: 'errors.test.ts',
        title: 'every code is written out where it is given, so that the list is whole',
      },
      { file: 'errors.test.ts', title: 'every code is asserted in a test' },
      {
        file: 'cli/error-codes.test.ts',
        title: 'what a user mistypes has a code of its own, and sends nothing',
      },
    ],
  },
];
