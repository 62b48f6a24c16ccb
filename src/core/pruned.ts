/** Said of a job before files of it are removed, so that what is gone by then is known to be gone on purpose. */
export const PRUNED_EVENT = 'pruned';

/** `retrieve` has made the results again. */
export const RESULTS_BACK_EVENT = 'results_back';

/** The detail of the first of them. Each part is there when it was pruned. */
export interface PrunedDetail {
  /** Files of requests, by the nonces of their shards. */
  readonly requests?: readonly string[];
  /** The lists of rows, and outputs in the job's own folder. */
  readonly results?: true;
}

/** What was removed of a job by `prune`. Times are those of the events. */
export interface Pruned {
  /** When the file of requests of a shard went, by the shard's nonce. */
  readonly requests: ReadonlyMap<string, string>;
  /** Null: they were not, or are there again. */
  readonly resultsAt: string | null;
}

/** The same in the documents of `--json`. */
export interface PrunedDocument {
  /** How many files of requests, and when the last of them went; null: none. */
  readonly request_files: number;
  readonly requests_at: string | null;
  /** Since when the results are gone that `retrieve` makes again; null: they are not. */
  readonly results_at: string | null;
}

/** What the events of a job say of it, in their order. */
export function readPruned(
  events: readonly { readonly at: string; readonly kind: string; readonly detailJson: string | null }[],
): Pruned {
  const requests = new Map<string, string>();
  let resultsAt: string | null = null;
  for (const { at, kind, detailJson } of events) {
    if (kind === RESULTS_BACK_EVENT) resultsAt = null;
    if (kind !== PRUNED_EVENT) continue;
    const detail = JSON.parse(detailJson ?? '{}') as PrunedDetail; // recordPruned alone writes it
    for (const nonce of detail.requests ?? []) requests.set(nonce, at);
    if (detail.results === true) resultsAt = at;
  }
  return { requests, resultsAt };
}

/** Null: nothing was pruned. */
export function prunedDocument({ requests, resultsAt }: Pruned): PrunedDocument | null {
  const requestsAt = [...requests.values()].at(-1) ?? null;
  if (requestsAt === null && resultsAt === null) return null;
  return { request_files: requests.size, requests_at: requestsAt, results_at: resultsAt };
}

/** The same for people: a sentence each. */
export function describePruned(pruned: PrunedDocument, jobId: string): readonly string[] {
  const { request_files: files, requests_at: requestsAt, results_at: resultsAt } = pruned;
  const sentences: string[] = [];
  if (requestsAt !== null)
    sentences.push(`${files === 1 ? '1 file' : `${files} files`} of requests (${dayOf(requestsAt)})`);
  if (resultsAt !== null)
    sentences.push(`results and outputs (${dayOf(resultsAt)}); batchctl retrieve ${jobId} makes them again`);
  return sentences;
}

/** The day, which is all that a person asks of it: `2026-03-01`. */
export function dayOf(at: string): string {
  return at.slice(0, 10);
}
