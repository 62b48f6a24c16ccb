import { hash } from 'node:crypto';
import { type Batch, sumCounts } from '../core/batch.ts';
import type { JobStore } from '../core/ports/store.ts';
import type { Adoption } from '../core/ports/store-views.ts';
import { NO_SIZES } from '../core/request-sizes.ts';
import { insertRows } from './building.ts';
import type { Connection } from './connection.ts';
import type { Db } from './open.ts';
import { prepareOwners } from './owners.ts';
import { changeSubmission, shardIn } from './settling.ts';

type Adopting = Pick<
  JobStore,
  'adoptBatch' | 'addAdoptedRows' | 'dropAdoptedRows' | 'dropAdopted' | 'shardOfNonce' | 'batchOwners'
>;

/** There is no file of requests, and the least that the schema takes of one says so: nothing, with its hash. */
const noFile = () => ({ bodyBytes: 1, fileSha256: hash('sha256', '', 'hex'), sizes: NO_SIZES });

const ALL_ROWS = Number.MAX_SAFE_INTEGER;

export function adopting(connection: Connection, db: Db): Adopting {
  const { accounts, jobs, stages, shards, records, requests, submissions, batches, events, read, write } =
    connection;
  const owners = prepareOwners(db);

  function openSubmission(jobId: number, { account, batch, stamp, at }: Adoption): void {
    const accountId = accounts.ensure(account);
    const [stageId = 0] = stages.ids(jobId);
    const number = sumCounts(batch.counts);
    jobs.requestSubmission(jobId, accountId, 'batch', at);
    // The batch's id takes the place of the nonce: unique, and of a form that no nonce has.
    const shard = { number: 1, group: null, nonce: batch.id, origin: 'build', route: 'batch' } as const;
    const shardId = shards.open(stageId, shard);
    shards.close(shardId, { requests: number, ...noFile() });
    const createdMs = createdMsOf(batch, at);
    const { id } = submissions.start(shardId, accountId, createdMs);
    const { serverMs, workspaceId, organizationId } = stamp;
    // Whose workspace it is says which «not found» counts, as for a batch that we made.
    submissions.seal(id, createdMs, { batchIds: [], serverMs, workspaceId, organizationId });
    shards.setState(shardId, 'live');
    batches.insert(batch, accountId);
    batches.see(batch);
    batches.setOwner(batch.id, id);
    accounts.nameOwner(accountId, stamp);
    const facts = submissions.facts(id);
    changeSubmission(connection, facts, { state: 'created' }, 'batch_adopted', { batch_id: batch.id });
  }

  return {
    adoptBatch: (adoption) =>
      write(() => {
        const { name, spec, contentSha256, batch, at } = adoption;
        const owner = batches.owner(batch.id)?.submissionId ?? null;
        if (owner !== null) return { job: jobs.byId(submissions.facts(owner).jobId), isNew: false };
        const { id, jobId } = jobs.insert({ name, spec, at });
        events.record({ jobId: id, kind: 'job_created', detail: { job_id: jobId } });
        jobs.markBuilt(id, sumCounts(batch.counts), contentSha256);
        openSubmission(id, adoption);
        connection.foldJob(id);
        return { job: jobs.byId(id), isNew: true };
      }),

    addAdoptedRows: (shardId, rows, elsewhere) =>
      write(() => {
        const shard = shardIn(connection, shardId, ['live', 'downloaded']);
        return insertRows(connection, shard, rows, elsewhere);
      }),

    dropAdoptedRows: (shardId) =>
      write(() => {
        const { jobId, stageId } = shardIn(connection, shardId, ['downloaded']);
        requests.deleteChunk(stageId, ALL_ROWS);
        records.deleteChunk(jobId, ALL_ROWS);
      }),

    dropAdopted: (jobId) =>
      write(() => {
        for (const batch of batches.ofJob(jobId).values()) batches.setOwner(batch.id, null);
        for (const stageId of stages.ids(jobId)) requests.deleteChunk(stageId, ALL_ROWS);
        records.deleteChunk(jobId, ALL_ROWS);
        submissions.deleteOfJob(jobId);
        shards.deleteOfJob(jobId);
        stages.deleteOfJob(jobId);
        events.deleteOfJob(jobId);
        jobs.delete(jobId);
      }),

    shardOfNonce: (nonces) => read(() => owners.ofNonces(nonces)),
    batchOwners: (ids) => read(() => owners.ofBatches(ids)),
  };
}

/** A time that cannot be read must not keep a batch from being taken in. */
function createdMsOf(batch: Batch, at: Date): number {
  const createdMs = Date.parse(batch.createdAt);
  return Number.isNaN(createdMs) ? at.getTime() : createdMs;
}
