import { ProviderError } from '../../core/errors.ts';
import type { Account } from '../../core/job.ts';
import type { BatchProvider } from '../../core/ports/provider.ts';
import { toBatch, toPage, toStamp, toTokenCount } from './batch-mapping.ts';
import { betaHeader, createClient } from './client.ts';
import { createBatch } from './create-batch.ts';
import { toBatchCallError, toCallError } from './error-mapping.ts';
import { toModelFacts } from './model-mapping.ts';
import { createAgents, fetchWithin, nodeFetch } from './node-fetch.ts';
import { openResults } from './open-results.ts';
import { sendMessage } from './send-message.ts';
import { UPLOAD_TIMES, type UploadTimes } from './upload-fetch.ts';

export interface ProviderOptions {
  readonly apiKey: string;
  /** Where calls go. */
  readonly baseUrl: string;
  /** Whose batches they are: the same address, or `emulator:<uuid>`. */
  readonly account: Account;
  /** Sent with every call but a create and a token count, which name their own. */
  readonly apiVersion: string;
  /** Values of `anthropic-beta` for a create and a token count; a message names its own. Absent: none. */
  readonly betas?: readonly string[];
  readonly userAgent: string;
  readonly times?: UploadTimes;
  /** How long an answer may be silent; two minutes when not given. */
  readonly idleMs?: number;
}

/** The Message Batches API through the official SDK. */
export function createProvider(options: ProviderOptions): BatchProvider {
  const client = createClient(
    options,
    options.idleMs === undefined ? nodeFetch : fetchWithin(options.idleMs),
  );
  const times = options.times ?? UPLOAD_TIMES;
  const headers = { 'anthropic-version': options.apiVersion };
  const betas = betaHeader(options.betas ?? []);
  const agents = createAgents();
  return {
    account: options.account,
    createBatch: (upload, signal) =>
      createBatch({ client, apiKey: options.apiKey, betas }, upload, signal, times),
    listBatches: (page, signal) =>
      call('the list of batches', toBatchCallError, async () => {
        const query = { limit: page.limit, ...(page.afterId === null ? {} : { after_id: page.afterId }) };
        const response = await client.messages.batches.list(query, { signal, headers }).asResponse();
        return { ...toPage(await response.json()), stamp: toStamp(response.headers) };
      }),
    retrieveBatch: (id, signal) =>
      call(`batch ${id}`, toBatchCallError, async () => {
        const response = await client.messages.batches.retrieve(id, null, { signal, headers }).asResponse();
        return { batch: toBatch(await response.json()), stamp: toStamp(response.headers) };
      }),
    cancelBatch: async (id, signal) => {
      try {
        const response = await client.messages.batches.cancel(id, null, { signal, headers }).asResponse();
        return toBatch(await response.json());
      } catch (error) {
        const problem = toBatchCallError(error, `canceling batch ${id}`);
        // 400 and 409: it had ended already, which is what a cancel wants.
        if (problem instanceof ProviderError && (problem.status === 400 || problem.status === 409))
          return null;
        throw problem;
      }
    },
    openResults: (batch, signal, rest) =>
      call(`the results of batch ${batch.id}`, toBatchCallError, () =>
        openResults(client, { id: batch.id, headers, rest }, signal),
      ),
    countTokens: (paramsJson, apiVersion, signal) =>
      call('counting the tokens of a sample request', toCallError, async () => {
        const response = await client
          .post('/v1/messages/count_tokens', {
            body: paramsJson,
            headers: { ...betas, 'anthropic-version': apiVersion, 'content-type': 'application/json' },
            signal,
          })
          .asResponse();
        return toTokenCount(await response.json());
      }),
    describeModel: async (name, signal) => {
      try {
        const path = `/v1/models/${encodeURIComponent(name)}`;
        const response = await client.get(path, { headers, signal }).asResponse();
        return toModelFacts(await response.json());
      } catch (error) {
        const problem = toCallError(error, `the description of model ${name}`);
        if (problem instanceof ProviderError && problem.status === 404) return null;
        throw problem;
      }
    },
    sendMessage: (message, signal) =>
      sendMessage({ client, apiKey: options.apiKey, agents }, message, signal),
  };
}

async function call<T>(what: string, explain: typeof toCallError, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw explain(error, what);
  }
}
