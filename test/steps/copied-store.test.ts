import { expect, it } from 'vitest';
import { runJob } from '../../src/steps/run-job.ts';
import { CANARY_KEY } from '../support/canary.ts';
import { FAST, makeWorkbench } from '../support/workbench.ts';

it('a copied store looks again before each seal, because the other copy may be at work', async () => {
  const bench = await makeWorkbench({ batchSeconds: 3_600 });
  const job = await bench.build(5);
  const twin = makeTwin(bench.emulator.url);
  const { store, provider } = bench.deps;
  const copied = {
    ...bench.deps,
    store: { ...store, standing: async (id: number) => ({ ...(await store.standing(id)), isMoved: true }) },
    // Sent by the other copy after this run has looked, before it seals.
    provider: {
      ...provider,
      createBatch: async (...args: Parameters<typeof provider.createBatch>) => {
        await twin();
        return provider.createBatch(...args);
      },
    },
  };
  const { signal } = new AbortController();
  await expect(runJob(job, FAST, copied, signal)).rejects.toMatchObject({
    name: 'DecisionError',
    code: 'store_copied',
  });
  expect((await bench.truth()).batches).toHaveLength(1);
});

/** Makes a batch of five requests each time it is called. */
function makeTwin(url: string): () => Promise<void> {
  const params = { model: 'claude-haiku-5-5', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] };
  const requests = Array.from({ length: 5 }, (_, n) => ({ custom_id: `twin-${n}`, params }));
  return async () => {
    const answer = await fetch(`${url}/v1/messages/batches`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${CANARY_KEY}`,
        'anthropic-version': '2026-10-21',
        'content-type': 'application/json',
      },
      body: JSON.stringify({ requests }),
    });
    expect(answer.status).toBe(200);
  };
}
