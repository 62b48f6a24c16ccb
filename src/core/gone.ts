/**
 * A «not found» for a batch that we made is transient until proven otherwise: a retrieve one second after the create, and
 * again two minutes later between two good answers, was seen by users (anthropics/anthropic-sdk-python issue 1432).
 */
const ANSWERS_NEEDED = 5;

/** Users saw a live batch «not found» for two minutes. */
const GONE_AFTER_MS = 10 * 60_000;

/** How long a batch may be «not found»: ten minutes, however short the settle time; less where nothing is paid. */
export function goneAfterMs(settleMs: number, isEmulator: boolean): number {
  const share = (settleMs * 2) / 3;
  return isEmulator ? share : Math.max(share, GONE_AFTER_MS);
}

export function isGone(
  notFound: { readonly sinceMs: number; readonly answers: number },
  nowMs: number,
  afterMs: number,
): boolean {
  return notFound.answers >= ANSWERS_NEEDED && nowMs - notFound.sinceMs >= afterMs;
}
