import { expect } from 'vitest';
import { allEnded, RESUME, RETRIEVE, SUBMIT } from '../bench.ts';
import type { FaultRow } from '../row.ts';

const PACE = ['--settle', '2s', '--interval', '100ms'];

/** Retry and cancel. */
export const retryRows: readonly FaultRow[] = [
  {
    row: 'T1',
    fault: '`errored` with `invalid_request_error`',
    expected: 'Never auto-retried; grouped by message; "fix the input, then `retry --include invalid`"',
    cases: [
      {
        says: 'rows that the API refused are not sent again, save by force',
        steps: [
          { args: SUBMIT, faults: ['rows-invalid=1'], exit: 3, posts: 2 },
          { args: ['retry', 'latest', ...PACE], exit: 3, posts: 2 },
          { args: ['retry', 'latest', '--force', ...PACE], faults: [], exit: 0, posts: 4 },
        ],
        ends: { batches: 4, sent: 30 },
      },
    ],
  },
  {
    row: 'T2',
    fault: '`errored` (api/overloaded), `expired`',
    expected: 'Retryable; new shard, new attempt number, same row id; shows count and cost first',
    cases: [
      ...['rows-overloaded', 'rows-expired'].map((fault) => ({
        says: `what ended as ${fault} goes out again as its next attempt, and is not paid before`,
        steps: [
          { args: SUBMIT, faults: [`${fault}=1`], exit: 3, posts: 2 },
          { args: ['retry', 'latest', ...PACE], faults: [], exit: 0, posts: 4 },
        ],
        ends: { batches: 4, sent: 30 },
      })),
    ],
  },
  {
    row: 'T3',
    fault: '`canceled`',
    expected: 'Only with `--include canceled`',
    cases: [
      {
        says: 'canceled rows are sent again by nothing but a retry',
        batchSeconds: 600,
        steps: [
          { args: [...SUBMIT, '--submit-only'], exit: 0 },
          { args: ['cancel', 'latest'], exit: 0 },
          { args: RETRIEVE, exit: 3 },
          { args: RESUME, exit: 3, posts: 2 },
        ],
        ends: { state: 'canceled', succeeded: 0, failures: { canceled: 15 } },
      },
    ],
    shownBy: [{ file: 'steps/retry.test.ts', title: 'rows of a canceled job go out again when asked for' }],
  },
  {
    row: 'T4',
    fault: 'Run `retry` twice at once, or kill in the middle',
    expected: 'Selection + new shard rows in one IMMEDIATE transaction; unique (row, attempt)',
    cases: [
      {
        says: 'a retry that was killed while its shards were written is one retry in the end',
        steps: [
          { args: SUBMIT, faults: ['rows-errored=1'], exit: 3, posts: 2 },
          {
            args: ['retry', 'latest', ...PACE],
            faults: [],
            failpoint: 'rename:main-0003=kill',
            exit: 'SIGKILL',
            posts: 2,
          },
          { args: ['retry', 'latest', ...PACE], exit: 0, posts: 4 },
        ],
        ends: { batches: 4, sent: 30 },
      },
      {
        says: 'a retry that was killed as its first batch was made is one retry in the end',
        steps: [
          { args: SUBMIT, faults: ['rows-errored=1'], exit: 3, posts: 2 },
          {
            args: ['retry', 'latest', ...PACE],
            faults: [],
            failpoint: 'create.answer=kill',
            exit: 'SIGKILL',
            posts: 3,
          },
          { args: RESUME, exit: 0, posts: 4 },
        ],
        ends: { batches: 4, sent: 30 },
      },
    ],
    shownBy: [
      {
        file: 'crash/locks.test.ts',
        title: 'is nobody else’s: every command that would work on it names the holder and leaves with 6',
      },
    ],
  },
  {
    row: 'T5',
    fault: 'Retry while the first attempt is still ambiguous or in progress',
    expected: 'Refused for those rows',
    cases: [
      {
        says: 'rows that are in progress are not sent again by retry',
        batchSeconds: 1.5,
        steps: [
          { args: [...SUBMIT, '--submit-only'], exit: 0, posts: 2 },
          { args: ['retry', 'latest', ...PACE], exit: 0, posts: 2 },
        ],
      },
      {
        says: 'rows in doubt are not sent again by retry, not even by force',
        steps: [
          { args: SUBMIT, failpoint: 'create.answer=kill', exit: 'SIGKILL', posts: 1 },
          { args: ['retry', 'latest', '--force', ...PACE], exit: 0, posts: 2 },
        ],
      },
    ],
  },
  {
    row: 'T6',
    fault: 'Old attempt succeeds late (late duplicate)',
    expected:
      'Row keeps the first terminal success; the other is stored, flagged `duplicate_paid` in the report',
    shownBy: [
      {
        file: 'steps/late-duplicates.test.ts',
        title: 'answers for the rows that have no success, and for no other',
      },
      {
        file: 'steps/take-late.test.ts',
        title: 'a row whose second attempt failed takes the answer of the first one when that turns up',
      },
      {
        file: 'steps/late-duplicates.test.ts',
        title: 'is kept beside the answers that count, and its cost is part of the job’s',
      },
      {
        file: 'steps/late-duplicates.test.ts',
        title: 'is proven by verify to be as it was kept',
      },
      {
        file: 'steps/late-duplicates.test.ts',
        title: 'whose results cannot be had at first is kept at the next look, also of a job that is done',
      },
    ],
  },
  {
    row: 'T7',
    fault: '`max_tokens` / refusal / `pause_turn` stop reasons',
    expected: 'Not errors: separate filters',
    cases: [
      ...Object.entries({ 'rows-truncated': 'truncated', 'rows-paused': 'paused' }).map(
        ([fault, failure]) => ({
          says: `an answer that is ${failure} succeeded at the API and failed by a class of its own`,
          steps: [{ args: SUBMIT, faults: [`${fault}=1`], exit: 3, posts: 2 }],
          ends: { succeeded: 0, failures: { [failure]: 15 } },
        }),
      ),
    ],
  },
  {
    row: 'K1',
    fault: 'Response lost',
    expected: 'Cancel is safe to repeat; poll decides',
    cases: [
      {
        says: 'a cancel whose answer was lost may be said again',
        batchSeconds: 600,
        steps: [
          { args: [...SUBMIT, '--submit-only'], exit: 0 },
          { args: ['cancel', 'latest'], failpoint: 'cancel.answer=kill', exit: 'SIGKILL' },
          { args: ['cancel', 'latest'], exit: 0 },
          { args: RETRIEVE, exit: 3, posts: 2 },
        ],
        ends: { state: 'canceled', succeeded: 0, failures: { canceled: 15 } },
      },
    ],
  },
  {
    row: 'K2',
    fault: 'Batch ended meanwhile (400/409)',
    expected: 'Treated as done; results fetched',
    cases: [
      {
        says: 'a cancel of a batch that has ended meanwhile keeps its results',
        steps: [
          { args: [...SUBMIT, '--submit-only'], exit: 0 },
          {
            args: ['cancel', 'latest'],
            exit: 0,
            before: allEnded,
          },
          { args: RETRIEVE, exit: 0, posts: 2 },
        ],
      },
    ],
  },
  {
    row: 'K3',
    fault: 'Partial results after cancel',
    expected: 'Downloaded and kept; rows split into succeeded / canceled',
    shownBy: [
      {
        file: 'steps/retry.test.ts',
        title: 'what a canceled batch has left is asked for in real time, and what it answered is not',
      },
      {
        file: 'steps/retrieve-results.test.ts',
        title: 'a job asked to cancel is canceled when rows were',
      },
    ],
  },
  {
    row: 'K4',
    fault: 'Cancel of an ambiguous shard',
    expected:
      'Cancels only a *verified* batch; a provisional candidate needs `--force` and prints why (it may be a colleague’s)',
    cases: [
      {
        says: 'a cancel leaves alone what may be a colleague’s, and says so',
        batchSeconds: 600,
        steps: [
          {
            args: SUBMIT,
            faults: ['colleague=1'],
            failpoint: 'create.answer=kill',
            exit: 'SIGKILL',
            posts: 1,
          },
          { args: [...RESUME, '--once'], exit: 8 },
          {
            args: ['cancel', 'latest'],
            exit: 0,
            after: async (bench) => {
              // Of the shard that was sent beside it, which is ours beyond doubt.
              expect((await bench.truth()).calls['POST /v1/messages/batches/{id}/cancel']).toBe(1);
              const { stderr } = await bench.run(['cancel', 'latest']);
              expect(stderr).toContain('shard 1 is in doubt: only results tell which batch is its own');
            },
          },
        ],
        ends: null,
      },
    ],
  },
  {
    row: 'K5',
    fault: 'Cancel of a job with unsent shards',
    expected: 'Unsent ones become CANCELED locally first, in one commit; then the API calls',
    cases: [
      {
        says: 'what was not sent is canceled before the API is asked, and a program killed in between sends nothing more',
        batchSeconds: 600,
        steps: [
          { args: SUBMIT, failpoint: 'upload.first=kill@3', exit: 'SIGKILL', batches: 1 },
          { args: ['cancel', 'latest'], failpoint: 'cancel.answer=kill', exit: 'SIGKILL' },
          { args: RESUME, exit: 3, batches: 1 },
        ],
        ends: { state: 'canceled', succeeded: 0, failures: { canceled: 15 }, batches: 1, sent: 10 },
      },
    ],
  },
];
