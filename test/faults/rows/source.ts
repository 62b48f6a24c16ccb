import type { FaultRow } from '../row.ts';

/** Read source. */
export const sourceRows: readonly FaultRow[] = [
  {
    row: 'S3',
    fault: 'Source changes while being read (append, truncate, replace)',
    expected:
      'Size, mtime, inode compared at start and end; mismatch = exit 2 `E_SOURCE_CHANGED`; plan stores the content hash, so submit can re-check',
  },
  {
    row: 'S1',
    fault: 'Missing file, EACCES, directory instead of file, FIFO, `-` with a TTY',
    expected: 'Exit 2, names path and errno; nothing created',
  },
  {
    row: 'S2',
    fault: 'EIO in the middle',
    expected: 'Exit 6, byte offset; no plan written',
  },
  {
    row: 'S4',
    fault: 'UTF-8 BOM, CRLF, lone CR, no final newline, empty file, only blank lines',
    expected:
      'BOM dropped and CRLF accepted (both noted in the plan); blank lines skipped and counted; 0 rows = exit 2',
  },
  {
    row: 'S5',
    fault: 'Invalid UTF-8, UTF-16, gzip given as text',
    expected:
      'Detected before decoding: exit 2 with line and byte offset, hint (`iconv`, `gunzip -c`). `--encoding latin1` is explicit. Never silent U+FFFD: Node’s default decoding replaces silently ',
  },
  {
    row: 'S6',
    fault: 'NUL bytes, lone surrogates, control characters, U+2028, bidi overrides in data',
    expected:
      'Kept exactly in the request (escaped by JSON); shown escaped in the terminal; a lone surrogate is refused or escaped, never turned into EF BF BD ',
  },
  {
    row: 'S7',
    fault: 'One row > 100 MB, or > 512 MiB (V8 string limit 536,870,888 )',
    expected:
      'Row limit (default 24 MiB, below the 32 MB Messages limit) checked while scanning bytes; exit 2 with line number; memory bounded by the limit',
  },
  {
    row: 'S8',
    fault: 'Malformed JSON, duplicate keys, `__proto__` key, 100,000-deep nesting, huge integers',
    expected:
      'Line number and column; depth limit 200 (stringify overflows at ~9,000 ); integers outside the safe range kept as text by the byte path',
  },
  {
    row: 'S9',
    fault:
      'CSV: ragged rows, unclosed quote, quote inside, delimiter guess wrong, header missing / duplicated / with spaces / named `constructor`',
    expected:
      'Strict by default, exit 2 with row; `--delimiter`, `--no-header`; columns in a null-prototype map',
  },
  {
    row: 'S10',
    fault: 'Rows over 100k or millions; stdin endless',
    expected: 'Streaming; `--limit`; memory flat ',
  },
  {
    row: 'S11',
    fault: 'Kill at any `src.*`',
    expected: 'Nothing submitted; temp files swept at next start; rerun gives a byte-identical plan',
  },
  {
    row: 'S12',
    fault: 'Duplicate rows / duplicate user ids',
    expected:
      'Default: refuse duplicate user ids (exit 2, first 10 pairs); duplicates of content counted and shown in the plan with their cost',
  },
  {
    row: 'S13',
    fault:
      'Attachments: `@path` columns, globs with `..`, symlinks out of the tree, file swapped between stat and read',
    expected:
      'Paths resolved against the data file’s directory, must stay inside `--attach-root`, opened once and read from that handle; symlink escape refused',
  },
];
