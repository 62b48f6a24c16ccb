import type Anthropic from '@anthropic-ai/sdk';
import { type Batch, sumCounts } from '../../core/batch.ts';
import type { BatchUpload, CreateOutcome } from '../../core/ports/provider.ts';
import { toBatch, toStamp } from './batch-mapping.ts';
import { withOwnKey } from './client.ts';
import { causeOf, provesNotCreated, refusalOf, toCallError } from './error-mapping.ts';
import { type UploadTimes, type UploadTrace, uploadFetch } from './upload-fetch.ts';

/** The SDK arms its own timer around the whole upload; ours are finer. The longest that a timer takes. */
const NO_SDK_TIMEOUT_MS = 2_147_483_647;

/**
 * One create, once. What comes back is as certain as it can be: `trace.tailSent` decides, not the kind of error.
 * Throws only what the upload's own callbacks threw, after the connection is gone.
 */
export async function createBatch(
  {
    client,
    apiKey,
    betas,
  }: {
    readonly client: Anthropic;
    readonly apiKey: string;
    /** The header of the beta features, if there are any. */
    readonly betas: Readonly<Record<string, string>>;
  },
  upload: BatchUpload,
  signal: AbortSignal,
  times: UploadTimes,
): Promise<CreateOutcome> {
  const trace: UploadTrace = { bytesSent: 0, tailSent: false };
  const ours = watchCallbacks(upload);
  const fetch = withOwnKey(uploadFetch(ours.upload, trace, signal, times), apiKey);
  try {
    const response = await client
      .withOptions({ fetch })
      .post('/v1/messages/batches', {
        body: '', // the real one streams from the upload
        headers: { ...betas, 'anthropic-version': upload.apiVersion, 'content-type': 'application/json' },
        maxRetries: 0,
        timeout: NO_SDK_TIMEOUT_MS,
      })
      .asResponse();
    const stamp = toStamp(response.headers);
    const unknown = (reason: string, batch: Batch | null = null): CreateOutcome => ({
      kind: 'unknown',
      batch,
      reason,
      status: response.status,
      requestId: stamp.requestId,
    });
    // A 2xx to half a body: whoever said it, the API cannot have the request.
    if (!trace.tailSent)
      throw new Error(`an answer of ${response.status} came before the whole body was sent`);
    if (response.status !== 200) return unknown(`the API answered ${response.status}`);
    const batch = readBatch(await response.text());
    if (batch === null) return unknown('the answer was cut or is not a batch');
    if (sumCounts(batch.counts) !== upload.requests) {
      return unknown(
        `the answer names ${batch.id} with ${sumCounts(batch.counts)} requests, sent were ${upload.requests}`,
        batch,
      );
    }
    return { kind: 'created', batch, stamp };
  } catch (error) {
    const own = ours.thrown();
    if (own !== null && !trace.tailSent) throw own.error;
    const problem = toCallError(error, 'the batch was not created');
    if (!trace.tailSent || provesNotCreated(error)) {
      return {
        kind: 'not_created',
        tailSent: trace.tailSent,
        bytesSent: trace.bytesSent,
        refusal: refusalOf(error),
        error: problem,
      };
    }
    return {
      kind: 'unknown',
      batch: null,
      reason: problem.why ?? causeOf(error),
      status: 'status' in problem ? problem.status : null,
      requestId: 'requestId' in problem ? problem.requestId : null,
    };
  }
}

function readBatch(text: string): Batch | null {
  try {
    return toBatch(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Tells an error of ours (a full disk, a lost seal) from one of the connection: the SDK wraps both alike. */
function watchCallbacks(upload: BatchUpload): {
  readonly upload: BatchUpload;
  thrown(): { readonly error: unknown } | null;
} {
  let thrown: { readonly error: unknown } | null = null;
  const note = (error: unknown): never => {
    thrown = { error };
    throw error;
  };
  return {
    thrown: () => thrown,
    upload: {
      ...upload,
      head: async function* () {
        try {
          yield* upload.head();
        } catch (error) {
          note(error);
        }
      },
      beforeTail: () => upload.beforeTail().catch(note),
    },
  };
}
