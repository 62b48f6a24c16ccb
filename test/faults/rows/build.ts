import type { FaultRow } from '../row.ts';

/** Build and split. */
export const buildRows: readonly FaultRow[] = [
  {
    row: 'B1',
    fault: 'Template refers to a missing column / null / object',
    expected: 'Exit 2, column and row; `--allow-empty` explicit',
    shownBy: [
      { file: 'corpus/golden.jsonl', title: 'a missing column names the nearest one' },
      { file: 'corpus/golden.jsonl', title: 'a nested value that is not there is named' },
      { file: 'corpus/good.jsonl', title: 'values that are no texts are written as JSON' },
    ],
  },
  {
    row: 'B2',
    fault: 'Template injection: value contains `{{other}}`, dollar-brace, `<% %>`, `$&`, `$1`',
    expected:
      'Single pass, values never re-scanned, no expression language, no eval. Beware: the JS string `replace` treats `$&` in the *replacement* as a pattern: use a function',
    shownBy: [
      { file: 'corpus/good.jsonl', title: 'a value that looks like a template is data' },
      { file: 'corpus/golden.jsonl', title: 'a template runs no JavaScript' },
      { file: 'corpus/golden.jsonl', title: 'a template reaches no constructor' },
      { file: 'fuzz/properties.test.ts', title: 'a template leaves a value as it is, in text and in JSON' },
    ],
  },
  {
    row: 'B3',
    fault: 'Value breaks out of the JSON',
    expected: 'Impossible by construction: every value goes through the JSON encoder',
    shownBy: [
      { file: 'corpus/good.jsonl', title: 'a value cannot break out of the JSON' },
      { file: 'fuzz/properties.test.ts', title: 'a template leaves a value as it is, in text and in JSON' },
    ],
  },
  {
    row: 'B4',
    fault:
      'Unknown / removed parameter for the pinned API version (`temperature` … with 2026-10-21), `stream: true`, `max_tokens: 0`, `speed`',
    expected: 'Refused before any cost, naming the row and the rule',
    shownBy: [
      { file: 'corpus/golden.jsonl', title: 'temperature is refused under the newest API version' },
      { file: 'corpus/golden.jsonl', title: 'more max_tokens than the model has are refused' },
      { file: 'core/request-lint.test.ts', title: 'refused under 2026-10-21 only' },
    ],
  },
  {
    row: 'B5',
    fault: 'custom_id collision, illegal character, > 64',
    expected:
      'Generated ids (2.3) make it impossible; with `--custom-id-column` a bad one is exit 2; uniqueness checked by the DB’s unique index, not by memory',
    shownBy: [
      { file: 'corpus/good.jsonl', title: 'ids that no API takes are made legal and stay apart' },
      { file: 'corpus/golden.jsonl', title: 'a custom_id that stands twice is named' },
      { file: 'core/custom-id.test.ts', title: '100,000 keys with one slug have 100,000 ids' },
      {
        file: 'fuzz/properties.test.ts',
        title: 'a key becomes an id that the API takes, the same each time, and two keys become two',
      },
    ],
  },
  {
    row: 'B6',
    fault: 'the disk is full, read-only or used up to a quota while shards are written',
    expected: 'exit 6, no half shard stays, nothing is sent; the next run builds',
    shownBy: [
      { file: 'crash/struck-places.test.ts', title: 'a full disk while a shard is written' },
      { file: 'crash/struck-places.test.ts', title: 'a shard whose fsync fails' },
      {
        file: 'crash/disk-full.test.ts',
        title: 'while building leaves with 6, sends nothing, and the build succeeds once there is room',
      },
    ],
    reason:
      'How many bytes a build needs is known when it is done, so no estimate goes before it; plan shows the bytes of the requests for those who want to know.',
  },
  {
    row: 'B7',
    fault: 'the program is killed at any point of a build',
    expected: 'what stays counts for nothing: the next run clears it away and builds again',
    shownBy: [
      { file: 'crash/struck-places.test.ts', title: 'a kill before a shard has its name' },
      {
        file: 'crash/syscalls.test.ts',
        title: 'is carried on to one batch a shard and one answer a row',
      },
    ],
    reason:
      'Finished shards of a build that was cut off are not taken over: building again costs less than proving that they are whole, and nothing is paid for it.',
  },
  {
    row: 'B8',
    fault: 'Non-determinism (object key order, locale, date, random)',
    expected: 'Same input + same config = same bytes, on any machine and Node version',
    shownBy: [
      {
        file: 'steps/render-requests.test.ts',
        title: 'a request has its keys in a fixed order, and the same bytes in every build',
      },
      { file: 'corpus/good.test.ts', title: 'input that looks bad and is not: each byte of its requests' },
    ],
  },
  {
    row: 'B9',
    fault: 'Disk returns bad data later',
    expected:
      'Hash of each shard checked again while uploading; mismatch before the tail = abort, provably not created',
    shownBy: [
      {
        file: 'steps/submit.test.ts',
        title: 'does not send a shard whose file has changed since it was built',
      },
    ],
  },
  {
    row: 'P1',
    fault: '100,000 boundary, 256 MB boundary (is it 10^6 or 2^20? wrapper, commas, multi-byte counted)',
    expected:
      'Limit = min(100,000, 250,000,000 bytes of the whole body), configurable; sizes are of encoded bytes',
    shownBy: [
      { file: 'core/shard.test.ts', title: 'takes a body of exactly the limit and not a byte more' },
      { file: 'core/shard.test.ts', title: 'counts the body as head, lines joined by commas, and tail' },
    ],
  },
  {
    row: 'P2',
    fault: 'Single request over the Messages limit (32 MB)',
    expected: 'Exit 2 with the row',
    shownBy: [
      {
        file: 'core/request-lint.test.ts',
        title: '32,000,000 bytes are taken and one more is not, counted in UTF-8',
      },
      { file: 'bad-input/jsonl-errors.test.ts', title: 'jsonl: a request over 32 MB is refused' },
    ],
  },
  {
    row: 'P3',
    fault: 'Two shards of one run with equal N',
    expected:
      'Splitter makes all shard sizes different (jitter of up to 10% below the target, remainder included), so a count identifies a shard inside a run (2.5)',
    shownBy: [
      { file: 'core/shard.test.ts', title: 'keeps counts apart where the bytes make the cut' },
      { file: 'core/shard.test.ts', title: 'never goes more than a tenth below the limit of requests' },
    ],
  },
  {
    row: 'P4',
    fault: '0 or 1 requests',
    expected: '0: exit 2. 1: allowed',
    shownBy: [
      { file: 'corpus/golden.jsonl', title: 'an empty JSONL file has no records' },
      { file: 'corpus/good.jsonl', title: 'one object is one record' },
    ],
  },
  {
    row: 'P5',
    fault: 'Server says 413 anyway',
    expected: 'Certain not-created; shard is halved and re-planned automatically once, then exit 5',
    shownBy: [
      { file: 'steps/submit.test.ts', title: 'halves a shard that the API finds too large, until it fits' },
    ],
  },
];
