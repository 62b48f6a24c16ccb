/**
 * A «not found» for a batch that we made is transient until proven otherwise: a retrieve one second after the create, and
 * again two minutes later between two good answers, was seen by users (anthropics/anthropic-sdk-python issue 1432).
 */
const ANSWERS_NEEDED = 5;

/** Ten minutes of a settle time of fifteen. */
export function isGone(
  notFound: { readonly sinceMs: number; readonly answers: number } | null,
  nowMs: number,
  settleMs: number,
): boolean {
  if (notFound === null) return false;
  return notFound.answers >= ANSWERS_NEEDED && nowMs - notFound.sinceMs >= (settleMs * 2) / 3;
}
