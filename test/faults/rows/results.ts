import type { FaultRow } from '../row.ts';

/** Results. */
export const resultsRows: readonly FaultRow[] = [
  {
    row: 'R1',
    fault: 'Connection cut mid-line, at a line end, cleanly at a line end, after headers',
    expected:
      'Never "complete" unless the count and set match; retry from zero (no Range documented), idempotent by custom_id',
  },
  {
    row: 'R2',
    fault: 'Duplicate line, same content',
    expected: 'Counted, ignored',
  },
  {
    row: 'R3',
    fault: 'Duplicate custom_id, different content',
    expected: 'First is kept, second goes to quarantine, job ends with exit 3 and a loud line',
  },
  {
    row: 'R4',
    fault: 'Unknown custom_id (foreign batch, wrong adoption)',
    expected:
      'If it is the first line of a provisional adoption: reject the candidate (2.5). Otherwise quarantine + exit 3',
  },
  {
    row: 'R5',
    fault: 'Missing custom_ids at the end of a complete stream',
    expected:
      'Two further downloads spaced in time; then those rows are `missing` (own state, billed unknown), exit 3; not auto-retried',
  },
  {
    row: 'R6',
    fault: 'Any order',
    expected: 'No assumption',
  },
  {
    row: 'R7',
    fault: 'Line > limit (100 MB+)',
    expected:
      'Spilled to the raw results file by bytes, never one string; custom_id read from the head of the line; > 64 MiB is not parsed. The SDK decoder would take minutes ',
  },
  {
    row: 'R8',
    fault: 'Invalid UTF-8, CR, blank lines, U+2028, BOM',
    expected: 'Split on LF bytes only; blank lines ignored; invalid UTF-8 kept raw and flagged',
  },
  {
    row: 'R9',
    fault: 'Malformed JSON line',
    expected: 'Quarantine with offset; stream goes on; exit 3',
  },
  {
    row: 'R10',
    fault: 'New result type or new content block',
    expected: 'Stored raw, shown as `unknown:<type>`, exit 3, not a crash',
  },
  {
    row: 'R11',
    fault: '`results_url` null, other origin, `http:`',
    expected: 'The URL is built from our base URL and the id; a different origin is logged and not used',
  },
  {
    row: 'R12',
    fault: '404/410 after `ended`',
    expected: 'As L1; if `archived_at` set or older than 29 days: `RESULTS_EXPIRED`, exit 5',
  },
  {
    row: 'R13',
    fault: 'gzip/br encoding, truncated compressed stream, decompression bomb',
    expected:
      'Ask for identity or count decoded bytes against a cap (N × 64 MiB is absurd: cap = 64 GiB and free disk)',
  },
  {
    row: 'R14',
    fault: 'Slow drip (1 byte/min), stall',
    expected: 'Idle timeout 120 s per read, then retry from zero',
  },
  {
    row: 'R15',
    fault: 'Kill during download',
    expected:
      'Ledger is appended in order; on restart it is scanned, a torn last line is cut, known ids are skipped',
  },
  {
    row: 'R16',
    fault: 'ENOSPC in the raw results file',
    expected: 'Stop, exit 6, batch stays ENDED; says days left until the results vanish',
  },
];
