import { describe, expect, it } from 'vitest';
import type { Progress } from '../../src/core/ports/progress.ts';
import { runJob } from '../../src/steps/run-job.ts';
import { FAST, makeWorkbench } from '../support/workbench.ts';

const signal = new AbortController().signal;

describe('the order of effects', () => {
  it('the seal is committed while the last two bytes are still held back', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(50);
    const atSeal: { received: number; length: number; complete: boolean }[] = [];
    const store = {
      ...bench.deps.store,
      seal: async (...args: Parameters<typeof bench.deps.store.seal>) => {
        await bench.deps.store.seal(...args);
        const [post] = (await bench.truth()).posts;
        if (post !== undefined) {
          atSeal.push({
            received: post.received_bytes,
            length: post.content_length,
            complete: post.complete,
          });
        }
      },
    };
    await runJob(job, FAST, { ...bench.deps, store }, signal);
    expect(atSeal).toHaveLength(1);
    expect(atSeal[0]?.complete).toBe(false);
    expect(atSeal[0]?.received).toBeLessThanOrEqual((atSeal[0]?.length ?? 0) - 2);
  });

  it('a batch id is committed and in the receipts before anything is said about it', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(50);
    const known: Promise<boolean>[] = [];
    const report = (progress: Progress): void => {
      if (progress.kind !== 'created') return;
      const { batchId } = progress;
      known.push(bench.deps.store.knownBatchIds([batchId]).then((ids) => ids.has(batchId)));
      known.push(Promise.resolve(bench.deps.files.exists('.batchctl/receipts.jsonl')));
    };
    await runJob(job, FAST, { ...bench.deps, report }, signal);
    expect(await Promise.all(known)).toEqual([true, true]);
  });

  it('the tail stays when the seal cannot be committed', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(50);
    const store = {
      ...bench.deps.store,
      seal: () => Promise.reject(new Error('the disk is full')),
    };
    await expect(runJob(job, FAST, { ...bench.deps, store }, signal)).rejects.toThrow('the disk is full');
    expect((await bench.truth()).batches).toHaveLength(0);
    await bench.run(job);
    expect(await bench.ownBatches()).toHaveLength(1);
  });

  it('a shard that a receipt knows as sent is not sent again by an older database', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(50);
    const [view] = await bench.deps.store.shards(job.id);
    const receipt = { batch_id: 'msgbatch_before', job_id: job.jobId, nonce: view?.shard.nonce };
    bench.deps.files.append('.batchctl/receipts.jsonl', JSON.stringify(receipt));
    await expect(bench.run(job)).rejects.toMatchObject({
      name: 'DecisionError',
      code: 'store_older_than_receipts',
    });
    expect((await bench.truth()).posts).toHaveLength(0);
  });

  it('a batch whose receipt was never written gets it from the next run', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(50);
    await bench.run(job, { until: 'submitted' });
    const receipts = '.batchctl/receipts.jsonl';
    bench.deps.files.remove(receipts);
    await bench.run(await bench.deps.store.jobById(job.id), { until: 'submitted' });
    const [batch] = await bench.ownBatches();
    const range = bench.deps.files.open(receipts);
    const line = range.read(0, bench.deps.files.size(receipts));
    range.close();
    expect(JSON.parse(line)).toMatchObject({ batch_id: batch?.id, job_id: job.jobId, requests: 50 });
    expect(line.trim().split('\n')).toHaveLength(1);
  });

  it('a created batch whose id cannot be committed is named, kept in the receipts, and adopted by the next run', async () => {
    const bench = await makeWorkbench();
    const job = await bench.build(50);
    const store = {
      ...bench.deps.store,
      recordBatch: () => Promise.reject(new Error('the disk is full')),
    };
    const failing = runJob(job, FAST, { ...bench.deps, store }, signal);
    await expect(failing).rejects.toMatchObject({ name: 'StoreError', code: 'batch_not_recorded' });
    expect(bench.deps.files.exists('.batchctl/receipts.jsonl')).toBe(true);
    await bench.run(job);
    expect(await bench.ownBatches()).toHaveLength(1);
    await expect(bench.deps.store.jobById(job.id)).resolves.toMatchObject({ state: 'done' });
  });
});
