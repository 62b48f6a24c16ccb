import type { FaultRow } from '../row.ts';

/** Retry and cancel. */
export const retryRows: readonly FaultRow[] = [
  {
    row: 'T1',
    fault: '`errored` with `invalid_request_error`',
    expected: 'Never auto-retried; grouped by message; "fix the input, then `retry --include invalid`"',
  },
  {
    row: 'T2',
    fault: '`errored` (api/overloaded), `expired`',
    expected: 'Retryable; new shard, new attempt number, same row id; shows count and cost first',
  },
  {
    row: 'T3',
    fault: '`canceled`',
    expected: 'Only with `--include canceled`',
  },
  {
    row: 'T4',
    fault: 'Run `retry` twice at once, or kill in the middle',
    expected: 'Selection + new shard rows in one IMMEDIATE transaction; unique (row, attempt)',
  },
  {
    row: 'T5',
    fault: 'Retry while the first attempt is still ambiguous or in progress',
    expected: 'Refused for those rows',
  },
  {
    row: 'T6',
    fault: 'Old attempt succeeds late (late duplicate)',
    expected:
      'Row keeps the first terminal success; the other is stored, flagged `duplicate_paid` in the report',
  },
  {
    row: 'T7',
    fault: '`max_tokens` / refusal / `pause_turn` stop reasons',
    expected: 'Not errors: separate filters',
  },
  {
    row: 'K1',
    fault: 'Response lost',
    expected: 'Cancel is safe to repeat; poll decides',
  },
  {
    row: 'K2',
    fault: 'Batch ended meanwhile (400/409)',
    expected: 'Treated as done; results fetched',
  },
  {
    row: 'K3',
    fault: 'Partial results after cancel',
    expected: 'Downloaded and kept; rows split into succeeded / canceled',
  },
  {
    row: 'K4',
    fault: 'Cancel of an ambiguous shard',
    expected:
      'Cancels only a *verified* batch; a provisional candidate needs `--force` and prints why (it may be a colleague’s)',
  },
  {
    row: 'K5',
    fault: 'Cancel of a job with unsent shards',
    expected: 'Unsent ones become CANCELED locally first, in one commit; then the API calls',
  },
];
