import { createServer } from 'node:http';
import { expect } from 'vitest';
import { createElsewhere } from '../../support/colleague.ts';
import { marker } from '../../support/sample-job.ts';
import { RESUME, SUBMIT } from '../bench.ts';
import { type Between, listen, standBetween } from '../between.ts';
import type { FaultCase, FaultRow } from '../row.ts';

const DONE = { args: SUBMIT, exit: 0 } as const;

/** A create that breaks once and is sent again: one POST more than there are batches. */
function sentAgain(says: string, fault: string, posts = 3): FaultCase {
  return { says, steps: [{ ...DONE, faults: [fault], posts, batches: 2 }] };
}

/** A create whose answer tells nothing, and which made a batch: it is found and taken, and nothing is sent again. */
function adopted(says: string, fault: string): FaultCase {
  return { says, steps: [{ ...DONE, faults: [fault], posts: 2, batches: 2 }] };
}

/** A create that the API refuses for good: the command leaves, and the next one goes on once the cause is gone. */
function refused(says: string, fault: string, exit: number, error: string): FaultCase {
  return {
    says,
    steps: [
      { args: SUBMIT, faults: [fault], exit, error, posts: 1, batches: 0 },
      { ...DONE, faults: [], posts: 3 },
    ],
  };
}

/** Create: certain is only what never got its last two bytes, or was refused by the API itself. */
export const createRows: readonly FaultRow[] = [
  {
    row: 'C1',
    fault: 'no connection: refused, no such host, no TLS',
    expected: 'certainly no batch: tried again with back-off, then exit 5',
    cases: [
      {
        says: 'a refused connection leaves with 5, and the job goes on once the API is there',
        steps: [
          {
            args: ['submit', '--use-batch'],
            env: { ANTHROPIC_BASE_URL: 'http://127.0.0.1:9', ANTHROPIC_API_KEY: 'sk-emu-test' },
            exit: 5,
            posts: 0,
          },
          { ...DONE, args: [...SUBMIT, '--new'] },
        ],
      },
    ],
  },
  {
    row: 'C2',
    fault: 'the connection breaks, stalls or the program is killed while the body goes out',
    expected: 'certainly no batch: the shard is sent again at once',
    cases: [
      sentAgain('a connection cut at the first byte is sent again at once', 'cut-upload=0'),
      sentAgain('a connection cut half-way is sent again at once', 'cut-upload=0.5'),
      sentAgain('a connection cut just before the end is sent again at once', 'cut-upload=0.999'),
      {
        says: 'a program killed while the body goes out has made no batch',
        steps: [
          { args: SUBMIT, failpoint: 'upload.first=kill', exit: 'SIGKILL', batches: 0 },
          { args: RESUME, exit: 0, batches: 2 },
        ],
      },
      {
        says: 'a program killed between fence and seal has made no batch',
        steps: [
          { args: SUBMIT, failpoint: 'fence.answer=kill', exit: 'SIGKILL', batches: 0 },
          { args: RESUME, exit: 0, batches: 2, posts: 3 },
        ],
      },
    ],
  },
  {
    row: 'C3',
    fault: 'an answer while the body still goes out (401, 413, 429, 529)',
    expected: 'certainly no batch: the answer is read, and treated as what it says',
    cases: [
      sentAgain('an early 529 is read, and the shard sent again', 'early-answer=529'),
      sentAgain('an early 429 is read and waited out', 'early-answer=429'),
      refused('an early 401 is read, and leaves with 4', 'early-answer=401', 4, 'key_refused'),
      {
        says: 'an early 413 halves the shard',
        steps: [{ ...DONE, faults: ['early-413'], posts: 4 }],
        ends: { batches: 3 },
      },
    ],
  },
  {
    row: 'C4',
    fault: 'the program is killed between the seal and the last two bytes',
    expected: 'in doubt, proven absent, sent again',
    cases: [
      {
        says: 'a shard whose tail never left is proven absent and sent again',
        steps: [
          { args: SUBMIT, failpoint: 'tail.before=kill', exit: 'SIGKILL', batches: 0, posts: 1 },
          { args: RESUME, exit: 0, batches: 2, posts: 3 },
        ],
      },
    ],
  },
  {
    row: 'C5',
    fault:
      'the answer is lost: the program is killed, the connection breaks or times out after the last two bytes',
    expected: 'in doubt; the batch is found in the listing and taken',
    cases: [
      adopted('a batch whose answer was lost is found again, not sent twice', 'lost-reply'),
      {
        says: 'a batch whose sender was killed after its last byte is found by the next run',
        steps: [
          { args: SUBMIT, failpoint: 'tail.after=kill', exit: 'SIGKILL', posts: 1 },
          { args: RESUME, exit: 0, batches: 2 },
        ],
      },
      {
        says: 'a batch whose sender was killed as the answer came is found by the next run',
        steps: [
          { args: SUBMIT, failpoint: 'create.answer=kill', exit: 'SIGKILL', posts: 1, batches: 1 },
          { args: RESUME, exit: 0, batches: 2, posts: 2 },
        ],
      },
      {
        says: 'an answer that is lost beside a colleague’s batches of the same size takes the right one',
        steps: [{ ...DONE, faults: ['colleague=2', 'lost-reply'], posts: 2, batches: 2 }],
      },
    ],
  },
  {
    row: 'C6',
    fault: 'an answer of 200 that is cut, is no batch, or counts wrong',
    expected: 'in doubt; the batch it names is the first candidate',
    cases: [
      adopted('an answer cut half-way is a doubt that ends with its batch', 'create-cut-answer'),
      adopted('an answer with a count one short is a doubt that ends with its batch', 'create-wrong-count'),
    ],
  },
  {
    row: 'C7',
    fault: 'an answer names a batch that is another submission’s',
    expected: 'in doubt; no batch is ever taken twice',
    cases: [
      {
        says: 'an id that is known already is not recorded twice, and the right batch is found',
        // The first create is answered in its turn, so that there is a batch whose id can come again.
        steps: [{ ...DONE, faults: ['create-slow=0', 'create-repeat-id'], posts: 2, batches: 2 }],
      },
      {
        says: 'an id that was listed before the shard went out is not taken for its batch',
        steps: [
          {
            ...DONE,
            before: async (bench) => {
              theirs = await createElsewhere(bench.emulator.url, ['a', 'b', 'c']);
              await bench.setFaults(['create-repeat-id']);
            },
            posts: 3,
            after: async (bench) => {
              const { state, batches } = await bench.status();
              expect([state, batches.length]).toEqual(['done', 2]);
              expect(batches.map((batch) => batch.batch_id)).not.toContain(theirs);
              for (const row of await bench.results()) expect(row.text).toContain(marker(row.custom_id));
              expect(bench.select(`SELECT 1 FROM batches WHERE batch_id = '${theirs}'`)).toEqual([]);
            },
          },
        ],
        ends: null,
      },
    ],
  },
  {
    row: 'C8',
    fault: 'the API refuses: 400, 401, 403, 404; or 413 from whoever answers',
    expected: 'certainly no batch: exit by class; a 413 halves the shard',
    cases: [
      refused(
        'a usage limit (400) leaves with 7, and is not tried again',
        'create-400-limit',
        7,
        'spend_limit',
      ),
      refused('a refused key (401) leaves with 4', 'create-401', 4, 'key_refused'),
      refused('a key without permission (403) leaves with 4', 'create-403', 5, 'permission_error'),
      refused('a wrong address (404) leaves with 5', 'create-404', 5, 'not_found_error'),
      {
        says: 'a 413 halves the shard until it fits',
        steps: [{ ...DONE, faults: ['limit-requests=6'] }],
        ends: { batches: 3 },
      },
    ],
  },
  {
    row: 'C9',
    fault: '429 with and without retry-after; the spend cap',
    expected: 'waits as long as it is told, else with back-off; the spend cap leaves with 7 at once',
    cases: [
      sentAgain('a 429 with retry-after is waited out', 'create-429=1'),
      sentAgain('a 429 with retry-after 0 is tried again', 'create-429=0'),
      sentAgain('a 429 without retry-after is tried again', 'create-429-bare'),
      refused('the spend cap leaves with 7 at once', 'create-spend-cap', 7, 'spend_limit'),
    ],
    shownBy: [
      { file: 'core/backoff.test.ts', title: 'lets the server’s word win where it is longer, up to an hour' },
    ],
  },
  {
    row: 'C10',
    fault: '408, 409, 500, 502, 529 after the seal, or an error that is not in the API’s form',
    expected: 'in doubt: only the listing tells whether there is a batch',
    cases: [
      adopted('a 500 that made a batch ends with that batch', 'create-500-created'),
      adopted('a 502 of a proxy that made a batch ends with that batch', 'create-html-502-created'),
      sentAgain('a 500 that made none is proven absent and sent again', 'create-500'),
      sentAgain('a 502 of a proxy that made none is proven absent and sent again', 'create-html-502'),
      sentAgain('a 529 is proven absent and sent again', 'create-529'),
      sentAgain('a 409 is proven absent and sent again', 'create-409'),
      sentAgain('a 408 is proven absent and sent again', 'create-408'),
    ],
  },
  {
    row: 'C11',
    fault: 'the create is redirected',
    expected: 'never followed; exit 5; nothing goes to the other address',
    cases: [
      {
        says: 'a redirect of a create is not followed, and nothing reaches the other address',
        steps: [
          {
            args: SUBMIT,
            exit: 5,
            error: 'http_307',
            posts: 1,
            batches: 0,
            async before(bench) {
              await bench.setFaults([`create-redirect=${await trap()}`]);
            },
            after: () => expect(trapped).toBe(0),
          },
          { ...DONE, faults: [] },
        ],
      },
    ],
  },
  {
    row: 'C12',
    fault: 'a kept-alive connection that the server has closed meanwhile',
    expected: 'a create always has a fresh connection',
    cases: [
      {
        says: 'each create is the first call of its connection',
        steps: [
          {
            ...DONE,
            before: async (bench) => {
              between = await standBetween(bench.emulator.url);
            },
            // Read when the step runs, after `before`.
            get env() {
              return { BATCHCTL_EMULATOR_URL: between?.url ?? '' };
            },
            after() {
              const posts = between?.sent().match(/POST \/v1\/messages\/batches HTTP/g) ?? [];
              const first = between?.firstLines.filter((line) =>
                line.startsWith('POST /v1/messages/batches '),
              );
              expect([posts.length, first?.length]).toEqual([2, 2]);
            },
          },
        ],
      },
    ],
  },
  {
    row: 'C13',
    fault: 'a hidden repeat by the SDK, an agent or a proxy',
    expected: 'no POST that the store does not know as a submission: every case here counts them',
    shownBy: [
      {
        file: 'steps/queue.test.ts',
        title: 'is met by no two creates within a minute, and by ever fewer',
      },
    ],
    cases: [
      {
        says: 'a create that hangs and is killed was posted once',
        steps: [
          { args: SUBMIT, faults: ['create-500'], exit: 0, posts: 3, batches: 2 },
          { args: ['verify', 'latest'], exit: 0, posts: 3 },
        ],
      },
    ],
  },
  {
    row: 'C14',
    fault: 'the account’s queue is full',
    expected:
      'the other shards wait for room, and say so with what is in flight; no two refused uploads within a minute',
    shownBy: [
      {
        file: 'steps/queue.test.ts',
        title: 'of twelve shards runs to its end by itself where five find room at once',
      },
      {
        file: 'steps/queue.test.ts',
        title: 'is met by no two creates within a minute, and by ever fewer',
      },
      {
        file: 'steps/queue.test.ts',
        title: 'is known to the next process, which uploads nothing to learn it again',
      },
      {
        file: 'cli/queue.test.ts',
        title: 'submit --submit-only leaves with 8 when shards wait for room, and resume sends on to the end',
      },
    ],
    cases: [
      {
        says: 'shards wait until the queue has room',
        batchSeconds: 0.6,
        steps: [{ ...DONE, faults: ['queue=12'], batches: 2 }],
      },
    ],
  },
  {
    row: 'C15',
    fault: 'the laptop sleeps while the body goes out, or after its tail',
    expected: 'as C2 and C5',
    shownBy: [
      {
        file: 'crash/locks.test.ts',
        title:
          'while the body goes out has made no batch when the connection is gone, and sends the shard again',
      },
      {
        file: 'crash/locks.test.ts',
        title: 'after the tail finds its answer when it wakes',
      },
      {
        file: 'crash/locks.test.ts',
        title: 'after the tail, and has lost its answer, finds the batch in the list',
      },
      {
        file: 'crash/locks.test.ts',
        title: 'holds its locks, and does not send the tail of a seal that is older than five seconds',
      },
    ],
    cases: [
      {
        says: 'a wall clock that is three days on when the tail is due makes the seal stale, and the shard is sent again',
        steps: [{ ...DONE, failpoint: 'tail.check=wall:259200000', posts: 3, batches: 2 }],
      },
      {
        says: 'a monotonic clock that went on through the sleep does so too',
        steps: [{ ...DONE, failpoint: 'tail.check=monotonic:28800000', posts: 3, batches: 2 }],
      },
    ],
  },
  {
    row: 'C16',
    fault: 'Ctrl-C before the seal; after it',
    expected:
      'before: nothing was sent, and that is said. After: the answer is waited for, at most 30 seconds',
    shownBy: [
      {
        file: 'crash/locks.test.ts',
        title: 'before the seal sends nothing, and says so',
      },
      {
        file: 'crash/locks.test.ts',
        title: 'after the tail still waits for the answer, and keeps the batch',
      },
    ],
  },
];

let trapped = 0;
let theirs = '';
let between: Between | null = null;

/** A server that nobody is to reach; ends with the test process. */
async function trap(): Promise<string> {
  trapped = 0;
  const server = createServer((_request, response) => {
    trapped += 1;
    response.end();
  });
  server.unref();
  return `http://127.0.0.1:${await listen(server)}/`;
}
