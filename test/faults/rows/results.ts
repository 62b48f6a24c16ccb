import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type FaultBench, type Finished, RETRIEVE, SUBMIT } from '../bench.ts';
import type { FaultCase, FaultRow } from '../row.ts';

const RAW = 'main-0001.raw.jsonl';

/** One batch of five rows whose downloads meet the faults, one after another; every row has its answer in the end. */
function comesWhole(
  says: string,
  faults: readonly string[],
  after?: (bench: FaultBench) => Promise<void>,
): FaultCase {
  const step = { args: SUBMIT, faults, exit: 0, posts: 1 };
  return { says, records: 5, steps: [after === undefined ? step : { ...step, after }] };
}

/** The same with a line that does not belong there: said at once, and with 3; so does `verify`, and whoever retrieves again. */
function isTold(says: string, fault: string, words: string): FaultCase {
  return {
    says,
    records: 5,
    ends: null,
    steps: [
      { args: SUBMIT, faults: [fault], exit: 3, posts: 1, after: (_bench, run) => hears(run, words) },
      {
        args: RETRIEVE,
        faults: [],
        exit: 3,
        after: (_bench, { stdout }) => void expect(JSON.parse(stdout)).toMatchObject({ strange_lines: 1 }),
      },
      {
        args: ['verify', 'latest'],
        exit: 3,
        after: (_bench, { stdout }) => void expect(stdout).toContain(words),
      },
      { args: ['status', 'latest'], exit: 0, after: expectFiveAnswers },
    ],
  };
}

function hears({ stderr }: Finished, words: string): void {
  expect(stderr).toContain('{"warning":');
  expect(stderr).toContain(words);
}

async function expectFiveAnswers(bench: FaultBench): Promise<void> {
  const rows = await bench.results();
  expect(rows.map((row) => [row.custom_id, row.status])).toEqual(
    ['r1', 'r2', 'r3', 'r4', 'r5'].map((id) => [id, 'succeeded']),
  );
  for (const row of rows) expect(row.text).toContain(`marker-${row.custom_id}-end`);
}

async function readRaw(bench: FaultBench): Promise<Buffer> {
  const { output_dir: folder } = await bench.status();
  return readFileSync(join(bench.dir, folder, RAW));
}

/** Results. */
export const resultsRows: readonly FaultRow[] = [
  {
    row: 'R1',
    fault: 'Connection cut mid-line, at a line end, cleanly at a line end, after headers',
    expected:
      'Never "complete" unless the count and set match; retry from zero (no Range documented), idempotent by custom_id',
    cases: [
      comesWhole('results cut inside a line, then ended after the headers, are downloaded again', [
        'results-cut=0.5@1',
        'results-short=0@1',
      ]),
      comesWhole(
        'results cut inside the first line, then ended cleanly and too early, are downloaded again',
        ['results-cut=0@1', 'results-short=0.6@1'],
      ),
      comesWhole('results cut inside a line go on from there, where the server gives the rest', [
        'results-ranges',
        'results-cut=0.5@1',
      ]),
    ],
  },
  {
    row: 'R2',
    fault: 'Duplicate line, same content',
    expected: 'Counted, ignored',
    cases: [
      comesWhole('a line that comes twice is counted once', ['results-duplicate@1'], async (bench) => {
        const verified = await bench.run(['verify', 'latest', '--json']);
        expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true, duplicate: 1, succeeded: 5 });
      }),
    ],
  },
  {
    row: 'R3',
    fault: 'Duplicate custom_id, different content',
    expected: 'The first is kept, the second is told loudly with its place, exit 3',
    cases: [
      isTold(
        'the second of two different answers to one request is told, and the first is kept',
        'results-conflict@1',
        'a second, different result',
      ),
    ],
  },
  {
    row: 'R4',
    fault: 'Unknown custom_id (foreign batch, wrong adoption)',
    expected: 'A candidate in doubt is rejected by its nonce; in a batch of our own the line is told, exit 3',
    cases: [
      isTold(
        'a line for a request that was never sent is told, and no row takes it',
        'results-unknown@1',
        'which was not sent',
      ),
    ],
    shownBy: [
      {
        file: 'steps/retrieve-results.test.ts',
        title: 'named by the user is told by its results: a stranger goes, and the shard is in doubt again',
      },
      {
        file: 'adopt/ours.test.ts',
        title: 'when an older copy of the database learns it from the results: the job made for it is let go',
      },
    ],
  },
  {
    row: 'R5',
    fault: 'Missing custom_ids at the end of a complete stream',
    expected:
      'Two further downloads spaced in time; then those rows are `missing` (own state, billed unknown), exit 3; not auto-retried',
    cases: [
      {
        says: 'rows that three downloads lack are named as missing, and nothing is sent again',
        records: 5,
        ends: { failures: { missing: 2 } },
        steps: [
          {
            args: SUBMIT,
            faults: ['results-missing=2'],
            exit: 3,
            posts: 1,
            after: async (bench) => {
              expect((await bench.truth()).calls['GET /v1/messages/batches/{id}/results']).toBe(3);
            },
          },
        ],
      },
    ],
  },
  {
    row: 'R6',
    fault: 'Any order',
    expected: 'No assumption',
    cases: [comesWhole('results in the opposite order end on the same rows', ['results-reversed@1'])],
    shownBy: [
      {
        file: 'adopt/retrieve.test.ts',
        title: 'gets the same rows in the same order in any workspace, whatever the order of the stream',
      },
    ],
  },
  {
    row: 'R7',
    fault: 'Line > limit (100 MB+)',
    expected:
      'Kept in the raw results by bytes, never one string; custom_id read from the head of the line; > 64 MiB is not parsed',
    cases: [
      {
        says: 'a line of more than 64 MiB is kept, costs its own row alone, and is not read',
        records: 5,
        ends: { failures: { invalid_output: 1 } },
        steps: [
          {
            args: SUBMIT,
            faults: ['results-long-line=68000000@1'],
            exit: 3,
            posts: 1,
            after: async (bench) => {
              const { output_dir: folder } = await bench.status();
              expect(statSync(join(bench.dir, folder, RAW)).size).toBeGreaterThan(68_000_000);
            },
          },
        ],
      },
    ],
  },
  {
    row: 'R8',
    fault: 'Invalid UTF-8, CR, blank lines, U+2028, BOM',
    expected: 'Split on LF bytes only; blank lines ignored; invalid UTF-8 kept raw',
    cases: [
      comesWhole(
        'a byte order mark, CR, U+2028 and bytes that are not UTF-8 lose no row',
        ['results-odd-bytes@1'],
        async (bench) => {
          const raw = await readRaw(bench);
          expect([raw.includes('\u2028'), raw.includes(0xff), raw.indexOf('\r\n') > 0]).toEqual([
            true,
            true,
            true,
          ]);
          expect(raw.subarray(0, 3)).toEqual(Buffer.from('\ufeff'));
        },
      ),
      comesWhole('blank lines are no rows', ['results-blank-lines@1']),
    ],
    reason:
      'Bytes that are not UTF-8 are not flagged: JSON is UTF-8, so that only damage on the way brings them, and the raw results keep them',
  },
  {
    row: 'R9',
    fault: 'Malformed JSON line',
    expected: 'Told with its offset, the stream goes on, exit 3',
    cases: [
      isTold(
        'a line that is no JSON is told with its place, and the others are taken',
        'results-garbage@1',
        'a line that is not a result',
      ),
    ],
  },
  {
    row: 'R10',
    fault: 'New result type or new content block',
    expected: 'Stored raw, shown as `unknown:<type>`, exit 3, not a crash',
    cases: [
      {
        says: 'a kind of result that nobody knows is a failed row that names it',
        records: 5,
        ends: { failures: { api_error: 1 } },
        steps: [
          {
            args: SUBMIT,
            faults: ['results-odd-type@1'],
            exit: 3,
            posts: 1,
            after: async (bench) =>
              expect(JSON.stringify(await bench.results())).toContain('"unknown:deferred"'),
          },
        ],
      },
      comesWhole(
        'a content block that nobody knows is kept beside the text',
        ['results-odd-block@1'],
        async (bench) =>
          expect(JSON.stringify(await bench.results())).toContain('{"type":"hologram","depth":3}'),
      ),
    ],
  },
  {
    row: 'R11',
    fault: '`results_url` null, other origin, `http:`',
    expected: 'The URL is built from our base URL and the id; a different origin is not used',
    shownBy: [
      {
        file: 'steps/foreign-url.test.ts',
        title: 'a results_url of another host is not dialled: the key stays where it belongs',
      },
    ],
  },
  {
    row: 'R12',
    fault: '404/410 after `ended`',
    expected: 'As L1; once the results were removed, or are older than 29 days, they are gone',
    cases: [comesWhole('results that are not found at first are asked for again', ['results-not-found@1'])],
    shownBy: [
      { file: 'steps/retrieve-results.test.ts', title: 'all the time stay pending, with nothing missing' },
      {
        file: 'adopt/retrieve.test.ts',
        title: 'a batch whose results were removed is refused, and no job is made',
      },
    ],
  },
  {
    row: 'R13',
    fault: 'gzip/br encoding, truncated compressed stream, decompression bomb',
    expected: 'Identity is asked for, and what comes encoded nevertheless is refused and never decoded',
    cases: [
      comesWhole(
        'results that come gzip-encoded, then as a gzip bomb, are refused and asked for again',
        ['results-gzip@1', 'results-gzip-bomb@1'],
        async (bench) => {
          const { output_dir: folder } = await bench.status();
          const names = readdirSync(join(bench.dir, folder));
          expect(names.filter((name) => name.endsWith('.partial'))).toEqual([]);
          expect((await readRaw(bench)).length).toBeLessThan(100_000);
        },
      ),
    ],
  },
  {
    row: 'R14',
    fault: 'Slow drip (1 byte/min), stall',
    expected: 'Idle timeout 120 s per read, then retry from zero',
    cases: [comesWhole('results that drip in are waited for', ['results-slow=2000@1'])],
    shownBy: [
      {
        file: 'providers/idle.test.ts',
        title: 'results that stall are given up once nothing came for so long',
      },
    ],
  },
  {
    row: 'R15',
    fault: 'the program is killed during a download',
    expected: 'what came is under a temporary name; the next run downloads again from the first byte',
    shownBy: [
      { file: 'crash/struck-places.test.ts', title: 'a kill while results are downloaded' },
      { file: 'crash/struck-places.test.ts', title: 'a kill before downloaded results are fsynced' },
      { file: 'crash/struck-places.test.ts', title: 'a kill before downloaded results have their name' },
    ],
  },
  {
    row: 'R16',
    fault: 'the disk is full while raw results are written',
    expected:
      'exit 6, which says until when the API keeps them; the batch stays ended, and the next run downloads again',
    shownBy: [
      { file: 'crash/struck-places.test.ts', title: 'a full disk while results are downloaded' },
      {
        file: 'crash/disk-full.test.ts',
        title: 'while results arrive leaves with 6, and retrieve goes on once there is room',
      },
    ],
  },
];
