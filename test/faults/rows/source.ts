import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type FaultBench, SUBMIT } from '../bench.ts';
import type { FaultRow } from '../row.ts';

/** What is not yet whole has a name of its own (files/write-atomic.ts). */
function expectNoTempFiles({ dir }: FaultBench): void {
  const files = readdirSync(join(dir, 'batch_requests'), { recursive: true, encoding: 'utf8' });
  expect(files.filter((path) => path.includes('main-0001')).length).toBeGreaterThan(0);
  expect(files.filter((path) => path.endsWith('.partial'))).toEqual([]);
}

/** Read source. */
export const sourceRows: readonly FaultRow[] = [
  {
    row: 'S3',
    fault: 'Source changes while being read (append, truncate, replace)',
    expected:
      'Size, mtime, inode compared at start and end; mismatch = exit 2 `E_SOURCE_CHANGED`; plan stores the content hash, so submit can re-check',
    shownBy: [{ file: 'sources/source-file.test.ts', title: 'while it is read ends with source_changed' }],
  },
  {
    row: 'S1',
    fault: 'Missing file, EACCES, directory instead of file, FIFO, `-` with a TTY',
    expected: 'Exit 2, names path and errno; nothing created',
    shownBy: [
      { file: 'corpus/golden.jsonl', title: 'a pipe as a source is refused and not waited for' },
      { file: 'corpus/golden.jsonl', title: 'a folder as a source is refused' },
      { file: 'corpus/golden.jsonl', title: 'a source that is not there names its errno' },
      { file: 'bad-input/source-access.test.ts', title: 'a file that may not be read names its errno' },
      { file: 'sources/stdin.test.ts', title: 'a terminal is refused instead of waited for' },
    ],
  },
  {
    row: 'S2',
    fault: 'the disk fails in the middle of a source',
    expected: 'exit 6, the byte it came to, and nothing is built',
    shownBy: [
      { file: 'crash/source-read.test.ts', title: 'leaves with 6, says at which byte, and builds nothing' },
    ],
  },
  {
    row: 'S4',
    fault: 'UTF-8 BOM, CRLF, lone CR, no final newline, empty file, only blank lines',
    expected:
      'BOM dropped and CRLF accepted (both noted in the plan); blank lines skipped and counted; 0 rows = exit 2',
    shownBy: [
      { file: 'corpus/good.jsonl', title: 'the byte order mark of a CSV is no part of its first column' },
      { file: 'corpus/good.jsonl', title: 'a CSV of several line ends is read' },
      { file: 'corpus/good.jsonl', title: 'the last line of JSONL needs no line break' },
      { file: 'corpus/good.jsonl', title: 'blank lines of JSONL are passed over' },
      { file: 'corpus/golden.jsonl', title: 'an empty CSV file has no records' },
      { file: 'corpus/golden.jsonl', title: 'a JSONL of blank lines has no records' },
    ],
  },
  {
    row: 'S5',
    fault: 'Invalid UTF-8, UTF-16, gzip given as text',
    expected:
      'Detected before decoding: exit 2 with line and byte offset, hint (`iconv`, `gunzip -c`). `--encoding latin1` is explicit. Never silent U+FFFD: Node’s default decoding replaces silently ',
    shownBy: [
      { file: 'corpus/golden.jsonl', title: 'Latin-1 in a CSV is named by line and byte' },
      { file: 'corpus/golden.jsonl', title: 'UTF-16BE is recognised' },
      { file: 'corpus/golden.jsonl', title: 'a character that is cut off at the end of a CSV is refused' },
      { file: 'corpus/golden.jsonl', title: 'gzip that was cut off is refused' },
      { file: 'corpus/good.jsonl', title: 'gzip is unpacked whatever the file is called' },
    ],
  },
  {
    row: 'S6',
    fault: 'NUL bytes, lone surrogates, control characters, U+2028, bidi overrides in data',
    expected:
      'Kept exactly in the request (escaped by JSON); shown escaped in the terminal; a lone surrogate is refused or escaped, never turned into EF BF BD ',
    shownBy: [
      { file: 'corpus/good.jsonl', title: 'control characters and NUL are kept' },
      { file: 'corpus/good.jsonl', title: 'separators, joiners and reversed text are kept' },
      { file: 'corpus/golden.jsonl', title: 'a lone high surrogate is refused' },
      { file: 'corpus/good.jsonl', title: 'half a character that no request holds is no obstacle' },
      { file: 'fuzz/properties.test.ts', title: 'a template leaves a value as it is, in text and in JSON' },
    ],
  },
  {
    row: 'S7',
    fault: 'One row > 100 MB, or > 512 MiB (V8 string limit 536,870,888 )',
    expected:
      'Row limit (default 24 MiB, below the 32 MB Messages limit) checked while scanning bytes; exit 2 with line number; memory bounded by the limit',
    shownBy: [
      { file: 'corpus/golden.jsonl', title: 'a JSONL line of 100 MB without an end is refused' },
      { file: 'corpus/golden.jsonl', title: 'a program that prints an endless line is stopped' },
      { file: 'corpus/golden.jsonl', title: 'a CSV field of 64 MB is refused' },
      { file: 'corpus/golden.jsonl', title: 'a gzip bomb of zeros is stopped' },
    ],
  },
  {
    row: 'S8',
    fault: 'Malformed JSON, duplicate keys, `__proto__` key, 100,000-deep nesting, huge integers',
    expected:
      'Line number and column; depth limit 200 (stringify overflows at ~9,000 ); integers outside the safe range kept as text by the byte path',
    shownBy: [
      { file: 'corpus/golden.jsonl', title: 'a missing value is named by line and column' },
      { file: 'corpus/golden.jsonl', title: '100,000 levels are refused without a stack' },
      { file: 'corpus/good.jsonl', title: 'of a key that stands twice the last one counts' },
      { file: 'corpus/good.jsonl', title: '__proto__ is a column like any other' },
      { file: 'corpus/good.jsonl', title: 'numbers keep their digits' },
    ],
  },
  {
    row: 'S9',
    fault:
      'CSV: ragged rows, unclosed quote, quote inside, delimiter guess wrong, header missing / duplicated / with spaces / named `constructor`',
    expected:
      'Strict by default, exit 2 with row; `--delimiter`, `--no-header`; columns in a null-prototype map',
    shownBy: [
      { file: 'corpus/golden.jsonl', title: 'a CSV row with too few values is named by its line' },
      {
        file: 'corpus/golden.jsonl',
        title: 'a CSV quote that is never closed is named by the row that opens it',
      },
      { file: 'corpus/golden.jsonl', title: 'a CSV with semicolons is recognised' },
      {
        file: 'corpus/golden.jsonl',
        title: 'a CSV without a header lacks the column that the prompt asks for',
      },
      { file: 'corpus/good.jsonl', title: 'columns may be called as what every object has' },
    ],
  },
  {
    row: 'S10',
    fault: 'Rows over 100k or millions; stdin endless',
    expected: 'Streaming; `--limit`; memory flat ',
    shownBy: [
      { file: 'crash/memory.test.ts', title: 'stay under 160 MB each' },
      { file: 'sources/stdin.test.ts', title: 'a wait for standard input ends when it is told to' },
      { file: 'corpus/golden.jsonl', title: 'a program that prints zeros without end is stopped' },
    ],
  },
  {
    row: 'S11',
    fault: 'Kill at any `src.*`',
    expected: 'Nothing submitted; temp files swept at next start; rerun gives a byte-identical plan',
    cases: [
      ['as the first shard is begun', 'open:main-0001.*partial=kill'],
      ['as the first shard gets its name', 'rename:main-0001=kill'],
      ['as the second one does', 'rename:main-0002=kill'],
    ].map(([when = '', failpoint = '']) => ({
      says: `killed ${when} it has sent nothing, and the next run builds the same and leaves nothing behind`,
      steps: [
        { args: SUBMIT, failpoint, exit: 'SIGKILL', posts: 0 },
        { args: SUBMIT, exit: 0, posts: 2, after: expectNoTempFiles },
      ],
    })),
    shownBy: [
      { file: 'crash/source-read.test.ts', title: 'leaves with 6, says at which byte, and builds nothing' },
      { file: 'sim/sim.test.ts', title: 'at least 100 of the processes were killed' },
    ],
  },
  {
    row: 'S12',
    fault: 'Duplicate rows / duplicate user ids',
    expected:
      'Default: refuse duplicate user ids (exit 2, first 10 pairs); duplicates of content counted and shown in the plan with their cost',
    shownBy: [
      { file: 'corpus/golden.jsonl', title: 'ids that stand twice in a CSV are named by their lines' },
      { file: 'corpus/golden.jsonl', title: 'ids that stand twice in two files are named' },
      {
        file: 'cli/plan-estimate.test.ts',
        title: 'a plan counts the requests that ask what another one asks, and says what they cost',
      },
    ],
  },
  {
    row: 'S13',
    fault:
      'Attachments: `@path` columns, globs with `..`, symlinks out of the tree, file swapped between stat and read',
    expected:
      'Paths resolved against the data file’s directory, must stay inside `--attach-root`, opened once and read from that handle; symlink escape refused',
    shownBy: [
      { file: 'corpus/golden.jsonl', title: 'a link out of the workspace is no attachment' },
      { file: 'corpus/golden.jsonl', title: 'an attachment outside the workspace is refused' },
      { file: 'corpus/golden.jsonl', title: 'a glob is no attachment' },
      { file: 'files/attachments.test.ts', title: 'what is missing, a folder, or outside the workspace' },
      {
        file: 'files/attachments.test.ts',
        title: 'a file that is swapped between the look at it and the reading is not read',
      },
      {
        file: 'files/text-files.test.ts',
        title:
          'a text never brings what stands outside of the workspace, while a link leads there now and then: its',
      },
    ],
  },
];
