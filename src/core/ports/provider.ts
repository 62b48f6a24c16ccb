import type { Batch } from '../batch.ts';
import type { AuthError, ProviderError } from '../errors.ts';
import type { Account } from '../job.ts';
import type { ModelFacts } from '../model-facts.ts';

/** What the headers of any answer say about when and where it was given. */
export interface ServerStamp {
  /** From `Date`, milliseconds, resolution one second; null when the header is absent or absurd. */
  readonly serverMs: number | null;
  readonly workspaceId: string | null;
  readonly organizationId: string | null;
  readonly requestId: string | null;
}

export interface Listing {
  /** Newest first. */
  readonly batches: readonly Batch[];
  readonly hasMore: boolean;
  /** Batches of a form we do not know. They may be anyone's, so the listing proves no absence. */
  readonly unreadable: number;
  /** Cursor for the next, older page; null on an empty page. */
  readonly lastId: string | null;
  readonly stamp: ServerStamp;
}

export interface BatchUpload {
  readonly apiVersion: string;
  readonly requests: number;
  /** Length of the whole body, framing included; sent as Content-Length. */
  readonly bodyBytes: number;
  /**
   * All of the body but its last two bytes. A chunk may be overwritten once the next one is asked for. Must throw when
   * the bytes are not those that were built.
   */
  readonly head: () => AsyncIterable<Uint8Array>;
  /**
   * Called once all of `head` has left and nothing has been answered. When it throws, the tail is not sent. What it
   * returns is asked at the last moment before the two bytes: false means that too long went by since the seal.
   */
  readonly beforeTail: () => Promise<() => boolean>;
  readonly onProgress: (bytesSent: number) => void;
}

/**
 * How a create ended. `not_created` is certain: the tail was never sent, or the API refused in its own words.
 * Everything else is `unknown`, and nobody may send the shard again before that is settled.
 */
export type CreateOutcome =
  | { readonly kind: 'created'; readonly batch: Batch; readonly stamp: ServerStamp }
  | {
      readonly kind: 'not_created';
      /** True when the tail had left, so that the refusal is the API's word and not arithmetic. */
      readonly tailSent: boolean;
      readonly bytesSent: number;
      readonly refusal: Refusal;
      readonly error: ProviderError | AuthError;
    }
  | {
      readonly kind: 'unknown';
      /** The batch that the answer named, where it could be read: the first candidate. */
      readonly batch: Batch | null;
      readonly reason: string;
      readonly status: number | null;
      readonly requestId: string | null;
    };

/**
 * - broken: no answer; worth repeating.  - rate_limited: wait, then repeat.  - too_large: halve the shard.
 * - spend_cap: waiting does not help.  - auth: the key.  - refused: the API named what is wrong.
 * - overloaded: an answer that came before the tail and may pass.
 */
export type Refusal =
  | 'broken'
  | 'rate_limited'
  | 'too_large'
  | 'spend_cap'
  | 'auth'
  | 'refused'
  | 'overloaded';

/** One call of the Messages API. */
export interface MessageCall {
  /** The body, sent as it is. */
  readonly paramsJson: string;
  readonly apiVersion: string;
  readonly betas: readonly string[];
  /** Awaited before each POST, also one that repeats another: that is where the pace of all calls is kept. */
  readonly admit: () => Promise<void>;
  /** The API asked for a wait before the next POST, whoever makes it. */
  readonly onPause: (ms: number) => void;
  /** No whole answer came to a POST, which may have been paid nevertheless. */
  readonly onLost?: () => void;
  /** Once it is aborted no POST is begun; one that is under way is waited for. */
  readonly halt: AbortSignal;
}

/**
 * How a call ended, after its repeats.
 * - answered: a message.  - refused: the API, or something before it, said no.  - unreachable: no answer came.
 * - withheld: `halt` came before the next POST.
 */
export type MessageOutcome =
  | {
      readonly kind: 'answered';
      readonly messageJson: string;
      /** What counts against a limit on tokens: cache reads do not (rate limits page). */
      readonly tokens: number;
    }
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly refusal: MessageRefusal;
      /** The API's error envelope as it came; one of ours where the answer was not in its form. */
      readonly envelopeJson: string;
      readonly error: ProviderError | AuthError;
    }
  | { readonly kind: 'unreachable'; readonly error: ProviderError | AuthError }
  | { readonly kind: 'withheld' };

/**
 * - request: this request is wrong; others may be right.  - passing: a limit or a failure that may pass.
 * - spend_cap: waiting does not help.  - auth: the key or its rights.  - strange: not the API’s way to say no.
 */
export type MessageRefusal = 'request' | 'passing' | 'spend_cap' | 'auth' | 'strange';

/** The results of a batch on their way. */
export interface ResultsStream {
  /** As they come. Ends without an error when the connection closes cleanly, even if too early. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** The place of its first byte in the whole text: 0, or where the rest was asked for. */
  readonly startsAt: number;
  /** Names this very text, byte for byte, so that its rest can be asked for; null where the server does not name it. */
  readonly etag: string | null;
}

/** What is still missing of a text that broke off. */
export interface ResultsRest {
  readonly etag: string;
  readonly startsAt: number;
}

/** The Message Batches API. Every method but `createBatch` and `sendMessage` may be repeated freely. */
export interface BatchProvider {
  readonly account: Account;
  /** One POST; never repeated, never redirected. Throws only what `beforeTail` or `head` threw. */
  createBatch(upload: BatchUpload, signal: AbortSignal): Promise<CreateOutcome>;
  /** @throws ProviderError, AuthError */
  listBatches(
    page: { readonly limit: number; readonly afterId: string | null },
    signal: AbortSignal,
  ): Promise<Listing>;
  /** @throws ProviderError with status 404 when the API does not know it (now). */
  retrieveBatch(
    id: string,
    signal: AbortSignal,
  ): Promise<{ readonly batch: Batch; readonly stamp: ServerStamp }>;
  /** Null when the batch had ended already. */
  cancelBatch(id: string, signal: AbortSignal): Promise<Batch | null>;
  /** All results, or the rest of them; where the server does not give the rest, all of them. @throws ProviderError, AuthError */
  openResults(batch: Batch, signal: AbortSignal, rest?: ResultsRest): Promise<ResultsStream>;
  /** Free. `paramsJson` is a request's params; throws ProviderError with the API's words when it refuses them. */
  countTokens(paramsJson: string, apiVersion: string, signal: AbortSignal): Promise<number>;
  /** What the API says of a model; null when it knows none of that name. Free. @throws ProviderError, AuthError */
  describeModel(name: string, signal: AbortSignal): Promise<ModelFacts | null>;
  /** One answer, paid at once. Repeats what may pass some times by itself. Throws only when the signal fires. */
  sendMessage(call: MessageCall, signal: AbortSignal): Promise<MessageOutcome>;
}
