/** The verdict on a request. `missing`: the batch ended without a line for it. `held`: its need failed. */
export const ROW_STATUSES = ['succeeded', 'errored', 'canceled', 'expired', 'missing', 'held'] as const;
export type RowStatus = (typeof ROW_STATUSES)[number];

/** Why a row is no good. `succeeded` alone is not success: an answer may be cut, refused or unfinished. */
export const FAILURE_CLASSES = [
  'invalid_request',
  'not_found',
  'auth',
  'rate_limited',
  'overloaded',
  'api_error',
  'expired',
  'canceled',
  'missing',
  'truncated',
  'refused',
  'paused',
  'invalid_output',
  'held',
] as const;
export type FailureClass = (typeof FAILURE_CLASSES)[number];

/** Tokens as the API counts them; `input` leaves out both cache figures. */
export interface TokenUsage {
  readonly input: number;
  readonly output: number;
  readonly cacheCreation: number;
  readonly cacheRead: number;
}

export const NO_USAGE: TokenUsage = { input: 0, output: 0, cacheCreation: 0, cacheRead: 0 };

export function addUsage(a: TokenUsage, b: TokenUsage): TokenUsage {
  return {
    input: a.input + b.input,
    output: a.output + b.output,
    cacheCreation: a.cacheCreation + b.cacheCreation,
    cacheRead: a.cacheRead + b.cacheRead,
  };
}

/** Totals over requests; all that `list` and `status` read, so that they never count rows. */
export interface Tally {
  readonly requests: number;
  readonly succeeded: number;
  readonly errored: number;
  readonly canceled: number;
  readonly expired: number;
  readonly missing: number;
  readonly failures: Readonly<Partial<Record<FailureClass, number>>>;
  readonly usage: TokenUsage;
}

export const EMPTY_TALLY: Tally = {
  requests: 0,
  succeeded: 0,
  errored: 0,
  canceled: 0,
  expired: 0,
  missing: 0,
  failures: {},
  usage: NO_USAGE,
};

export function addTallies(a: Tally, b: Tally): Tally {
  const failures: Partial<Record<FailureClass, number>> = { ...a.failures };
  for (const name of FAILURE_CLASSES) {
    const more = b.failures[name];
    if (more !== undefined) failures[name] = (failures[name] ?? 0) + more;
  }
  return {
    requests: a.requests + b.requests,
    succeeded: a.succeeded + b.succeeded,
    errored: a.errored + b.errored,
    canceled: a.canceled + b.canceled,
    expired: a.expired + b.expired,
    missing: a.missing + b.missing,
    failures,
    usage: addUsage(a.usage, b.usage),
  };
}

type CountedRow = { readonly status: RowStatus | null; readonly failure: FailureClass | null };

/** The totals with one row more; its tokens are counted already. */
export function addRow(tally: Tally, row: CountedRow): Tally {
  return countRow(tally, row, 1);
}

/** The totals without a row that has gone out again; its tokens stay, for they were paid. */
export function removeRow(tally: Tally, row: CountedRow): Tally {
  return countRow(tally, row, -1);
}

function countRow(tally: Tally, { status, failure }: CountedRow, by: 1 | -1): Tally {
  if (status === null || status === 'held') return tally;
  const failures = { ...tally.failures };
  if (failure !== null) {
    const count = (failures[failure] ?? 0) + by;
    if (count === 0) delete failures[failure];
    else failures[failure] = count;
  }
  return { ...tally, requests: tally.requests + by, [status]: tally[status] + by, failures };
}
