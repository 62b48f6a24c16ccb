import { coldCache, warmCache } from './batch-cache.ts';
import { linesFile } from './batch-files.ts';
import { refuseNowAndThen, refuseYoungBatch, requireBatch } from './batch-routes.ts';
import { archivedUs, statusAt } from './batch-state.ts';
import { type Batch, readRowTable } from './batches.ts';
import { nowUs } from './clock.ts';
import type { Fault } from './faults.ts';
import { ApiError, type Call } from './reply.ts';
import { encodeAnswer, sendBomb } from './result-encoding.ts';
import { breakAfter, linesOf } from './result-faults.ts';
import { openResultOutput, type ResultOutput } from './result-output.ts';
import { beginResults, countingOutput, withoutFirst } from './result-range.ts';
import { readRowFaults } from './row-outcome.ts';
import { openRowReader, type RowReader, shuffledOrder } from './row-reader.ts';
import { makeResult, type ResultContext } from './row-result.ts';

/**
 * GET /v1/messages/batches/{id}/results: one line a request, in no order, made from the stored requests while they are
 * sent, so that memory does not grow with the batch.
 */
export async function sendResults(call: Call): Promise<void> {
  const { db, stateDir } = call.state;
  const batch = requireBatch(call);
  refuseYoungBatch(call, batch);
  refuseNowAndThen(call);
  const now = nowUs(db);
  if (statusAt(batch, now) !== 'ended' || now >= archivedUs(batch, call.faults)) throw noResults(batch);
  const fault = call.faults.take('results');
  if (fault?.name === 'results-not-found') throw noResults(batch);

  if (fault?.name === 'results-gzip-bomb') return sendBomb(call);
  const reader = openRowReader(linesFile(stateDir, batch.id), readRowTable(db, batch.id));
  try {
    const encoded = fault?.name === 'results-gzip' ? encodeAnswer(call) : null;
    const measure = async (): Promise<number> => {
      const counting = countingOutput();
      await sendRows(call, batch, null, reader, counting);
      return counting.bytes();
    };
    const has = encoded === null ? await beginResults(call, batch, measure) : 0;
    const target = encoded ?? call.response;
    const output = openResultOutput(target, fault?.name === 'results-slow' ? fault.amount : null);
    const isWhole = await sendRows(call, batch, fault, reader, withoutFirst(output, has));
    if (isWhole && (await output.flush())) target.end();
  } finally {
    reader.close();
  }
}

/** False when the answer was broken off, by the client or by a fault. */
async function sendRows(
  call: Call,
  batch: Batch,
  fault: Fault | null,
  reader: RowReader,
  output: ResultOutput,
): Promise<boolean> {
  const missing = call.faults.standing('results-missing')?.amount ?? 0;
  const shuffled = shuffledOrder(batch.id, batch.requests).subarray(missing);
  const order = fault?.name === 'results-reversed' ? shuffled.toReversed() : shuffled;
  const stopAt = breakAfter(fault, order.length);
  const shares = readRowFaults(call.faults);
  const cold = call.faults.standing('cold-cache')?.amount ?? null;
  const cache = cold === null ? warmCache() : coldCache(call.state.db, batch, cold);
  for (const [position, index] of order.entries()) {
    if (position === stopAt && fault?.name === 'results-short') return true;
    if (position === stopAt && fault?.name === 'results-stall') {
      await output.flush();
      return false;
    }
    const row = reader.read(index);
    const context: ResultContext = { batch, shares, cached: cache.at(position) };
    const outgoing = { position, row, result: makeResult(row, context), batch };
    if (position === stopAt) {
      const line = JSON.stringify(outgoing.result);
      await output.add(line.slice(0, line.length / 2));
      await output.flush();
      call.request.socket.destroy();
      return false;
    }
    for (const text of linesOf(outgoing, fault)) {
      const full = output.add(text);
      if (full !== null && !(await full)) return false;
    }
  }
  cache.keep();
  return true;
}

function noResults(batch: Batch): ApiError {
  return new ApiError(404, 'not_found_error', `Message Batch ${batch.id} has no available results.`);
}
