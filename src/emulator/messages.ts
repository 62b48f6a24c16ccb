import { answerMessage } from './answer.ts';
import { nowUs } from './clock.ts';
import { messageEffectOf } from './message-effects.ts';
import { findCountProblem, findParamsProblem, type ParamsProblem } from './params-check.ts';
import type { Params, PromptParams } from './params-schema.ts';
import { logMessage } from './posts.ts';
import { lastUserText, piecesOf } from './prompt.ts';
import { readJson } from './read-json.ts';
import { ApiError, type Call, sendJson } from './reply.ts';

/** So much of a prompt is kept for the truth. */
const PROMPT_LENGTH = 80;

/** POST /v1/messages, without streaming. */
export async function createMessage(call: Call): Promise<void> {
  const beganUs = nowUs(call.state.db);
  const body = await readJson(call.request);
  refuse(findParamsProblem(body, checkContext(call)));
  const params = body as Params; // holds: findParamsProblem found nothing
  if (params.stream === true) {
    throw new ApiError(400, 'invalid_request_error', 'stream: streaming is not supported by this emulator');
  }
  const context = { seed: call.requestId, isBatch: false, cached: new Map(), fault: null };
  const effect = messageEffectOf(call.faults.take('message'));
  logMessage(call.state.db, {
    beganUs,
    prompt: lastUserText(params, PROMPT_LENGTH),
    workspaceId: call.workspaceId,
    isAnswered: effect.isAnswered,
    status: effect.status,
  });
  await effect.send(call, answerMessage(params, context));
}

/** POST /v1/messages/count_tokens */
export async function countTokens(call: Call): Promise<void> {
  const body = await readJson(call.request);
  refuse(findCountProblem(body, checkContext(call)));
  const params = body as PromptParams; // holds: findCountProblem found nothing
  const tokens = piecesOf(params).reduce((sum, piece) => sum + piece.tokens, 0);
  sendJson(call.response, 200, { input_tokens: Math.max(1, tokens) });
}

function checkContext(call: Call) {
  return { isBatch: false, apiVersion: call.apiVersion, betas: call.betas, atUs: nowUs(call.state.db) };
}

function refuse(problem: ParamsProblem | null): void {
  if (problem !== null)
    throw new ApiError(problem.type === 'not_found_error' ? 404 : 400, problem.type, problem.message);
}
