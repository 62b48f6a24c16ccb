const ID_PATTERN = /^[a-zA-Z0-9_-]{1,64}$/;

/** The most requests that a batch may hold: platform.claude.com/docs/en/build-with-claude/batch-processing. */
export const MAX_REQUESTS = 100_000;

/** One request that create takes as well-formed; its params are looked at when the row is processed. */
export interface WellFormedRequest {
  readonly customId: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** What create itself checks in the list of requests, but for ids that come twice. */
export interface RequestCheck {
  /** Takes the next element of `requests`; null when the batch is refused because of it, or of an earlier one. */
  add(request: unknown): WellFormedRequest | null;
  /** What create answers 400 with; null when the list is fine. */
  problem(): string | null;
}

/**
 * Checks a list of requests one by one. One bad request refuses the batch.
 * Texts: live captures in OpenRouterTeam/docs, docs/batch-research/anthropic.md (September 2026).
 */
export function checkRequests(): RequestCheck {
  let count = 0;
  let problemOfOne: string | null = null;
  return {
    add(request) {
      const index = count;
      count += 1;
      if (problemOfOne !== null || count > MAX_REQUESTS) return null;
      const problem = problemOf(request);
      if (problem !== null) {
        problemOfOne = `requests.${index}${problem}`;
        return null;
      }
      // The cast holds: problemOf has looked at both fields.
      const { custom_id: customId, params } = request as {
        custom_id: string;
        params: Record<string, unknown>;
      };
      return { customId, params };
    },
    problem() {
      if (count === 0) return 'requests: List should have at least 1 item after validation, not 0';
      if (count > MAX_REQUESTS)
        return `requests: List should have at most ${MAX_REQUESTS} items after validation`;
      return problemOfOne;
    },
  };
}

function problemOf(request: unknown): string | null {
  if (!isObject(request)) return ': Input should be an object';
  const id = request['custom_id'];
  if (id === undefined) return '.custom_id: Field required';
  if (typeof id !== 'string') return '.custom_id: Input should be a valid string';
  if (id.length > 64) return '.custom_id: String should have at most 64 characters';
  if (!ID_PATTERN.test(id)) return ".custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'";
  if (request['params'] === undefined) return '.params: Field required';
  return isObject(request['params']) ? null : '.params: Input should be an object';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
