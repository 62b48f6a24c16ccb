import { describe, expect, test } from 'vitest';
import { adoptedContent, adoptedSpec } from '../../../src/core/adopted.ts';
import type { Batch } from '../../../src/core/batch.ts';
import type { JobStore } from '../../../src/core/ports/store.ts';
import type { Adoption } from '../../../src/core/ports/store-views.ts';
import {
  ACCOUNT,
  AT,
  batchOf,
  created,
  inDoubt,
  type Open,
  rowOf,
  STAMP,
  sha,
  startedShard,
  stateOf,
} from './fixture.ts';

const adoptionOf = (batch: Batch): Adoption => ({
  name: 'adopted',
  spec: adoptedSpec('api'),
  contentSha256: adoptedContent(ACCOUNT.baseUrl, batch.id),
  account: ACCOUNT,
  batch,
  stamp: STAMP,
  at: AT,
});

async function adopted(store: JobStore, batch: Batch) {
  const { job } = await store.adoptBatch(adoptionOf(batch));
  const [view] = await store.shards(job.id);
  if (view === undefined) throw new Error('the job has no shard');
  return { job, view };
}

export function describeAdopting(name: string, open: Open): void {
  describe(`${name}: adopting`, () => {
    test('a batch made elsewhere is a job whose shard counts as sent and answered', async () => {
      const store = await open();
      const { job, view } = await adopted(store, batchOf('msgbatch_theirs', 3));
      expect(job).toMatchObject({ state: 'in_progress', records: 3, mode: 'batch', account: ACCOUNT });
      expect((await store.jobById(job.id)).spec.adopted).toBe(true);
      expect(view).toMatchObject({
        shard: { state: 'live', requests: 3, number: 1, stage: 'main' },
        submission: { state: 'created' },
        batch: { id: 'msgbatch_theirs' },
      });
      expect((await store.findJob('msgbatch_theirs')).id).toBe(job.id);
      expect(await store.sealedHome(job.id)).toMatchObject({ workspaceId: STAMP.workspaceId });
      expect(await store.rows(job.id, 'main', 0, 10)).toEqual([]);
    });

    test('one that has ended is an ended job, and twice the same is the same', async () => {
      const store = await open();
      const { job } = await adopted(store, batchOf('msgbatch_theirs', 2, 'ended'));
      expect(job.state).toBe('ended');
      const again = await store.adoptBatch(adoptionOf(batchOf('msgbatch_theirs', 2, 'ended')));
      expect(again).toMatchObject({ isNew: false, job: { id: job.id } });
      expect(await store.listJobs({ pendingOnly: false, limit: null })).toHaveLength(1);
    });

    test('a batch that a submission of ours has stays with it', async () => {
      const { store, job, shardId } = await startedShard(open);
      const batch = batchOf('msgbatch_ours', 2);
      await created(store, shardId, batch);
      const { isNew, job: owner } = await store.adoptBatch(adoptionOf(batch));
      expect([isNew, owner.id]).toEqual([false, job.id]);
    });

    test('its rows are added when its results are there, and may be made again', async () => {
      const store = await open();
      const { job, view } = await adopted(store, batchOf('msgbatch_theirs', 2, 'ended'));
      const { id } = view.shard;
      await store.recordDownload(id, { bytes: 10, sha256: sha('a') });
      expect(await store.addAdoptedRows(id, [rowOf(1, id), rowOf(2, id)])).toEqual([]);
      expect(await store.seqsOf(job.id, ['row-2', 'row-7', 'row-1'])).toEqual(
        new Map([
          ['row-2', 2],
          ['row-1', 1],
        ]),
      );
      const clashing = { ...rowOf(3, id), outputFold: rowOf(1, id).outputFold };
      expect(await store.addAdoptedRows(id, [clashing])).toMatchObject([{ seq: 3, on: 'output' }]);
      expect((await store.rows(job.id, 'main', 0, 10)).map((row) => row.customId)).toEqual([
        'row-1',
        'row-2',
      ]);
      await store.dropAdoptedRows(id);
      expect(await store.shardSeqs(id)).toEqual([]);
      expect(await store.addAdoptedRows(id, [rowOf(1, id)])).toEqual([]);
    });

    test('one that is let go leaves nothing, and its batch is nobody’s', async () => {
      const store = await open();
      const batch = batchOf('msgbatch_theirs', 1, 'ended');
      const { job, view } = await adopted(store, batch);
      await store.recordDownload(view.shard.id, { bytes: 10, sha256: sha('a') });
      await store.addAdoptedRows(view.shard.id, [rowOf(1, view.shard.id)]);
      await store.dropAdopted(job.id);
      await expect(store.jobById(job.id)).rejects.toMatchObject({ code: 'job_gone' });
      await expect(store.findJob(batch.id)).rejects.toMatchObject({ code: 'job_not_found' });
      expect(await store.knownBatchIds([batch.id])).toEqual(new Set());
      expect((await store.adoptBatch(adoptionOf(batch))).isNew).toBe(true);
    });

    test('a nonce tells its shard, whatever has become of it', async () => {
      const { store, job, shardId } = await startedShard(open);
      const [view] = await store.shards(job.id);
      const nonce = view?.shard.nonce ?? '';
      expect(await store.shardOfNonce(['zzzzzzzz', nonce])).toMatchObject({
        jobId: job.jobId,
        batchId: null,
      });
      await inDoubt(store, shardId);
      expect(await store.shardOfNonce([nonce])).toMatchObject({ submissionState: 'in_doubt' });
      expect(await store.shardOfNonce(['zzzzzzzz'])).toBeNull();
      expect(await store.shardOfNonce([])).toBeNull();
    });

    test('each batch of a list has its owner: proven, a candidate of a doubt, or nobody', async () => {
      const { store, job, shardId } = await startedShard(open);
      const { id } = await inDoubt(store, shardId);
      await store.addCandidate(id, batchOf('msgbatch_maybe', 2));
      await store.addCandidate(id, batchOf('msgbatch_no', 2));
      await store.rejectCandidate(id, 'msgbatch_no');
      const { job: other } = await adopted(store, batchOf('msgbatch_theirs', 1));
      const owners = await store.batchOwners([
        'msgbatch_maybe',
        'msgbatch_no',
        'msgbatch_theirs',
        'msgbatch_x',
      ]);
      expect([...owners.keys()].sort()).toEqual(['msgbatch_maybe', 'msgbatch_theirs']);
      expect(owners.get('msgbatch_maybe')).toEqual({
        jobId: job.jobId,
        stage: 'main',
        shard: 1,
        isCandidate: true,
      });
      expect(owners.get('msgbatch_theirs')).toMatchObject({ jobId: other.jobId, isCandidate: false });
      expect(await stateOf(store, job.id)).toBe('in_doubt');
    });

    test('an adopted batch is no candidate of a doubt any more', async () => {
      const store = await open();
      await adopted(store, batchOf('msgbatch_theirs', 2));
      expect(await store.knownBatchIds(['msgbatch_theirs'])).toEqual(new Set(['msgbatch_theirs']));
    });
  });
}
