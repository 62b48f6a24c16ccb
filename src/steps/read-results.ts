import { type BackoffRule, backoffMs } from '../core/backoff.ts';
import type { Batch } from '../core/batch.ts';
import { ProviderError } from '../core/errors.ts';
import type { ResultsStream } from '../core/ports/provider.ts';
import type { Deps } from './deps.ts';
import { repeatRead } from './repeat-read.ts';

/** Before the rest is asked for: soon where the line has just brought bytes. */
const REST_BACKOFF: BackoffRule = { firstMs: 500, factor: 4, maxMs: 10_000 };
/** Streams in a row that brought no byte. */
const MOST_EMPTY = 3;

/** The stream's own errors are told from those of our disk: only the first are worth another download. */
export class BrokenStream extends Error {}

/**
 * The bytes of a stream, to its end. Where it breaks off and the server has named its text, the rest is asked for: what came
 * is kept, and the bytes are those of one text.
 *
 * @throws BrokenStream when the rest is not to be had. AuthError.
 */
export async function* readResults(
  first: ResultsStream,
  batch: Batch,
  deps: Deps,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let stream = first;
  let at = first.startsAt;
  let empty = 0;
  for (;;) {
    const before = at;
    try {
      for await (const chunk of readStream(stream.bytes, signal)) {
        at += chunk.length;
        yield chunk;
      }
      return;
    } catch (error) {
      empty = at > before ? 0 : empty + 1;
      if (!(error instanceof BrokenStream) || first.etag === null || empty === MOST_EMPTY) throw error;
    }
    const text = `results of ${batch.id}: the connection broke after ${at} bytes; asking for the rest`;
    deps.report({ kind: 'notice', text });
    await deps.clock.sleep(backoffMs(REST_BACKOFF, empty + 1, deps.clock.random()), signal);
    signal.throwIfAborted();
    stream = await openRest({ etag: first.etag, startsAt: at }, batch, deps, signal);
  }
}

async function openRest(
  rest: { readonly etag: string; readonly startsAt: number },
  batch: Batch,
  { provider, clock }: Deps,
  signal: AbortSignal,
): Promise<ResultsStream> {
  const stream = await repeatRead(() => provider.openResults(batch, signal, rest), clock, signal).catch(
    (cause: unknown) => {
      signal.throwIfAborted();
      if (!(cause instanceof ProviderError)) throw cause;
      throw new BrokenStream('the rest of the results was refused', { cause });
    },
  );
  if (stream.startsAt === rest.startsAt) return stream;
  await stream.bytes[Symbol.asyncIterator]().return?.();
  throw new BrokenStream('the server gives no rest');
}

async function* readStream(
  stream: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const chunks = stream[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await chunks.next().catch((cause: unknown) => {
        signal.throwIfAborted();
        throw new BrokenStream('the results stream broke', { cause });
      });
      signal.throwIfAborted();
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await chunks.return?.().catch(() => undefined);
  }
}
