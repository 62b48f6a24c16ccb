import { expect } from 'vitest';
import type { Truth } from '../../support/emulator-process.ts';
import { type FaultBench, RESUME, RETRIEVE, SUBMIT } from '../bench.ts';
import type { FaultCase, FaultRow } from '../row.ts';

/** The one that batchctl gives the emulator by itself. */
const EMULATOR_KEY = 'sk-emu-emulator';
const AWAY = { ANTHROPIC_API_KEY: 'sk-emu-away' };

const DAY_MS = 86_400_000;
const JUMPS = {
  'a day on': DAY_MS,
  'a day back': -DAY_MS,
  'to 2038': Date.UTC(2038, 0, 19, 3, 14, 8) - Date.now(),
};

function jumping(point: string, name: keyof typeof JUMPS): FaultCase {
  const [at = '', times = '1'] = point.split('@');
  return {
    says: `a clock that jumps ${name} at ${at} changes nothing`,
    steps: [{ args: SUBMIT, failpoint: `${at}=wall:${JUMPS[name]}@${times}`, exit: 0, posts: 2, batches: 2 }],
  };
}

/** Every row says so, and the job failed by it. */
async function expectMissing(bench: FaultBench): Promise<void> {
  expect((await bench.status()).state).toBe('failed');
  const rows = await bench.results();
  expect(rows.map(({ status, failure }) => `${status} ${failure}`)).toEqual(
    Array(bench.records).fill('missing missing'),
  );
}

const LIST = 'GET /v1/messages/batches';
const RETRIEVE_ONE = 'GET /v1/messages/batches/{id}';
let before: Truth['calls'] = {};

async function countCalls(bench: FaultBench): Promise<void> {
  before = (await bench.truth()).calls;
}

/** So many calls of each since then. */
function expectCalls(lists: number, retrieves: number): (bench: FaultBench) => Promise<void> {
  return async (bench) => {
    const { calls } = await bench.truth();
    const since = (route: string): number => (calls[route] ?? 0) - (before[route] ?? 0);
    expect([since(LIST), since(RETRIEVE_ONE)]).toEqual([lists, retrieves]);
  };
}

/** Poll. */
export const pollRows: readonly FaultRow[] = [
  {
    row: 'L1',
    fault: '404 once / flapping / lasting',
    expected:
      'Transient for >= 10 min and >= 5 answers and absent from a full list; then `REMOTE_GONE`, exit 5, no resubmission without `--resubmit-lost`',
    shownBy: [
      {
        file: 'steps/count-not-found.test.ts',
        title: 'a batch that the account’s list shows is not gone, however often it is not found by its id',
      },
    ],
    cases: [
      {
        says: 'a batch that is not found for a while after its create is waited for',
        steps: [{ args: SUBMIT, faults: ['not-found=0.6', 'list-lag=0.6'], exit: 0, posts: 2 }],
      },
      {
        says: 'a batch that comes and goes is waited for',
        batchSeconds: 0.6,
        steps: [{ args: SUBMIT, faults: ['list-lag=0.5', 'get-404@2'], exit: 0, posts: 2 }],
      },
      {
        says: 'a batch that is gone for good is named as missing, and nothing is sent again',
        steps: [
          { args: [...SUBMIT, '--submit-only'], exit: 0 },
          {
            args: [...RETRIEVE, '--settle', '1s'],
            faults: ['not-found=3600', 'list-lag=3600'],
            exit: 3,
            posts: 2,
            after: expectMissing,
          },
        ],
        ends: null,
      },
    ],
  },
  {
    row: 'L2',
    fault: '429 / 5xx / 529 / DNS down for hours',
    expected: 'Back-off to 5 min with jitter, no limit while before expiry; one line per change, not per try',
    shownBy: [
      { file: 'steps/outage.test.ts', title: 'is waited out with looks five minutes apart' },
      { file: 'cli/talk.test.ts', title: 'is said once, however often it is tried again' },
    ],
  },
  {
    row: 'L3',
    fault: '401 / 403 in the middle (key revoked, rotated)',
    expected:
      'Pause, keep state, exit 4: "batches keep running; set a key of the same workspace and run resume"',
    cases: [
      {
        says: 'a key that is revoked while a batch is in progress leaves with 4, says what goes on, and resume carries on',
        batchSeconds: 2,
        steps: [
          { args: [...SUBMIT, '--submit-only'], exit: 0 },
          {
            args: RETRIEVE,
            faults: [`key-revoked=${EMULATOR_KEY}`],
            exit: 4,
            error: 'key_refused',
            after: (_bench, { stderr }) =>
              expect(stderr).toContain('2 batches (15 requests) already sent go on meanwhile'),
          },
          { args: RESUME, faults: [], exit: 0, posts: 2 },
        ],
      },
      {
        says: 'a key that lost its rights leaves with 4, and resume carries on',
        steps: [
          { args: [...SUBMIT, '--submit-only'], exit: 0 },
          { args: RETRIEVE, faults: [`key-forbidden=${EMULATOR_KEY}`], exit: 4, error: 'key_forbidden' },
          { args: RESUME, faults: [], exit: 0, posts: 2 },
        ],
      },
      {
        says: 'a key that may not read results does not make a doubt the user’s to settle',
        steps: [
          { args: SUBMIT, failpoint: 'create.answer=kill', exit: 'SIGKILL', batches: 1 },
          {
            args: [...RESUME, '--once'],
            faults: [`key-forbidden=${EMULATOR_KEY}`],
            exit: 4,
            error: 'key_forbidden',
          },
          { args: RESUME, faults: [], exit: 0, posts: 2 },
        ],
      },
    ],
  },
  {
    row: 'L4',
    fault: 'Key of another workspace at resume',
    expected:
      'Header differs from the stored workspace id: refuse to reconcile or poll (404 there means nothing), exit 4',
    // Every key × every state: test/accounts.
    shownBy: [
      {
        file: 'accounts/key-matrix.test.ts',
        title: 'met with ',
      },
      {
        file: 'steps/doubt.test.ts',
        title: 'concludes nothing about a doubt',
      },
    ],
    cases: [
      {
        says: 'a key of another workspace sends nothing, takes no word for a doubt, and changes nothing',
        steps: [
          { args: SUBMIT, failpoint: 'create.answer=kill', exit: 'SIGKILL', posts: 1 },
          { args: [...RESUME, '--resubmit'], env: AWAY, exit: 4, error: 'other_workspace', posts: 1 },
          { args: ['cancel', 'latest'], env: AWAY, exit: 4, error: 'other_workspace', posts: 1 },
        ],
        ends: null,
      },
      {
        says: 'a key of another workspace makes no retry of what failed',
        steps: [
          { args: SUBMIT, faults: ['rows-errored=1'], exit: 3, posts: 2 },
          { args: ['retry', 'latest'], faults: [], env: AWAY, exit: 4, error: 'other_workspace', posts: 2 },
          { args: ['retry', 'latest', '--interval', '100ms'], exit: 0, posts: 4 },
        ],
        ends: { batches: 4, sent: 30 },
      },
    ],
  },
  {
    row: 'L5',
    fault: 'Clock skew, clock jumps back, DST, year 2038',
    expected: 'All deadlines from server time (Date offset) or monotonic; stored as UTC milliseconds',
    cases: [
      jumping('fence.answer', 'a day on'),
      jumping('create.answer', 'to 2038'),
      jumping('poll.answer@2', 'a day back'),
      ...[`wall:${JUMPS['a day on']}`, `wall:${JUMPS['a day back']}`, `monotonic:${DAY_MS}`].map((jump) => ({
        says: `a clock that jumps (${jump}) while a doubt is settled makes no second payment`,
        steps: [
          {
            args: SUBMIT,
            faults: ['list-lag=2.5'],
            failpoint: 'create.answer=kill',
            exit: 'SIGKILL' as const,
            posts: 1,
          },
          { args: [...RESUME, '--settle', '4s'], failpoint: `poll.answer=${jump}@2`, exit: 0, posts: 2 },
        ],
      })),
    ],
  },
  {
    row: 'L6',
    fault: 'Sleep / hibernate for 3 days',
    expected: 'Poll at once on wake; expiry noticed; results still there (29 days)',
    cases: [
      {
        says: 'a wall clock that is three days on between two looks ends nothing, and the results are fetched',
        batchSeconds: 2,
        steps: [
          { args: [...SUBMIT, '--submit-only'], exit: 0 },
          { args: RETRIEVE, failpoint: 'poll.answer=wall:259200000', exit: 0, posts: 2 },
        ],
      },
      {
        says: 'results that were removed while everything slept are named as missing, not sent again',
        steps: [
          { args: [...SUBMIT, '--submit-only'], exit: 0 },
          { args: RETRIEVE, faults: ['archive-after=0'], exit: 3, posts: 2, after: expectMissing },
        ],
        ends: null,
      },
    ],
  },
  {
    row: 'L7',
    fault: 'Unknown `processing_status`, missing or extra fields, counts not summing to N',
    expected: 'Unknown status = "not ended", warn once; counts mismatch at end = verification error',
    cases: [
      {
        says: 'an unknown status is not the end, and the batch is waited for',
        batchSeconds: 1,
        steps: [{ args: SUBMIT, faults: ['odd-status'], exit: 0, posts: 2 }],
      },
      {
        says: 'counts that move early end nothing',
        batchSeconds: 1,
        steps: [{ args: SUBMIT, faults: ['live-counts'], exit: 0, posts: 2 }],
      },
    ],
  },
  {
    row: 'L8',
    fault: 'Batch older than 24 h still `in_progress`',
    expected: 'Warn at `expires_at` + 10 min; keep polling slower',
    shownBy: [
      {
        file: 'steps/past-wait.test.ts',
        title:
          'a batch that does not end is waited for until a quarter of an hour past its expiry, by the server’s time',
      },
    ],
  },
  {
    row: 'L9',
    fault: 'Hundreds of open batches',
    expected:
      'One list call per page of 1000 instead of one call per batch; fall back to retrieve for ids not in the page',
    shownBy: [
      {
        file: 'steps/poll-budget.test.ts',
        title: 'cost at most ten calls a minute where they are 100, and are all seen by each',
      },
      {
        file: 'steps/poll-budget.test.ts',
        title: 'do so too when 500 newer ones of a colleague push them off the first page',
      },
    ],
    cases: [
      {
        says: 'thirty open batches are looked at with one list call, and those that it does not show one by one',
        records: 30,
        batchSeconds: 36_000,
        ends: null,
        steps: [
          { args: [...SUBMIT, '--submit-only', '--max-shard-requests', '1'], exit: 0, posts: 30 },
          { args: ['retrieve', 'latest'], exit: 8, before: countCalls, after: expectCalls(1, 0) },
          {
            args: ['retrieve', 'latest'],
            faults: ['list-other-workspace@1'],
            exit: 8,
            before: countCalls,
            after: expectCalls(1, 30),
          },
        ],
      },
    ],
  },
  {
    row: 'L10',
    fault: 'Two watchers on one DB',
    expected: 'Both may poll; only one downloads (claim)',
    shownBy: [
      {
        file: 'crash/locks.test.ts',
        title: 'is nobody else’s: every command that would work on it names the holder and leaves with 6',
      },
      {
        file: 'steps/watch-batches.test.ts',
        title: 'takes nothing in but how the batches stand: no download, no lock',
      },
    ],
  },
  {
    row: 'L11',
    fault: 'Kill at `poll.*`',
    expected: 'No effect',
    cases: [
      {
        says: 'a program killed as a listing was answered loses nothing',
        batchSeconds: 1,
        steps: [
          { args: [...SUBMIT, '--submit-only'], exit: 0 },
          { args: RETRIEVE, failpoint: 'poll.answer=kill', exit: 'SIGKILL' },
          { args: RETRIEVE, exit: 0, posts: 2 },
        ],
      },
    ],
  },
];
