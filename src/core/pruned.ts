/** Said of a job before files of it are removed, so that what is gone by then is known to be gone on purpose. */
export const PRUNED_EVENT = 'pruned';

/** The detail of that event. Each part is there when it was pruned. */
export interface PrunedDetail {
  /** Files of requests, by the nonces of their shards. */
  readonly requests?: readonly string[];
}

/** What was removed of a job by `prune`. Times are those of the events. */
export interface Pruned {
  /** When the file of requests of a shard went, by the shard's nonce. */
  readonly requests: ReadonlyMap<string, string>;
}

/** The same in the documents of `--json`. */
export interface PrunedDocument {
  /** How many files of requests, and when the last of them went; null: none. */
  readonly request_files: number;
  readonly requests_at: string | null;
}

/** What the events of a job say of it, in their order. */
export function readPruned(
  events: readonly { readonly at: string; readonly kind: string; readonly detailJson: string | null }[],
): Pruned {
  const requests = new Map<string, string>();
  for (const { at, kind, detailJson } of events) {
    if (kind !== PRUNED_EVENT) continue;
    const detail = JSON.parse(detailJson ?? '{}') as PrunedDetail; // recordPruned alone writes it
    for (const nonce of detail.requests ?? []) requests.set(nonce, at);
  }
  return { requests };
}

/** Null: nothing was pruned. */
export function prunedDocument({ requests }: Pruned): PrunedDocument | null {
  const requestsAt = [...requests.values()].at(-1) ?? null;
  if (requestsAt === null) return null;
  return { request_files: requests.size, requests_at: requestsAt };
}

/** The same for people: a sentence each. */
export function describePruned({
  request_files: files,
  requests_at: requestsAt,
}: PrunedDocument): readonly string[] {
  const sentences: string[] = [];
  if (requestsAt !== null)
    sentences.push(`${files === 1 ? '1 file' : `${files} files`} of requests (${dayOf(requestsAt)})`);
  return sentences;
}

/** The day, which is all that a person asks of it: `2026-03-01`. */
export function dayOf(at: string): string {
  return at.slice(0, 10);
}
