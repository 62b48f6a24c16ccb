import { parseRetryAfter } from '../core/backoff.ts';
import type { Outside, PostEnd } from '../core/ports/outside.ts';

const TIMEOUT_MS = 10_000;

/** Posts JSON to a URL of the user's. Part of wire.ts. */
export function createPost(version: string, timeoutMs: number = TIMEOUT_MS): Outside['post'] {
  return async (url, body, signal): Promise<PostEnd> => {
    try {
      const response = await fetch(url, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', 'user-agent': `batchctl/${version}` },
        // Followed, the job's facts would go to a host that nobody named.
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      // What it says is nobody's business; a body that never ends must not hold us.
      await response.body?.cancel().catch(() => undefined);
      return judge(response);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const isLate = error instanceof Error && error.name === 'TimeoutError';
      const why = isLate ? `no answer within ${timeoutMs / 1000} s` : explain(error);
      return { kind: 'failed', why, retryable: true, retryAfterMs: null };
    }
  };
}

function judge({ ok, status, headers }: Response): PostEnd {
  if (ok) return { kind: 'taken' };
  const isRedirect = status >= 300 && status < 400;
  return {
    kind: 'failed',
    why: isRedirect ? `it answered ${status}, a redirect, which is not followed` : `it answered ${status}`,
    retryable: status === 408 || status === 429 || status >= 500,
    retryAfterMs: parseRetryAfter(headers.get('retry-after'), null),
  };
}

/** fetch says «fetch failed»; the cause says why. */
function explain(error: unknown): string {
  const { cause } = error as { readonly cause?: unknown }; // anything may be thrown; looked at below
  if (cause instanceof Error && cause.message !== '') return cause.message;
  if (cause instanceof Error && 'code' in cause) return String(cause.code);
  return error instanceof Error ? error.message : String(error);
}
