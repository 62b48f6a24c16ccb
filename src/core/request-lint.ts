import type { JobMode } from './job.ts';

/** The largest body of one Messages request. Source: platform.claude.com/docs/en/api/errors (32 MB) */
export const MAX_REQUEST_BYTES = 32_000_000;

const SAMPLING = ['temperature', 'top_p', 'top_k'] as const;

// What a request of a batch may not have, and why.
// Source: platform.claude.com/docs/en/build-with-claude/batch-processing
const NOT_IN_BATCHES: Readonly<Record<string, string>> = {
  speed: 'fast mode is not available in batches',
  store: 'threads are not available in batches',
  previous_thread_event_id: 'threads are not available in batches',
  cache_hint: 'it is not available in batches',
  context_hint: 'it is not available in batches',
};

type Params = Readonly<Record<string, unknown>>;

/**
 * What the API would refuse in the params of one request, a sentence each with the way out; empty when nothing is
 * known to be wrong. The API checks params only after a batch was accepted, row by row, so a mistake that stands in
 * all of them would cost a night.
 */
export function lintParams(params: Params, apiVersion: string, mode: JobMode = 'batch'): readonly string[] {
  return [
    ...lintShape(params),
    ...lintOptions(params, apiVersion, mode),
    ...lintTools(params),
    ...lintMessages(params, apiVersion),
  ];
}

function lintOptions(params: Params, apiVersion: string, mode: JobMode): readonly string[] {
  const problems: string[] = [];
  if (apiVersion === '2026-10-21') {
    for (const name of SAMPLING) {
      if (Object.hasOwn(params, name)) {
        problems.push(
          `"${name}" is refused under api_version 2026-10-21; remove it, or set "api_version: 2023-06-01" for a model before 4.7`,
        );
      }
    }
  }
  // "stream": false is what every request is.
  if (Object.hasOwn(params, 'stream') && params['stream'] !== false)
    problems.push(
      mode === 'batch'
        ? '"stream" cannot be in a request of a batch (a batch has no stream); remove it'
        : '"stream" cannot be in a request (answers are taken whole); remove it',
    );
  if (mode === 'real_time') return problems;
  for (const [name, why] of Object.entries(NOT_IN_BATCHES)) {
    if (Object.hasOwn(params, name))
      problems.push(`"${name}" cannot be in a request of a batch (${why}); remove it`);
  }
  return problems;
}

/** Source: platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools, «Forcing tool use» */
function lintTools({ tools, tool_choice: choice }: Params): readonly string[] {
  if (!isObject(choice) || (choice['type'] !== 'any' && choice['type'] !== 'tool')) return [];
  const list: readonly unknown[] = Array.isArray(tools) ? tools : [];
  if (list.length === 0) return ['"tool_choice" asks for a tool, and there are no "tools"; add them'];
  const name = choice['name'];
  if (choice['type'] === 'any' || list.some((tool) => !isObject(tool) || tool['name'] === name)) return [];
  // Tools of a toolset have names that are not listed.
  if (list.some((tool) => isObject(tool) && tool['name'] === undefined)) return [];
  return [`"tool_choice" asks for the tool "${String(name)}", which is not one of "tools"`];
}

function lintShape(params: Params): readonly string[] {
  const problems: string[] = [];
  const { model, max_tokens: maxTokens, messages } = params;
  if (typeof model !== 'string' || model === '')
    problems.push('"model" is missing; name one, such as claude-sonnet-5-5');
  if (maxTokens === undefined) problems.push('"max_tokens" is missing; a whole number of at least 1');
  else if (!Number.isInteger(maxTokens) || Number(maxTokens) < 1) {
    problems.push('"max_tokens" must be a whole number of at least 1; a batch cannot warm the cache with 0');
  }
  if (messages === undefined) problems.push('"messages" is missing');
  else if (!Array.isArray(messages) || messages.length === 0)
    problems.push('"messages" must be a list with at least one message');
  return problems;
}

function lintMessages(params: Params, apiVersion: string): readonly string[] {
  const messages = params['messages'];
  if (!Array.isArray(messages)) return [];
  const problems: string[] = [];
  for (const [index, message] of messages.entries()) {
    if (!isObject(message) || !Array.isArray(message['content']) || apiVersion !== '2026-10-21') {
      if (!isObject(message)) problems.push(`messages.${index} must be an object with "role" and "content"`);
      continue;
    }
    for (const block of message['content']) {
      if (!isObject(block)) continue;
      if (message['role'] === 'assistant' && block['type'] === 'document') {
        problems.push(
          `messages.${index}: a document in an assistant message is refused under api_version 2026-10-21; move it to a user message`,
        );
      }
      const citations = block['citations'];
      if (
        message['role'] === 'user' &&
        block['type'] === 'text' &&
        Array.isArray(citations) &&
        citations.length > 0
      ) {
        problems.push(
          `messages.${index}: a text with citations in a user message is refused under api_version 2026-10-21; remove its "citations"`,
        );
      }
    }
  }
  return problems;
}

function isObject(value: unknown): value is Params {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The sentence for a request whose body is larger than the API takes, or null. */
export function requestSizeProblem(paramsJson: string): string | null {
  // A UTF-16 unit has at most 3 bytes in UTF-8, so that most texts need no counting.
  if (paramsJson.length * 3 <= MAX_REQUEST_BYTES) return null;
  const sizeBytes = Buffer.byteLength(paramsJson);
  if (sizeBytes <= MAX_REQUEST_BYTES) return null;
  return `the request has ${sizeBytes.toLocaleString('en-US')} bytes; the API takes at most ${MAX_REQUEST_BYTES.toLocaleString('en-US')}, so split the record`;
}
