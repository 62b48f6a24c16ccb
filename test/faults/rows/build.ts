import type { FaultRow } from '../row.ts';

/** Build and split. */
export const buildRows: readonly FaultRow[] = [
  {
    row: 'B1',
    fault: 'Template refers to a missing column / null / object',
    expected: 'Exit 2, column and row; `--allow-empty` explicit',
  },
  {
    row: 'B2',
    fault: 'Template injection: value contains `{{other}}`, dollar-brace, `<% %>`, `$&`, `$1`',
    expected:
      'Single pass, values never re-scanned, no expression language, no eval. Beware: the JS string `replace` treats `$&` in the *replacement* as a pattern: use a function',
  },
  {
    row: 'B3',
    fault: 'Value breaks out of the JSON',
    expected: 'Impossible by construction: every value goes through the JSON encoder',
  },
  {
    row: 'B4',
    fault:
      'Unknown / removed parameter for the pinned API version (`temperature` … with 2026-10-21), `stream: true`, `max_tokens: 0`, `speed`',
    expected: 'Refused before any cost, naming the row and the rule',
  },
  {
    row: 'B5',
    fault: 'custom_id collision, illegal character, > 64',
    expected:
      'Generated ids (2.3) make it impossible; with `--custom-id-column` a bad one is exit 2; uniqueness checked by the DB’s unique index, not by memory',
  },
  {
    row: 'B6',
    fault: 'ENOSPC / EFBIG / EROFS while writing shards',
    expected:
      'Exit 6; partial shard removed; message with needed vs free bytes; a pre-flight estimate warns first',
  },
  {
    row: 'B7',
    fault: 'Kill at `build.*`',
    expected: '`.partial` only; rerun rebuilds; finished shards re-used when their hash matches',
  },
  {
    row: 'B8',
    fault: 'Non-determinism (object key order, locale, date, random)',
    expected: 'Same input + same config = same bytes, on any machine and Node version',
  },
  {
    row: 'B9',
    fault: 'Disk returns bad data later',
    expected:
      'Hash of each shard checked again while uploading; mismatch before the tail = abort, provably not created',
  },
  {
    row: 'P1',
    fault: '100,000 boundary, 256 MB boundary (is it 10^6 or 2^20? wrapper, commas, multi-byte counted)',
    expected:
      'Limit = min(100,000, 250,000,000 bytes of the whole body), configurable; sizes are of encoded bytes',
  },
  {
    row: 'P2',
    fault: 'Single request over the Messages limit (32 MB)',
    expected: 'Exit 2 with the row',
  },
  {
    row: 'P3',
    fault: 'Two shards of one run with equal N',
    expected:
      'Splitter makes all shard sizes different (jitter of up to 10% below the target, remainder included), so a count identifies a shard inside a run (2.5)',
  },
  {
    row: 'P4',
    fault: '0 or 1 requests',
    expected: '0: exit 2. 1: allowed',
  },
  {
    row: 'P5',
    fault: 'Server says 413 anyway',
    expected: 'Certain not-created; shard is halved and re-planned automatically once, then exit 5',
  },
];
