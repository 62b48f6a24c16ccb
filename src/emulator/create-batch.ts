import { renameSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { linesFile, partialFile } from './batch-files.ts';
import { viewContext } from './batch-routes.ts';
import { endsUs, queuedRows, statusAt } from './batch-state.ts';
import { viewBatch } from './batch-view.ts';
import { insertBatch, listBatches, type NewBatch } from './batches.ts';
import { nowUs, SECOND_US } from './clock.ts';
import { insertForeignBatches, writeColleagueBatches } from './colleague.ts';
import { type CreateEffect, effectOf } from './create-effects.ts';
import { answerEarly, earlyStopAt, takeEarlyFault } from './early-faults.ts';
import { randomId } from './hash.ts';
import { findParamsProblem } from './params-check.ts';
import { finishPost, startPost } from './posts.ts';
import { type ReceivedBody, receiveBody } from './receive-batch.ts';
import { ApiError, type Call, sendError, sendHtml } from './reply.ts';

// "256 MB" (platform.claude.com/docs/en/api/errors); which MB is not said, so the smaller one.
const MAX_BODY_BYTES = 256_000_000;

/** POST /v1/messages/batches. The batch exists from one commit on, after its whole body was received and found good. */
export async function createBatch(call: Call): Promise<void> {
  const { state, request, response } = call;
  const beganUs = nowUs(state.db);
  const contentLength = readContentLength(request);
  const post = startPost(state.db, { beganUs, workspaceId: call.workspaceId, contentLength });
  const limit = call.faults.standing('limit-bytes')?.amount ?? MAX_BODY_BYTES;
  const finish = (body: Pick<ReceivedBody, 'receivedBytes' | 'ending'>, status: number | null) =>
    finishPost(state.db, post, {
      receivedBytes: body.receivedBytes,
      isComplete: body.ending === 'complete',
      status,
      batchId: null,
    });
  if (contentLength !== null && contentLength > limit) {
    finish({ receivedBytes: 0, ending: 'stopped' }, 413);
    sendTooLarge(call);
    return;
  }

  const early = takeEarlyFault(call.faults);
  const id = batchIdOf(call.faults.standing('odd-ids')?.value ?? null);
  const path = partialFile(state.stateDir, id);
  try {
    const body = await receiveBody(request, {
      path,
      stopAtBytes: Math.min(
        limit + 1,
        early === null ? Number.POSITIVE_INFINITY : earlyStopAt(early, contentLength),
      ),
      isInvalid: (params) =>
        findParamsProblem(params, {
          isBatch: true,
          apiVersion: call.apiVersion,
          betas: call.betas,
          atUs: beganUs,
        }) !== null,
    });
    if (body.ending === 'broken off') return finish(body, null);
    if (body.receivedBytes > limit) {
      finish(body, 413);
      return sendTooLarge(call);
    }
    if (early !== null) return finish(body, answerEarly(call, early));
    const refusal = findRefusal(call, body);
    if (refusal !== null) {
      finish(body, refusal.status);
      return refusal.status === 413 ? sendTooLarge(call) : sendError(response, call.requestId, refusal);
    }
    const effect = effectOf(call.faults.take('create'));
    const batch = store(call, { id, path, post, beganUs, body, effect });
    // Whatever the clock says by now, a batch is in progress in the answer that makes it known.
    const shownAtUs = Math.min(batch.createdUs, endsUs(batch) - 1);
    await effect.send(call, viewBatch(batch, shownAtUs, viewContext(call)));
  } finally {
    rmSync(path, { force: true });
  }
}

/** Ids are opaque text: a client that makes a path, an address or a column of one must be ready for these. */
function batchIdOf(form: string | null): string {
  const id = randomId('msgbatch');
  switch (form) {
    case 'dots':
      return `../${id}`;
    case 'slashes':
      return `/a/b/${id}/`;
    case 'marks':
      return `${id} ?#%25&"'\\\u202e\u001b[31m`;
    case 'long':
      return id.padEnd(200, 'x');
    default:
      return id;
  }
}

interface Arrival {
  readonly id: string;
  readonly path: string;
  readonly post: number;
  readonly beganUs: number;
  readonly body: ReceivedBody;
  readonly effect: CreateEffect;
}

/** Commits the batch, the colleague's around it, and the log of the call, all or nothing. */
function store(call: Call, { id, path, post, beganUs, body, effect }: Arrival) {
  const { db, stateDir, batchSeconds } = call.state;
  const storedUs = nowUs(db);
  const batch: NewBatch = {
    id,
    workspaceId: call.workspaceId,
    requests: body.rows.lengths.length,
    invalidRequests: body.rows.invalid.reduce((sum, invalid) => sum + invalid, 0),
    createdUs: call.faults.standing('created-at')?.value === 'first-byte' ? beganUs : storedUs,
    storedUs,
    finishesUs: storedUs + Math.round(batchSeconds * SECOND_US),
    apiVersion: call.apiVersion,
    betas: call.betas,
    bodySha256: body.sha256,
    firstCustomId: body.firstCustomId,
    isForeign: false,
  };
  const eachSide = call.faults.standing('colleague')?.amount ?? 0;
  const foreign = writeColleagueBatches(stateDir, batch, eachSide);
  db.transaction(() => {
    insertForeignBatches(db, foreign.slice(0, eachSide));
    if (effect.creates) {
      insertBatch(db, batch, body.rows);
      renameSync(path, linesFile(stateDir, id));
    }
    insertForeignBatches(db, foreign.slice(eachSide));
    finishPost(db, post, {
      receivedBytes: body.receivedBytes,
      isComplete: true,
      status: effect.status,
      batchId: effect.creates ? id : null,
    });
  }).immediate();
  return { ...batch, number: 0, canceledUs: null };
}

/** What the API refuses a whole body with; null when it makes a batch of it. */
function findRefusal(call: Call, body: ReceivedBody): ApiError | null {
  if (body.problem !== null) return new ApiError(400, 'invalid_request_error', body.problem);
  const requests = body.rows.lengths.length;
  if (requests > (call.faults.standing('limit-requests')?.amount ?? Number.POSITIVE_INFINITY)) {
    return new ApiError(413, 'request_too_large', 'Request exceeds the maximum size');
  }
  const queue = call.faults.standing('queue');
  if (queue === null) return null;
  const now = nowUs(call.state.db);
  const waiting = listBatches(call.state.db, call.workspaceId).filter(
    (batch) => statusAt(batch, now) !== 'ended',
  );
  const queued = waiting.reduce((sum, batch) => sum + queuedRows(batch, now), 0);
  if (queued + requests <= queue.amount) return null;
  const firstEndUs = Math.min(...waiting.map(endsUs));
  const seconds = Number.isFinite(firstEndUs) ? Math.max(1, Math.ceil((firstEndUs - now) / SECOND_US)) : 60;
  return new ApiError(
    429,
    'rate_limit_error',
    `This request would exceed your organization's limit of ${queue.amount} batch requests in the processing queue.`,
    { headers: { 'retry-after': String(seconds) } },
  );
}

/** 413 comes from the edge in front of the API, as HTML. The rest of the body is read and dropped. */
function sendTooLarge(call: Call): void {
  call.response.setHeader('connection', 'close');
  sendHtml(call.response, 413, 'Payload Too Large');
  call.request.resume();
}

function readContentLength(request: IncomingMessage): number | null {
  const header = request.headers['content-length'];
  return header === undefined ? null : Number(header);
}
