import type { FaultRow } from '../row.ts';

/** Poll. */
export const pollRows: readonly FaultRow[] = [
  {
    row: 'L1',
    fault: '404 once / flapping / lasting',
    expected:
      'Transient for >= 10 min and >= 5 answers and absent from a full list; then `REMOTE_GONE`, exit 5, no resubmission without `--resubmit-lost`',
  },
  {
    row: 'L2',
    fault: '429 / 5xx / 529 / DNS down for hours',
    expected: 'Back-off to 5 min with jitter, no limit while before expiry; one line per change, not per try',
  },
  {
    row: 'L3',
    fault: '401 / 403 in the middle (key revoked, rotated)',
    expected:
      'Pause, keep state, exit 4: "batches keep running; set a key of the same workspace and run resume"',
  },
  {
    row: 'L4',
    fault: 'Key of another workspace at resume',
    expected:
      'Header differs from the stored workspace id: refuse to reconcile or poll (404 there means nothing), exit 4',
  },
  {
    row: 'L5',
    fault: 'Clock skew, clock jumps back, DST, year 2038',
    expected: 'All deadlines from server time (Date offset) or monotonic; stored as UTC milliseconds',
  },
  {
    row: 'L6',
    fault: 'Sleep / hibernate for 3 days',
    expected: 'Poll at once on wake; expiry noticed; results still there (29 days)',
  },
  {
    row: 'L7',
    fault: 'Unknown `processing_status`, missing or extra fields, counts not summing to N',
    expected: 'Unknown status = "not ended", warn once; counts mismatch at end = verification error',
  },
  {
    row: 'L8',
    fault: 'Batch older than 24 h still `in_progress`',
    expected: 'Warn at `expires_at` + 10 min; keep polling slower',
  },
  {
    row: 'L9',
    fault: 'Hundreds of open batches',
    expected:
      'One list call per page of 1000 instead of one call per batch; fall back to retrieve for ids not in the page',
  },
  {
    row: 'L10',
    fault: 'Two watchers on one DB',
    expected: 'Both may poll; only one downloads (claim)',
  },
  {
    row: 'L11',
    fault: 'Kill at `poll.*`',
    expected: 'No effect',
  },
];
