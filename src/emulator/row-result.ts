import { answerMessage } from './answer.ts';
import { cutOffOf } from './batch-state.ts';
import type { Batch } from './batches.ts';
import { findParamsProblem } from './params-check.ts';
import type { Params } from './params-schema.ts';
import { type RowFaultShares, rowFaultOf } from './row-outcome.ts';
import type { CachedPrefixes } from './usage.ts';

/** One line of results. */
export interface RowResult {
  readonly custom_id: string;
  readonly result: Readonly<Record<string, unknown>>;
}

/** One request of a batch as it was stored. */
export interface StoredRow {
  readonly customId: string;
  readonly params: unknown;
  readonly hash: number;
  readonly isInvalid: boolean;
}

/** What the results of one batch are made with, from the first row to the last. */
export interface ResultContext {
  readonly batch: Batch;
  readonly shares: RowFaultShares;
  readonly cached: CachedPrefixes;
}

/** Makes the result of a row from its request; the same one each time. */
export function makeResult(row: StoredRow, { batch, shares, cached }: ResultContext): RowResult {
  const custom_id = row.customId;
  const cutOff = cutOffOf(batch, row.hash);
  if (cutOff !== null) return { custom_id, result: { type: cutOff } };
  const fault = rowFaultOf(row.hash, shares);
  switch (fault) {
    case 'rows-expired':
      return { custom_id, result: { type: 'expired' } };
    case 'rows-errored':
      return { custom_id, result: errored('api_error', 'Internal server error') };
    case 'rows-overloaded':
      return { custom_id, result: errored('overloaded_error', 'Overloaded') };
    case 'rows-invalid':
      return {
        custom_id,
        result: errored('invalid_request_error', 'messages: refused by the fault rows-invalid'),
      };
    default:
  }
  if (row.isInvalid) {
    const { apiVersion, betas, createdUs } = batch;
    const problem = findParamsProblem(row.params, { isBatch: true, apiVersion, betas, atUs: createdUs });
    return {
      custom_id,
      result: errored(problem?.type ?? 'api_error', problem?.message ?? 'Internal server error'),
    };
  }
  return { custom_id, result: succeed(row, batch, cached, fault) };
}

/** The result of a row whose params are good, whatever else would have become of it. */
export function succeed(
  row: StoredRow,
  batch: Batch,
  cached: CachedPrefixes,
  fault: ReturnType<typeof rowFaultOf> = null,
): RowResult['result'] {
  const params = row.params as Params; // holds: findParamsProblem found nothing when the batch was created
  const seed = `${batch.id}/${row.customId}`;
  return { type: 'succeeded', message: answerMessage(params, { seed, isBatch: true, cached, fault }) };
}

/** The whole envelope of an API error stands inside the result: its type is at `result.error.error.type`. */
function errored(type: string, message: string): RowResult['result'] {
  const error = { type, message, details: { error_visibility: 'user_facing' } };
  return { type: 'errored', error: { type: 'error', error, request_id: null } };
}
