import type { ShardView } from './ports/store-views.ts';
import { countRetriable } from './retry-rule.ts';

/** Said of a job before files of it are removed, so that what is gone by then is known to be gone on purpose. */
export const PRUNED_EVENT = 'pruned';

/** `retrieve` has made the results again. */
export const RESULTS_BACK_EVENT = 'results_back';

/** What is about to be removed. */
export interface PrunedParts {
  /** Files of requests, by the nonces of their shards. */
  readonly requests?: readonly string[];
  /** The lists of rows, and outputs in the job's own folder. */
  readonly results?: true;
  /** All files but the journal, and all rows. */
  readonly answers?: true;
}

/** The detail of the first of these events. */
export interface PrunedDetail extends PrunedParts {
  /** With `answers`: what the rows came to and cost, which can be counted from nothing else afterwards. */
  readonly totals?: PrunedTotals;
}

export interface PrunedTotals {
  /** Columns of the store, as they stand there. */
  readonly shards: readonly {
    readonly nonce: string;
    readonly tally: string;
    readonly spent: string | null;
  }[];
  /** Stage → its held rows. */
  readonly held: Readonly<Record<string, number>>;
}

/** What was removed of a job by `prune`. Times are those of the events. */
export interface Pruned {
  /** When the file of requests of a shard went, by the shard's nonce. */
  readonly requests: ReadonlyMap<string, string>;
  /** Null: they were not, or are there again. */
  readonly resultsAt: string | null;
  /** For good; null: they were not. */
  readonly answersAt: string | null;
}

/** The same in the documents of `--json`. */
export interface PrunedDocument {
  /** How many files of requests, and when the last of them went; null: none. */
  readonly request_files: number;
  readonly requests_at: string | null;
  /** Rows that `retry` would send again, were their requests here; left out where there are none. */
  readonly rows_without_retry?: number;
  /** Since when the results are gone that `retrieve` makes again; null: they are not. */
  readonly results_at: string | null;
  /** Since when all of it is gone but what it came to and cost; null: it is not. */
  readonly answers_at: string | null;
}

/** What the events of a job say of it, in their order. */
export function readPruned(
  events: readonly { readonly at: string; readonly kind: string; readonly detailJson: string | null }[],
): Pruned {
  const requests = new Map<string, string>();
  let resultsAt: string | null = null;
  let answersAt: string | null = null;
  for (const { at, kind, detailJson } of events) {
    if (kind === RESULTS_BACK_EVENT) resultsAt = null;
    if (kind !== PRUNED_EVENT) continue;
    const detail = JSON.parse(detailJson ?? '{}') as PrunedDetail; // recordPruned alone writes it
    for (const nonce of detail.requests ?? []) requests.set(nonce, at);
    if (detail.results === true) resultsAt = at;
    if (detail.answers === true) answersAt = at;
  }
  return { requests, resultsAt, answersAt };
}

/** The totals among the events of a journal. Null: the answers were not pruned. */
export function prunedTotals(
  events: readonly { readonly event: string; readonly detail: unknown }[],
): PrunedTotals | null {
  const details = events.flatMap(({ event, detail }) =>
    event === PRUNED_EVENT ? [detail as PrunedDetail] : [],
  ); // likewise
  return details.find(({ totals }) => totals !== undefined)?.totals ?? null;
}

/** Null: nothing was pruned. */
export function prunedDocument(
  { requests, resultsAt, answersAt }: Pruned,
  views: readonly Pick<ShardView, 'shard' | 'tally'>[],
): PrunedDocument | null {
  const requestsAt = [...requests.values()].at(-1) ?? null;
  if (requestsAt === null && resultsAt === null && answersAt === null) return null;
  const without = views
    .filter(({ shard }) => requests.has(shard.nonce))
    .reduce((sum, { tally }) => sum + countRetriable(tally?.failures ?? {}), 0);
  return {
    request_files: requests.size,
    requests_at: requestsAt,
    ...(without === 0 ? {} : { rows_without_retry: without }),
    results_at: resultsAt,
    answers_at: answersAt,
  };
}

/** The same for people: a sentence each. */
export function describePruned(pruned: PrunedDocument, jobId: string): readonly string[] {
  const {
    request_files: files,
    requests_at: requestsAt,
    results_at: resultsAt,
    answers_at: answersAt,
  } = pruned;
  if (answersAt !== null) return [`all but totals, batches and cost (${dayOf(answersAt)})`];
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
